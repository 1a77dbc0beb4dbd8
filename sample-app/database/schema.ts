/**
 * Everything of this application lives in a schema of its own, so that it can share a database.
 * Statements, not one script: the extended protocol takes one at a time.
 */
export const createTables: readonly string[] = [
  'CREATE SCHEMA IF NOT EXISTS atlas',
  `CREATE TABLE atlas.cities (
    id           integer PRIMARY KEY,
    name         text NOT NULL,
    alt_name     text NOT NULL,
    country      text NOT NULL,
    feature_code text NOT NULL,
    admin_code   text NOT NULL,
    population   integer NOT NULL,
    lat          double precision NOT NULL,
    lon          double precision NOT NULL,
    version      integer NOT NULL DEFAULT 1
  )`,
  // What the database was asked, written by the statements themselves: see StatementLog. Unlogged, as it is worth
  // nothing after a crash.
  `CREATE UNLOGGED TABLE atlas.statement_log (
    run     text NOT NULL,
    query   text NOT NULL,
    key     text NOT NULL,
    version integer,
    at      timestamptz NOT NULL DEFAULT now()
  )`,
];

/** For a database whose tables are older than versions are. */
export const addVersions: readonly string[] = [
  'ALTER TABLE atlas.cities ADD COLUMN IF NOT EXISTS version integer NOT NULL DEFAULT 1',
  'ALTER TABLE atlas.statement_log ADD COLUMN IF NOT EXISTS version integer',
];

/** Run after the rows are in, which is several times faster than keeping an index up to date meanwhile. */
export const createIndexes: readonly string[] = [
  // A country's summary and map read its cities, largest first.
  'CREATE INDEX cities_country_population ON atlas.cities (country, population DESC)',
  // The largest cities of the world.
  'CREATE INDEX cities_population ON atlas.cities (population DESC)',
  'ANALYZE atlas.cities',
];
