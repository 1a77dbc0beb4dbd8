import { randomBytes, randomUUID } from 'node:crypto';
import type { AtlasDatabase } from '../database/atlas-database.js';
import { openEmbeddedDatabase } from '../database/embedded-database.js';
import { openExternalDatabase } from '../database/external-database.js';
import { importProgress } from '../database/import-progress.js';
import { StatementCounter } from '../database/statement-counter.js';
import { sumOfStats, type PeerStats } from '../stats/peer-stats.js';
import { freePorts } from './free-ports.js';
import type { ClusterOptions } from './options.js';
import { PeerProcess } from './peer-process.js';

const peerCount = 3;

/** A database and three peers on it, running. */
export class AtlasCluster {
  private constructor(
    private readonly database: AtlasDatabase,
    private readonly peers: readonly PeerProcess[],
    /** What the database counted of this run. */
    readonly statements: StatementCounter,
  ) {}

  /** Resolves when all peers listen. Whatever was started before a failure, or an abort, is stopped again. */
  static async start(options: ClusterOptions, signal: AbortSignal): Promise<AtlasCluster> {
    const database = await openDatabase(options, signal);
    const run = randomUUID();
    const statements = new StatementCounter(database, run);
    const peers: PeerProcess[] = [];
    const cluster = new AtlasCluster(database, peers, statements);
    try {
      const ports = await freePorts(options.port, peerCount);
      const urls = ports.map((port) => `http://127.0.0.1:${port}`);
      const shared = {
        ATLAS_PEERS: urls.join(','),
        ATLAS_SECRET: randomBytes(32).toString('hex'),
        ATLAS_RUN: run,
        ATLAS_POOL_SIZE: String(database.poolSize),
        DATABASE_URL: database.url,
      };
      peers.push(...urls.map((url) => new PeerProcess(url, { ...shared, ATLAS_SELF: url })));

      await Promise.race([Promise.all(peers.map((peer) => peer.ready())), rejectOnAbort(signal)]);
      return cluster;
    } catch (error) {
      // Stopping half a cluster may fail as well; what went wrong first is what there is to tell.
      await cluster.stop().catch(() => {});
      throw error;
    }
  }

  get urls(): readonly string[] {
    return this.peers.map((peer) => peer.url);
  }

  get databaseDescription(): string {
    return this.database.description;
  }

  /** Resolves when a part of the cluster ends that nobody has stopped; pending as long as all is well. */
  failed(): Promise<Error> {
    const surprises = this.peers.map(async (peer) => {
      const reason = await peer.ended;
      if (peer.isStopping) return new Promise<never>(() => {});
      return new Error(`the peer ${peer.url} (process ${peer.pid}) ended unexpectedly: ${reason}`);
    });
    return Promise.race([...surprises, this.database.failed]);
  }

  /** All peers together. */
  async stats(): Promise<PeerStats> {
    return sumOfStats(await Promise.all(this.peers.map((peer) => peer.stats())));
  }

  /** Stops the peers first, so that none loses its database under its hands. Leaves no process and no lock behind. */
  async stop(): Promise<void> {
    await Promise.all(this.peers.map((peer) => peer.stop()));
    try {
      await this.statements.close();
    } finally {
      await this.database.close();
    }
  }
}

async function openDatabase(options: ClusterOptions, signal: AbortSignal): Promise<AtlasDatabase> {
  const opening = { peers: peerCount, progress: importProgress(process.stdout), signal };
  return options.databaseUrl === undefined
    ? openEmbeddedDatabase(options.dataFolder, opening)
    : openExternalDatabase(options.databaseUrl, opening);
}

function rejectOnAbort(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
}
