import { Pool } from 'pg';
import type { AtlasDatabase } from './atlas-database.js';

/** A line of the statement log: how often the database was asked one thing. */
export interface KeyReads {
  readonly key: string;
  readonly reads: number;
}

/** What the launcher knows of a city. */
export interface CityRow {
  readonly id: number;
  readonly population: number;
  readonly version: number;
}

/** Names a version of a city. */
export function versionedKey({ id, version }: { readonly id: number | string; readonly version: number }): string {
  return `${id}, version ${version}`;
}

/** A database that has not answered by then is taken for dead; its cluster can still be stopped. */
const patienceMs = 10_000;

/** The launcher's view of what the database wrote down of one run: see StatementLog. */
export class StatementCounter {
  readonly #pool: Pool;
  readonly #run: string;

  constructor(database: AtlasDatabase, run: string) {
    this.#pool = new Pool({
      connectionString: database.url,
      max: 1,
      connectionTimeoutMillis: patienceMs,
      query_timeout: patienceMs,
    });
    // An idle connection that breaks is replaced at the next query; without a listener it would end the process.
    this.#pool.on('error', () => {});
    this.#run = run;
  }

  /** Every statement of the run so far. */
  async total(): Promise<number> {
    const result = await this.#pool.query<{ total: number }>(
      'SELECT count(*)::integer AS total FROM atlas.statement_log WHERE run = $1',
      [this.#run],
    );
    return result.rows[0]?.total ?? 0;
  }

  /** How often each key was read by the query of that name. */
  async readsByKey(query: string): Promise<KeyReads[]> {
    const result = await this.#pool.query<KeyReads>(
      'SELECT key, count(*)::integer AS reads FROM atlas.statement_log WHERE run = $1 AND query = $2 GROUP BY key',
      [this.#run, query],
    );
    return result.rows;
  }

  /** As `readsByKey`, but of each version of each key, as `versionedKey` writes them. */
  async readsByVersion(query: string): Promise<KeyReads[]> {
    const result = await this.#pool.query<{ key: string; version: number; reads: number }>(
      `SELECT key, version, count(*)::integer AS reads FROM atlas.statement_log
       WHERE run = $1 AND query = $2 GROUP BY key, version`,
      [this.#run, query],
    );
    return result.rows.map(({ key, version, reads }) => ({ key: versionedKey({ id: key, version }), reads }));
  }

  /** The most populous cities, largest first. */
  async largestCities(count: number): Promise<CityRow[]> {
    const result = await this.#pool.query<CityRow>(
      'SELECT id, population, version FROM atlas.cities ORDER BY population DESC, id LIMIT $1',
      [count],
    );
    return result.rows;
  }

  /** Forgets the run, and those that ended without doing so a day ago or more. */
  async close(): Promise<void> {
    try {
      await this.#pool.query("DELETE FROM atlas.statement_log WHERE run = $1 OR at < now() - interval '1 day'", [
        this.#run,
      ]);
    } finally {
      await this.#pool.end();
    }
  }
}
