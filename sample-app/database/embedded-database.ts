import { PGlite } from '@electric-sql/pglite';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';
import type { AtlasDatabase, OpenDatabaseOptions } from './atlas-database.js';
import { BatchedPGlite } from './batched-pglite.js';
import { openDataFolder } from './data-folder.js';
import { importCities } from './import-cities.js';

/** One backend serves all connections one statement at a time, so more would only wait elsewhere. */
const poolSize = 4;

/** The launcher's own connection, see StatementCounter. */
const launcherConnections = 1;

/**
 * PostgreSQL compiled to WebAssembly, in this process, on the files in `root`, behind a loopback socket for the peers.
 *
 * Peers must not hold a transaction open while they wait for another connection: the one backend waits with them.
 */
export async function openEmbeddedDatabase(root: string, options: OpenDatabaseOptions): Promise<AtlasDatabase> {
  const folder = await openDataFolder(root, (temporary) => createDatabase(temporary, options));
  try {
    let fail!: (error: Error) => void;
    const failed = new Promise<Error>((resolve) => (fail = resolve));

    const database = new BatchedPGlite(folder.path, fail);
    await database.waitReady;
    const server = new PGLiteSocketServer({
      db: database,
      host: '127.0.0.1',
      port: 0,
      // The default is 1, and further connections are cut off. Twice what the pools add up to, since a connection
      // that a pool replaces is still counted until the server has noticed its end.
      maxConnections: 2 * (options.peers * poolSize + launcherConnections),
    });
    await server.start();

    return {
      url: `postgres://postgres@${server.getServerConn()}/postgres`,
      poolSize,
      description: `embedded PostgreSQL in ${folder.path}`,
      failed,
      async close() {
        await server.stop();
        // A statement in flight would hang PGlite's close().
        await database.runExclusive(async () => {});
        await database.close();
        await folder.release();
      },
    };
  } catch (error) {
    await folder.release();
    throw error;
  }
}

async function createDatabase(folder: string, { progress, signal }: OpenDatabaseOptions): Promise<void> {
  const database = await PGlite.create(folder);
  try {
    await importCities(database, progress, signal);
  } finally {
    await database.close();
  }
}
