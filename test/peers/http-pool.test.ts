import { ClosedError, GroupRegistry, HashRing, InvalidOptionError, textCodec } from 'nestjs-groupcache/core';
import { HttpPool, PeerListener, type HttpPoolOptions } from 'nestjs-groupcache/peers';
import { LocalCluster } from 'nestjs-groupcache/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { deferred } from '../core/deferred.js';
import { startScriptedPeer } from './scripted-peer.js';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const A = 'http://10.0.0.1:3000';
const B = 'http://10.0.0.2:3000';
const C = 'http://10.0.0.3:3000';

function poolOf(options: HttpPoolOptions = {}): HttpPool {
  const pool = new HttpPool({ auth: 'none', ...options });
  closers.push(() => pool.close(0));
  return pool;
}

async function startCluster(count: number, options = {}): Promise<LocalCluster> {
  const cluster = await LocalCluster.start(count, options);
  closers.push(() => cluster.close());
  return cluster;
}

describe('HttpPool.set', () => {
  it('sorts the peers, makes one of two spellings, and gives the keys to the same ring everywhere', () => {
    const one = poolOf({ self: A });
    const other = poolOf({ self: B });
    one.set(C, B, `${A}/`, A);
    other.set(A, B, C);
    expect(one.peers).toEqual([A, B, C]);
    expect(one.peers).toEqual(other.peers);
    const ring = new HashRing([A, B, C]);
    for (let index = 0; index < 200; index++) {
      expect([one.ownerOf(`key ${index}`), other.ownerOf(`key ${index}`)]).toEqual(
        Array(2).fill(ring.ownerOf(`key ${index}`)),
      );
    }
  });

  it('keeps URLs as given where Go peers hash them', () => {
    const pool = poolOf({ self: `${A}/`, goPeers: true });
    pool.set(B, `${A}/`, 'HTTP://Peer.Example:80');
    expect(pool.peers).toEqual(['HTTP://Peer.Example:80', `${A}/`, B]);
    expect(pool.self).toBe(`${A}/`);
  });

  it('uses the ring, replicas and hash that it was told', () => {
    const even = poolOf({ self: A, ring: 'balanced' });
    const own = poolOf({ self: A, replicas: 3, hash: (text) => text.length });
    even.set(A, B);
    own.set(A, `${B}0`);
    expect(even.ownerOf('key')).toBeDefined();
    const ring = new HashRing([A, `${B}0`], { replicas: 3, hash: (text) => text.length });
    expect(own.ownerOf('k'.repeat(22))).toBe(ring.ownerOf('k'.repeat(22)));
  });

  it('tells what has come and gone, once a change', () => {
    const pool = poolOf({ self: A });
    const changes: unknown[] = [];
    pool.events.on('peersChanged', (change) => changes.push(change));
    pool.set(A, B);
    pool.set(B, A);
    pool.set(A, C);
    pool.set();
    expect(changes).toEqual([
      { peers: [A, B], added: [A, B], removed: [] },
      { peers: [A, C], added: [C], removed: [B] },
      { peers: [], added: [], removed: [A, C] },
    ]);
  });

  it('explains that auth must be said before there is another peer, and changes nothing', () => {
    const pool = new HttpPool({ self: A });
    pool.set(A);
    expect(() => pool.set(A, B)).toThrow(InvalidOptionError);
    expect(() => pool.set(A, B)).toThrow(/^Option "auth" is missing; it must be said before there are other peers/);
    expect([pool.peers, pool.hasPeers]).toEqual([[A], false]);
    expect(() => pool.clientFor(B)).toThrow(/"auth"/);
  });

  it('asks for auth by the first list that must have somebody else in it', () => {
    const pool = new HttpPool({ self: 'later' });
    pool.set(A);
    expect(() => pool.set(A, B)).toThrow(/"auth"/);
    expect(() => pool.join(B)).toThrow(/"auth"/);
    expect(() => new HttpPool({ role: 'client' }).set(A)).toThrow(/"auth"/);
  });

  it('refuses a list without the own URL, which would never be in force', () => {
    // It was kept for a join that never came, and nothing was said.
    const pool = poolOf();
    expect(() => pool.set(A, B)).toThrow(/^Option "self" is missing/);
    expect(() => pool.set()).not.toThrow();
  });

  it('refuses a list with a bad URL, and changes nothing', () => {
    const pool = poolOf({ self: A });
    pool.set(A, B);
    expect(() => pool.set(A, 'peer-3')).toThrow(/^Option "peers" is "peer-3"/);
    expect(pool.peers).toEqual([A, B]);
  });

  it('lets a get that began before it end with the peer that it asked', async () => {
    const cluster = await startCluster(2);
    const load = deferred<string>();
    const asked = deferred<void>();
    for (const { groups } of cluster.peers) {
      groups.define('prices', () => (asked.resolve(), load.promise), { codec: textCodec });
    }
    const [owner, asker] = [cluster.ownerOf('ACME'), cluster.strangerTo('ACME')];
    const early = asker.groups.get('prices').get('ACME');
    await asked.promise;

    asker.pool.set(asker.url);
    load.resolve('41');

    expect(await early).toBe('41');
    expect([asker, owner].map(({ groups }) => groups.get('prices').stats.localLoads)).toEqual([0, 1]);
    expect(asker.pool.pickPeer('ACME')).toBeUndefined();
  });

  it('closes the connections to a peer that is listed no more, once its last answer is there', async () => {
    const peer = await startScriptedPeer((socket) => {
      socket.once('close', () => gone.resolve());
      socket.write('HTTP/1.1 404 No\r\ncontent-length: 0\r\nx-groupcache-failure: not-found\r\n\r\n');
    });
    const gone = deferred<void>();
    closers.push(() => peer.close());
    const pool = poolOf({ role: 'client' });
    pool.set(peer.url);
    const client = pool.pickPeer('ACME')!;
    const request = { group: 'prices', key: 'ACME', timeoutMs: 1_000, signal: new AbortController().signal };
    await client.get(request);

    pool.set(B);

    await gone.promise;
    await expect(client.get(request)).rejects.toMatchObject({ code: 'GROUPCACHE_PEER_FAILED' });
  });

  it('keeps the client of a peer that stays', () => {
    const pool = poolOf({ self: A });
    const key = keyOf(B, [A, B, C]);
    pool.set(A, B);
    const client = pool.pickPeer(key);
    pool.set(A, B, C);
    expect(client?.url).toBe(B);
    expect(pool.pickPeer(key)).toBe(client);
  });
});

