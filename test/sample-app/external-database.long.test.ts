import { Client } from 'pg';
import { describe, expect, it } from 'vitest';
import { expectOneReadAKey, liveLines } from './atlas-commands.js';
import { Command } from './command.js';
import { postgresPrograms, startPostgres, type Postgres } from './postgres.js';

const programs = await postgresPrograms();
const isSkipped = programs === undefined && !process.env['CI'];
if (isSkipped) console.log('skipped, as PostgreSQL is not installed: apt-get install postgresql');

/** Fails where everything that the tests need is said to be there. */
async function startedPostgres(): Promise<Postgres> {
  if (programs === undefined) throw new Error('PostgreSQL is not installed: apt-get install postgresql');
  return startPostgres(programs);
}

describe.skipIf(isSkipped)('npm run demo with DATABASE_URL', () => {
  it('reads each version once from a real PostgreSQL, which it fills on the first run alone', async () => {
    const { url, password } = await startedPostgres();
    const demo = ['npm', 'run', 'demo', '--ignore-scripts', '--', '--port', '0'] as const;

    const first = new Command(demo, { DATABASE_URL: url });
    expect(await first.ended, first.output).toBe(0);
    await forgetVersions(url);
    const second = new Command(demo, { DATABASE_URL: url });
    expect(await second.ended, second.output).toBe(0);

    for (const command of [first, second]) {
      expect(command.lines).toContain(`database: PostgreSQL at ${new URL(url).host}`);
      expect(command.output).not.toContain(password);
      expectOneReadAKey(command);
    }
    expect(first.lines).toContain('importing cities: 135,233 of 135,233');
    expect(second.output).not.toContain('importing');
    expect(await countRows(url)).toEqual({ cities: 135_233, logged: 0 });
  });
});

describe.skipIf(isSkipped)('npm start with DATABASE_URL', () => {
  it('ends with 1, and tells no password, when the database stops', async () => {
    const { url, password, stop } = await startedPostgres();
    const command = new Command(['npm', 'start', '--ignore-scripts', '--', '--port', '0', '--quiet'], {
      DATABASE_URL: url,
    });
    await liveLines(command, 1);

    await stop();

    expect(await command.ended, command.output).toBe(1);
    expect(command.output).not.toContain(password);
  });
});

/** Makes the tables what they were before there were versions. */
async function forgetVersions(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('ALTER TABLE atlas.cities DROP COLUMN version');
    await client.query('ALTER TABLE atlas.statement_log DROP COLUMN version');
  } finally {
    await client.end();
  }
}

async function countRows(url: string): Promise<unknown> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const result = await client.query(
      `SELECT (SELECT count(*)::integer FROM atlas.cities) AS cities,
              (SELECT count(*)::integer FROM atlas.statement_log) AS logged`,
    );
    return result.rows[0];
  } finally {
    await client.end();
  }
}
