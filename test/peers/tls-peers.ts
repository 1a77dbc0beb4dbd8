import { GroupRegistry, promoteNever, textCodec, type PeerReply } from 'nestjs-groupcache/core';
import {
  HttpPool,
  PeerListener,
  PeerServer,
  type HttpPoolEvents,
  type HttpPoolOptions,
  type PeerTlsOptions,
} from 'nestjs-groupcache/peers';
import { tlsCertificates } from './tls-certificates.js';

/** A peer with a `listen` port on loopback, whose group `texts` answers with the key in brackets. */
export interface TlsPeer {
  readonly url: string;
  readonly port: number;
  readonly pool: HttpPool;
  readonly groups: GroupRegistry;
  close(): Promise<void>;
}

/** What a peer has when nothing is the matter: both sides prove themselves. */
export const mutualTls: PeerTlsOptions = { ...tlsCertificates.peer, ca: tlsCertificates.authority };

/** Starts a peer; it is by itself until `meet`. `null`: without TLS. */
export async function startTlsPeer(
  tls: PeerTlsOptions | null = mutualTls,
  options: HttpPoolOptions = {},
): Promise<TlsPeer> {
  const pool = new HttpPool({ self: 'later', auth: 'none', ...options, tls: tls ?? undefined });
  const groups = new GroupRegistry({ peers: pool });
  groups.define('texts', (key) => `<${key}>`, { codec: textCodec, promote: promoteNever });
  const listener = new PeerListener(new PeerServer({ pool, groups }));
  const { port } = await listener.listen({ port: 0, host: '127.0.0.1' });
  const url = `${tls === null ? 'http' : 'https'}://127.0.0.1:${port}`;
  pool.join(url);
  const close = async (): Promise<void> => {
    await pool.close(0);
    await listener.close(0);
  };
  return { url, port, pool, groups, close };
}

/** Lists `peers` at each of them. */
export function meet(...peers: readonly TlsPeer[]): void {
  for (const { pool } of peers) pool.set(...peers.map(({ url }) => url));
}

/** Asks `url` by GET as `asker` would, over a connection of its own. */
export async function askByGet(asker: TlsPeer, url: string): Promise<PeerReply> {
  const client = asker.pool.clientFor(url);
  try {
    return await client.get({
      group: 'texts',
      key: 'key',
      timeoutMs: 10_000,
      signal: new AbortController().signal,
    });
  } finally {
    await client.close(0);
  }
}

/** A key that `owner` owns. */
export function keyOf(owner: TlsPeer): string {
  return Array.from({ length: 1_000 }, (_, number) => `${number}`).find(
    (key) => owner.pool.ownerOf(key) === owner.url,
  )!;
}

/** Resolves to the next event of `pool` that is called `name`. */
export function next<Name extends keyof HttpPoolEvents>(pool: HttpPool, name: Name): Promise<HttpPoolEvents[Name][0]> {
  return new Promise((resolve) => {
    pool.events.once(name, resolve as never);
  });
}
