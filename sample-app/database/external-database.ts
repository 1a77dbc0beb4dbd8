import { Client } from 'pg';
import type { AtlasDatabase, OpenDatabaseOptions } from './atlas-database.js';
import { importWithin } from './import-cities.js';
import { addVersions } from './schema.js';

/** Any number will do that no other program on the database uses. */
const importLock = 7_206_198_402;

/** A PostgreSQL that runs already, at `url`; the first run puts the cities into its schema `atlas`. */
export async function openExternalDatabase(url: string, options: OpenDatabaseOptions): Promise<AtlasDatabase> {
  const description = `PostgreSQL at ${new URL(url).host}`;
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  try {
    await client.connect();
  } catch (error) {
    throw new Error(`no connection to ${description}`, { cause: error });
  }
  try {
    await importOnce(client, options);
  } finally {
    await client.end();
  }

  return {
    url,
    poolSize: 8,
    description,
    failed: new Promise(() => {}),
    close: () => Promise.resolve(),
  };
}

/** Several runs may start at once: the first imports, the others wait for its commit and find the table there. */
async function importOnce(client: Client, { progress, signal }: OpenDatabaseOptions): Promise<void> {
  await client.query('BEGIN');
  try {
    await client.query('SELECT pg_advisory_xact_lock($1)', [importLock]);
    const found = await client.query<{ exists: boolean }>("SELECT to_regclass('atlas.cities') IS NOT NULL AS exists");
    if (found.rows[0]?.exists !== true) await importWithin(client, progress, signal);
    else for (const statement of addVersions) await client.query(statement);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  }
}
