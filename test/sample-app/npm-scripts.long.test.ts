import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePorts } from '../../sample-app/cluster/free-ports.js';
import { childrenOf, expectGone, expectOneReadAKey, launcherOf, liveLines, peerUrls } from './atlas-commands.js';
import { Command } from './command.js';
import { temporaryFolder } from './temporary-folder.js';

/** One for all: filled by the first test, found filled by the others. */
let data: string;

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'atlas-'));
});

afterAll(() => rm(data, { recursive: true, force: true }));

/** `npm start`, without the build that the first test has seen. */
function start(...options: string[]): Command {
  return new Command(['npm', 'start', '--ignore-scripts', '--', '--port', '0', '--data', data, ...options]);
}

async function text(url: string): Promise<string> {
  const response = await fetch(url);
  expect(response.status, url).toBe(200);
  return response.text();
}

async function bytes(url: string): Promise<Buffer> {
  const response = await fetch(url);
  expect(response.status, url).toBe(200);
  expect(response.headers.get('content-type')).toBe('image/svg+xml');
  return Buffer.from(await response.arrayBuffer());
}

describe('npm start', () => {
  it('builds, imports the cities, answers at three peers, and ends cleanly on Ctrl-C', async () => {
    const command = new Command(['npm', 'start', '--', '--port', '0', '--data', data]);
    const urls = await peerUrls(command);
    expect(new Set(urls).size).toBe(3);
    expect(command.lines).toContain('importing cities: 135,233 of 135,233');
    const suggestions = await command.matches(/^ {2}curl '([^']+)'/, 3);
    expect(suggestions.map(([, url]) => url)).toEqual([
      `${urls[0]}/cities/2950159`,
      `${urls[1]}/nearest?lat=52.52&lon=13.4&count=3`,
      `${urls[2]}/countries/DE/map.svg`,
    ]);

    const cities = await Promise.all(urls.map((url) => text(`${url}/cities/2950159`)));
    expect(JSON.parse(cities[0]!)).toMatchObject({ id: 2950159, name: 'Berlin', country: 'DE', featureCode: 'PPLC' });
    expect(new Set(cities).size).toBe(1);

    const maps = await Promise.all(urls.map((url) => bytes(`${url}/countries/DE/map.svg`)));
    expect(maps[0]!.length).toBeGreaterThan(10_000);
    expect(maps[0]!.equals(maps[1]!) && maps[0]!.equals(maps[2]!)).toBe(true);

    const summaries = await Promise.all(urls.map((url) => text(`${url}/countries/DE/summary`)));
    expect(JSON.parse(summaries[0]!)).toMatchObject({
      country: 'DE',
      name: 'Germany',
      largest: { 0: { name: 'Berlin' } },
    });
    expect(new Set(summaries).size).toBe(1);

    const nearest = await Promise.all(urls.map((url) => text(`${url}/nearest?lat=52.52&lon=13.4&count=3`)));
    expect(JSON.parse(nearest[0]!)).toHaveLength(3);
    expect(new Set(nearest).size).toBe(1);

    const missing = await Promise.all(urls.map(async (url) => (await fetch(`${url}/cities/1`)).status));
    expect(missing).toEqual([404, 404, 404]);
    const health = await Promise.all(urls.map((url) => text(`${url}/health`)));
    for (const body of health) expect(JSON.parse(body)).toMatchObject({ status: 'ok' });

    const [first, second, third] = await liveLines(command, 3);
    expect(second!.requests).toBeGreaterThan(first!.requests);
    expect(third!.requests).toBeGreaterThan(second!.requests);
    expect(third!.queries).toBeGreaterThan(0);

    const launcher = await launcherOf(data);
    const peers = await childrenOf(launcher);
    expect(peers).toHaveLength(3);
    command.interrupt();
    expect(await command.ended, command.output).toBe(0);
    await expectGone([launcher, ...peers]);
    expect(await readdir(data)).toEqual(['cities-v2']);
  });

  it('sends nothing of its own when told to be quiet', async () => {
    const command = start('--quiet');
    const [url] = await peerUrls(command);
    expect(command.output).not.toContain('importing');

    await text(`${url}/cities/2950159`);

    const lines = await liveLines(command, 3);
    expect(lines.at(-1)).toEqual({ requests: 1, queries: 1 });
    command.interrupt();
    expect(await command.ended, command.output).toBe(0);
  });

  it('refuses a data folder that another run uses, and leaves that run alone', async () => {
    const running = start('--quiet');
    const [url] = await peerUrls(running);

    const refused = start();

    expect(await refused.ended).toBe(1);
    const { pid } = await launcherOf(data);
    expect(refused.lines).toContain(
      `${data} is in use by process ${pid}: stop that one, or name another folder with --data or ATLAS_DATA`,
    );
    expect(refused.output).not.toContain('    at ');
    await text(`${url}/cities/2950159`);
    running.interrupt();
    expect(await running.ended, running.output).toBe(0);
  });

  it('ends with 1 when a peer is killed, and takes the others along', async () => {
    const command = start();
    await peerUrls(command);
    const launcher = await launcherOf(data);
    const peers = await childrenOf(launcher);

    process.kill(peers[1]!.pid, 'SIGKILL');

    expect(await command.ended, command.output).toBe(1);
    expect(command.output).toMatch(new RegExp(`\\(process ${peers[1]!.pid}\\) ended unexpectedly: SIGKILL`));
    await expectGone([launcher, ...peers]);
    expect(await readdir(data)).toEqual(['cities-v2']);
  });

  it('leaves no peer behind when it is killed itself, and the next run takes its folder over', async () => {
    const killed = start();
    await peerUrls(killed);
    const launcher = await launcherOf(data);
    const peers = await childrenOf(launcher);
    expect(peers).toHaveLength(3);

    process.kill(launcher.pid, 'SIGKILL');

    await killed.ended;
    await expectGone([launcher, ...peers]);
    expect(await readdir(data)).toContain('lock');
    const next = start('--quiet');
    await peerUrls(next);
    next.interrupt();
    expect(await next.ended, next.output).toBe(0);
    expect(await readdir(data)).toEqual(['cities-v2']);
  });

  it('stops an import on Ctrl-C, and leaves nothing of it', async () => {
    const folder = await temporaryFolder();
    const command = new Command(['npm', 'start', '--ignore-scripts', '--', '--port', '0', '--data', folder]);
    await command.matches(/^importing cities: /, 1);

    command.interrupt();

    expect(await command.ended, command.output).toBe(0);
    expect(command.output).not.toContain('ready: ');
    expect(await readdir(folder)).toEqual([]);
  });

  it('says what is wrong with an option', async () => {
    const command = new Command(['npm', 'start', '--ignore-scripts', '--', '--port', 'banana']);

    expect(await command.ended).toBe(1);
    expect(command.lines).toContain('--port must be 0 to 65535, not "banana"');
  });

  it('says that a DATABASE_URL leads nowhere, without its password', async () => {
    const [port] = await freePorts(0, 1);
    const command = new Command(['npm', 'start', '--ignore-scripts'], {
      DATABASE_URL: `postgres://atlas:password@127.0.0.1:${port}/atlas`,
    });

    expect(await command.ended).toBe(1);
    expect(command.lines).toContain(
      `no connection to PostgreSQL at 127.0.0.1:${port}: connect ECONNREFUSED 127.0.0.1:${port}`,
    );
    expect(command.output).not.toContain('password');
  });
});

describe('npm run demo', () => {
  it('reads each version of a key from the database once, without an error', async () => {
    const command = new Command(['npm', 'run', 'demo', '--', '--port', '0', '--data', data]);

    expect(await command.ended, command.output).toBe(0);

    expectOneReadAKey(command);
    expect(await readdir(data)).toEqual(['cities-v2']);
  });

  it('ends with 1 when it is interrupted', async () => {
    const command = new Command(['npm', 'run', 'demo', '--ignore-scripts', '--', '--port', '0', '--data', data]);
    await peerUrls(command);
    const launcher = await launcherOf(data);
    const peers = await childrenOf(launcher);

    command.interrupt();

    expect(await command.ended, command.output).toBe(1);
    await expectGone([launcher, ...peers]);
    expect(await readdir(data)).toEqual(['cities-v2']);
  });
});