describe('HttpPool.join', () => {
  it('puts the list of the last set in force', () => {
    const pool = poolOf({ self: 'later' });
    pool.set(A, B, C);
    pool.set(A, B);
    expect([pool.peers, pool.self, pool.ownerOf('key'), pool.pickPeer('key')]).toEqual([
      [],
      undefined,
      undefined,
      undefined,
    ]);
    pool.join(`${A}/`);
    expect([pool.self, pool.peers, pool.hasPeers]).toEqual([A, [A, B], true]);
  });

  it('may be said twice alike, and not otherwise', () => {
    const pool = poolOf({ self: A });
    pool.join(A);
    expect(() => pool.join(B)).toThrow(`this process is already known as ${A}`);
    expect(() => pool.join('here')).toThrow(/^Option "self"/);
  });

  it('is not for a client', () => {
    expect(() => poolOf({ role: 'client' }).join(A)).toThrow(/owns nothing and has no URL/);
  });
});

describe('HttpPool.pickPeer', () => {
  it('gives the client of the owner, and none where that is this process', () => {
    const pool = poolOf({ self: A });
    pool.set(A, B);
    expect(pool.pickPeer(keyOf(B, [A, B]))?.url).toBe(B);
    expect(pool.pickPeer(keyOf(A, [A, B]))).toBeUndefined();
    expect(pool.ownerOf(keyOf(A, [A, B]))).toBe(A);
  });

  it('gives none while there are no peers', () => {
    const pool = poolOf({ self: A });
    expect(pool.pickPeer('key')).toBeUndefined();
    pool.set(A);
    expect([pool.pickPeer('key'), pool.ownerOf('key'), pool.hasPeers]).toEqual([undefined, A, false]);
  });

  it('gives a client of the cluster an owner for every key', () => {
    const pool = poolOf({ role: 'client' });
    pool.set(A, B);
    expect([A, B]).toContain(pool.pickPeer('key')?.url);
    expect([pool.self, pool.role]).toEqual([undefined, 'client']);
  });

  it('gives a process that is not listed an owner for every key', () => {
    const pool = poolOf({ self: C });
    pool.set(A, B);
    for (let index = 0; index < 50; index++) expect(pool.pickPeer(String(index))).toBeDefined();
  });
});

describe('HttpPool.close', () => {
  it('asks nobody any more, can be called again, and takes no more lists', async () => {
    const pool = poolOf({ self: A });
    pool.set(A, B);
    await pool.close();
    await pool.close();
    expect([pool.peers, pool.pickPeer('key'), pool.hasPeers]).toEqual([[], undefined, false]);
    expect(() => pool.set(A)).toThrow(ClosedError);
    expect(() => pool.join(A)).toThrow(ClosedError);
  });

  it('ends what is still asked of a peer that was listed no more (it once left that running)', async () => {
    const asked = deferred<void>();
    const peer = await startScriptedPeer(() => asked.resolve());
    closers.push(() => peer.close());
    const pool = poolOf({ role: 'client' });
    pool.set(peer.url);
    const request = { group: 'prices', key: 'ACME', timeoutMs: 10_000, signal: new AbortController().signal };
    const asking = expect(pool.pickPeer('ACME')!.get(request)).rejects.toMatchObject({
      code: 'GROUPCACHE_PEER_FAILED',
    });
    await asked.promise;
    pool.set(B);
    await pool.close(1);
    await asking;
  });
});

