import { Pool } from 'undici';

/** What `sendLoad` is to do. */
export interface LoadOptions {
  readonly urls: readonly string[];
  /** City ids, in the order in which they are asked. */
  readonly cityIds: readonly number[];
  /** Requests in flight at any time. */
  readonly concurrency: number;
  readonly signal: AbortSignal;
}

/** What came of it. */
export interface LoadResult {
  readonly errors: readonly string[];
  /** How long each request took, as the caller saw it, in milliseconds, shortest first. */
  readonly latencies: Float64Array;
}

/**
 * Asks for the cities over kept-alive connections, of the peers in turn. Each of `concurrency` callers waits for its
 * answer, and reads it, before it asks again. An answer that is not the city asked for counts as an error.
 */
export async function sendLoad({ urls, cityIds, concurrency, signal }: LoadOptions): Promise<LoadResult> {
  const pools = urls.map(
    (url) => new Pool(url, { connections: concurrency, headersTimeout: 30_000, bodyTimeout: 30_000 }),
  );
  const latencies = new Float64Array(cityIds.length);
  const errors: string[] = [];
  let next = 0;

  const caller = async (): Promise<void> => {
    while (next < cityIds.length) {
      signal.throwIfAborted();
      const turn = next++;
      const start = performance.now();
      try {
        await askForCity(pools[turn % pools.length] as Pool, cityIds[turn] as number);
      } catch (error) {
        errors.push(error instanceof Error ? error.message : String(error));
      }
      latencies[turn] = performance.now() - start;
    }
  };

  try {
    await Promise.all(Array.from({ length: concurrency }, caller));
  } finally {
    await Promise.all(pools.map((pool) => pool.destroy()));
  }
  return { errors, latencies: latencies.toSorted() };
}

async function askForCity(pool: Pool, id: number): Promise<void> {
  const { statusCode, body } = await pool.request({ path: `/cities/${id}`, method: 'GET' });
  const text = await body.text();
  if (statusCode !== 200) throw new Error(`city ${id} was answered ${statusCode}: ${text.slice(0, 200)}`);
  const city: { id?: unknown } = JSON.parse(text);
  if (city.id !== id) throw new Error(`city ${id} was answered with city ${String(city.id)}`);
}
