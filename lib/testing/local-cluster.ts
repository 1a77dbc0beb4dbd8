import { GroupRegistry, type GroupRegistryOptions } from '../core/group-registry.js';
import { HttpPool } from '../peers/http-pool.js';
import type { HttpPoolOptions } from '../peers/http-pool-options.js';
import { PeerListener } from '../peers/peer-listener.js';
import { PeerServer } from '../peers/peer-server.js';

/** A peer of a `LocalCluster`. */
export interface LocalPeer {
  readonly url: string;
  readonly pool: HttpPool;
  readonly groups: GroupRegistry;
  readonly server: PeerServer;
  /** Takes this peer's sockets away; the others are not told. */
  stop(): Promise<void>;
}

export interface LocalClusterOptions extends Omit<HttpPoolOptions, 'self'> {
  /** What is told to every peer's groups. */
  readonly groups?: Omit<GroupRegistryOptions, 'peers'>;
}

/** Several peers in one process, each with real sockets on a loopback port of its own. */
export class LocalCluster {
  readonly peers: readonly LocalPeer[];

  private constructor(peers: readonly LocalPeer[]) {
    this.peers = peers;
  }

  /** Starts `count` peers on free ports that know each other. Without `auth` they trust each other: they are on loopback. */
  static async start(count: number, options: LocalClusterOptions = {}): Promise<LocalCluster> {
    const peers = await Promise.all(Array.from({ length: count }, () => startPeer(options)));
    const cluster = new LocalCluster(peers);
    for (const peer of peers) peer.pool.set(...peers.map(({ url }) => url));
    return cluster;
  }

  /** The peer that owns `key`. */
  ownerOf(key: string): LocalPeer {
    const owner = this.peers[0]!.pool.ownerOf(key);
    return this.peers.find(({ url }) => url === owner)!;
  }

  /** A peer that does not own `key`. */
  strangerTo(key: string): LocalPeer {
    const owner = this.ownerOf(key);
    return this.peers.find((peer) => peer !== owner)!;
  }

  async close(): Promise<void> {
    await Promise.all(this.peers.map((peer) => peer.pool.close(100)));
    await Promise.all(this.peers.map((peer) => peer.stop()));
  }
}

async function startPeer({ groups: groupOptions, ...options }: LocalClusterOptions): Promise<LocalPeer> {
  const pool = new HttpPool({ auth: 'none', ...options, self: 'later' });
  const groups = new GroupRegistry({ ...groupOptions, peers: pool });
  const server = new PeerServer({ pool, groups, failures: options.failures });
  const listener = new PeerListener(server);
  const { port } = await listener.listen({ port: 0, host: '127.0.0.1' });
  const url = `${pool.tls?.isServing === true ? 'https' : 'http'}://127.0.0.1:${port}`;
  pool.join(url);
  const stop = async (): Promise<void> => {
    pool.links.cutOff();
    await listener.close();
  };
  return { url, pool, groups, server, stop };
}