describe('HttpPool.events', () => {
  it('tells once that a peer fails and once that it answers again', async () => {
    const cluster = await startCluster(2, { link: false });
    for (const { groups } of cluster.peers) groups.define('prices', (key) => key, { codec: textCodec, cacheBytes: 0 });
    const [asker, other] = cluster.peers;
    const key = Array.from({ length: 100 }, (_, index) => `key ${index}`).find(
      (one) => cluster.ownerOf(one) === other,
    )!;
    const told: string[] = [];
    asker!.pool.events.on('peerFailing', ({ peer, error }) => told.push(`failing ${peer} ${error.code}`));
    asker!.pool.events.on('peerRecovered', ({ peer }) => told.push(`recovered ${peer}`));
    const get = async (): Promise<void> => expect(await asker!.groups.get('prices').get(key)).toBe(key);

    await get();
    await other!.stop();
    await get();
    await vi.waitFor(() => expect(told).toHaveLength(1));
    // Not asked any more.
    await get();
    expect(told).toEqual([`failing ${other!.url} GROUPCACHE_PEER_FAILED`]);
    const again = new PeerListener(other!.server);
    await again.listen({ port: Number(new URL(other!.url).port), host: '127.0.0.1' });
    closers.push(() => again.close());
    await vi.waitFor(() => expect(told[1]).toBe(`recovered ${other!.url}`));
    await get();
    expect(told).toHaveLength(2);
    expect(asker!.groups.get('prices').stats).toMatchObject({ peerErrors: 1, localLoads: 2, peerLoads: 2 });
  });
});

describe('HttpPool', () => {
  it.each([
    ['role', { role: 'owner' }],
    ['self', { self: 'here' }],
    ['self', { self: A, role: 'client' }],
    ['ring', { ring: 'even' }],
    ['ring', { ring: 'balanced', goPeers: true }],
    ['basePath', { basePath: 'groupcache' }],
    ['basePath', { basePath: '/' }],
    ['basePath', { basePath: '/a/../b/' }],
    ['basePath', { basePath: '/a b/' }],
    ['basePath', { basePath: null }],
    ['maxConnectionsPerPeer', { maxConnectionsPerPeer: 0 }],
    ['maxConnectionsPerPeer', { maxConnectionsPerPeer: 1.5 }],
    ['maxKeyBytes', { maxKeyBytes: '4 apples' }],
    ['maxResponseBytes', { maxResponseBytes: -1 }],
    ['connectTimeout', { connectTimeout: 0 }],
    ['auth', { auth: 'None' }],
    ['auth.secret', { auth: { secret: 'short' } }],
  ])('refuses a bad %s, naming it', (option, options) => {
    expect(() => new HttpPool(options as HttpPoolOptions)).toThrow(InvalidOptionError);
    expect(() => new HttpPool(options as HttpPoolOptions)).toThrow(`Option "${option}"`);
  });

  it('serves and asks under a base path of its own', async () => {
    const cluster = await startCluster(2, { basePath: '/peers/of.ours/' });
    for (const { groups } of cluster.peers) groups.define('prices', (key) => `<${key}>`, { codec: textCodec });
    const asker = cluster.strangerTo('ACME');
    expect(await asker.groups.get('prices').get('ACME')).toBe('<ACME>');
    expect(asker.groups.get('prices').stats.peerLoads).toBe(1);
  });

  it('lets the owner end a load that is too slow, and does not load it once more (it once did)', async () => {
    const cluster = await startCluster(2);
    const asker = cluster.strangerTo('slow');
    let loads = 0;
    for (const { groups } of cluster.peers) {
      groups.define('prices', () => (loads++, new Promise<string>(() => undefined)), { loadTimeout: 30 });
    }
    await expect(asker.groups.get('prices').get('slow')).rejects.toMatchObject({
      code: 'GROUPCACHE_LOAD_FAILED',
      reason: { code: 'GROUPCACHE_LOAD_TIMEOUT' },
    });
    expect(loads).toBe(1);
  });

  it('asks as a client of the cluster', async () => {
    const cluster = await startCluster(2);
    for (const { groups } of cluster.peers) groups.define('prices', (key) => `<${key}>`, { codec: textCodec });
    const pool = poolOf({ role: 'client' });
    pool.set(...cluster.peers.map(({ url }) => url));
    const groups = new GroupRegistry({ peers: pool });
    const prices = groups.define('prices', () => Promise.reject(new Error('not here')), { codec: textCodec });
    expect(await prices.get('ACME')).toBe('<ACME>');
  });
});

function keyOf(owner: string, peers: readonly string[]): string {
  const ring = new HashRing(peers);
  for (let index = 0; ; index++) if (ring.ownerOf(`key ${index}`) === owner) return `key ${index}`;
}
