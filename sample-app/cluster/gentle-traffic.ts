import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import { seededRandom, zipf, type Random } from './random.js';

const intervalMs = 200;
const countries = ['DE', 'US', 'FR', 'IN', 'BR', 'JP', 'NG', 'NZ'] as const;
const points = ['lat=52.52&lon=13.4', 'lat=-17.71&lon=178.06', 'lat=64.15&lon=-21.94', 'lat=1.29&lon=103.85'] as const;

/**
 * Sends five requests a second to the peers in turn, until the signal: mostly single cities, now and then something
 * slow. A request that fails is told of and changes nothing else.
 */
export async function sendGentleTraffic(
  urls: readonly string[],
  cityIds: readonly number[],
  signal: AbortSignal,
): Promise<void> {
  const nextPath = paths(cityIds, seededRandom(Date.now()));
  const pools = urls.map((url) => new Pool(url, { connections: 4, headersTimeout: 10_000, bodyTimeout: 10_000 }));
  try {
    for (let turn = 0; ; turn++) {
      await sleep(intervalMs, undefined, { signal });
      const pool = pools[turn % pools.length];
      // Not awaited: a slow answer does not hold up the next request.
      if (pool !== undefined) void ask(pool, nextPath(), signal);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    await Promise.all(pools.map((pool) => pool.destroy()));
  }
}

async function ask(pool: Pool, path: string, signal: AbortSignal): Promise<void> {
  try {
    const { statusCode, body } = await pool.request({ path, method: 'GET' });
    await body.dump();
    if (statusCode !== 200) console.error(`GET ${path} was answered ${statusCode}`);
  } catch (error) {
    if (!signal.aborted) console.error(`GET ${path} failed:`, error instanceof Error ? error.message : error);
  }
}

function paths(cityIds: readonly number[], random: Random): () => string {
  const city = zipf(cityIds, random);
  const country = zipf(countries, random);
  const point = zipf(points, random);
  return () => {
    const dice = random();
    if (dice < 0.7) return `/cities/${city()}`;
    if (dice < 0.85) return `/nearest?${point()}`;
    if (dice < 0.95) return `/countries/${country()}/summary`;
    return `/countries/${country()}/map.svg`;
  };
}
