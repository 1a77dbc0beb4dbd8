import { Pool } from 'undici';
import { versionedKey, type CityRow } from '../database/statement-counter.js';
import { KeyTurns } from './key-turns.js';

/** One request: a GET of a city, or a PATCH. */
export interface CityRequest {
  readonly city: CityRow;
  readonly isWrite: boolean;
}

/** What `sendLoad` is to do. */
export interface LoadOptions {
  readonly urls: readonly string[];
  /** In the order in which they are sent. */
  readonly requests: readonly CityRequest[];
  /** Requests in flight at any time. */
  readonly concurrency: number;
  readonly signal: AbortSignal;
}

/** What came of it. */
export interface LoadResult {
  readonly errors: readonly string[];
  /** Changes that were answered: in the database, and confirmed by all peers. */
  readonly writes: number;
  /** Answers with a version that was older than one whose change had been answered before they were asked for. */
  readonly oldValues: number;
  /** The versions of cities that GETs were answered with, by their `versionedKey`. */
  readonly seen: ReadonlySet<string>;
  /** How long each request took, as the caller saw it, in milliseconds, shortest first. */
  readonly latencies: Float64Array;
}

/**
 * Sends the requests over kept-alive connections, to the peers in turn. Each of `concurrency` callers waits for its
 * answer, and reads it, before it sends the next one; changes of a city wait for its GETs and these for them, see KeyTurns.
 * An answer that is not the city asked for, or a change that not all peers have confirmed, counts as an error.
 */
export async function sendLoad({ urls, requests, concurrency, signal }: LoadOptions): Promise<LoadResult> {
  const pools = urls.map(
    (url) => new Pool(url, { connections: concurrency, headersTimeout: 30_000, bodyTimeout: 30_000 }),
  );
  const latencies = new Float64Array(requests.length);
  const errors: string[] = [];
  const seen = new Set<string>();
  const turns = new KeyTurns();
  const versions = new Map<number, number>();
  let writes = 0;
  let oldValues = 0;
  let next = 0;

  const read = async (pool: Pool, { id, version }: CityRow): Promise<void> => {
    const expected = versions.get(id) ?? version;
    const city = await ask(pool, id);
    seen.add(versionedKey(city));
    if (city.version < expected) oldValues++;
  };
  const write = async (pool: Pool, { id, population }: CityRow): Promise<void> => {
    // What it is already: the atlas stays right, and the version counts up all the same.
    const city = await ask(pool, id, { population });
    versions.set(id, city.version);
    writes++;
  };

  const caller = async (): Promise<void> => {
    while (next < requests.length) {
      signal.throwIfAborted();
      const turn = next++;
      const { city, isWrite } = requests[turn] as CityRequest;
      const timed = async (): Promise<void> => {
        const start = performance.now();
        try {
          await (isWrite ? write : read)(pools[turn % pools.length] as Pool, city);
        } catch (error) {
          errors.push(error instanceof Error ? error.message : String(error));
        }
        latencies[turn] = performance.now() - start;
      };
      await (isWrite ? turns.write(city.id, timed) : turns.read(city.id, timed));
    }
  };

  try {
    await Promise.all(Array.from({ length: concurrency }, caller));
  } finally {
    await Promise.all(pools.map((pool) => pool.destroy()));
  }
  return { errors, writes, oldValues, seen, latencies: latencies.toSorted() };
}

/** A city; after a change, if there is one to be made. */
async function ask(pool: Pool, id: number, changes?: { readonly population: number }): Promise<CityRow> {
  const method = changes === undefined ? 'GET' : 'PATCH';
  const { statusCode, body } = await pool.request({
    path: `/cities/${id}`,
    method,
    headers: changes === undefined ? {} : { 'content-type': 'application/json' },
    body: changes === undefined ? null : JSON.stringify(changes),
  });
  const text = await body.text();
  if (statusCode !== 200) throw new Error(`${method} of city ${id} was answered ${statusCode}: ${text.slice(0, 200)}`);
  const city = JSON.parse(text) as CityRow;
  if (city.id !== id) throw new Error(`${method} of city ${id} was answered with city ${String(city.id)}`);
  return city;
}
