import { promoteNever, textCodec, type Group } from 'nestjs-groupcache/core';
import type { HttpPoolOptions } from 'nestjs-groupcache/peers';
import { LocalCluster, type LocalPeer } from 'nestjs-groupcache/testing';
import { once } from 'node:events';
import { afterEach, describe, expect, it, vi } from 'vitest';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const pricesOf = ({ groups }: LocalPeer): Group<string> => groups.get<string>('prices');
const auth = { secret: 'a secret of the peers' };
const keys = Array.from({ length: 120 }, (_, number) => `key ${number}`);

interface Started {
  readonly peers: readonly LocalPeer[];
  /** By key, the URLs of those whose getter has been asked for it. */
  readonly loads: Map<string, string[]>;
  /** Starts another peer, who knows nobody yet. */
  start(): Promise<LocalPeer>;
}

/** Peers that are linked. */
async function startPeers(count: number, options: HttpPoolOptions = {}): Promise<Started> {
  const loads = new Map<string, string[]>();
  const cluster = await LocalCluster.start(count, { auth, ...options });
  closers.push(() => cluster.close());
  const define = ({ groups, url }: LocalPeer): unknown =>
    groups.define('prices', (key) => (loads.set(key, [...(loads.get(key) ?? []), url]), `<${key}>`), {
      codec: textCodec,
      promote: promoteNever,
    });
  for (const peer of cluster.peers) define(peer);
  await vi.waitFor(() => expect(cluster.peers.every(({ pool }) => pool.links.size === count - 1)).toBe(true));
  const start = async (): Promise<LocalPeer> => {
    const alone = await LocalCluster.start(1, { auth, ...options });
    closers.push(() => alone.close());
    define(alone.peers[0]!);
    return alone.peers[0]!;
  };
  return { peers: cluster.peers, loads, start };
}

/** Tells all of `peers` about each other. */
function introduce(peers: readonly LocalPeer[]): void {
  for (const { pool } of peers) pool.set(...peers.map(({ url }) => url));
}

describe('a peer that comes', () => {
  it('has heard what has been removed before it answers anybody', async () => {
    const { peers, start } = await startPeers(2);
    for (const peer of peers) await pricesOf(peer).remove('key');
    const newcomer = await start();

    introduce([...peers, newcomer]);
    const meeting = newcomer.pool.meeting;
    const first = pricesOf(newcomer).get('key');
    expect(meeting).toBeDefined();
    await first;

    expect(newcomer.pool.meeting).toBeUndefined();
    expect(peers.map(({ pool }) => newcomer.pool.invalidations.seqOf(pool.bootId))).toEqual([1, 1]);
  });

  it('waits for nobody who can not be reached', async () => {
    const { start } = await startPeers(1);
    const newcomer = await start();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    closers.push(() => vi.useRealTimers());

    newcomer.pool.set(newcomer.url, 'http://127.0.0.1:1');
    const [key] = keys.filter((one) => newcomer.pool.owns(one)) as [string];

    expect(await pricesOf(newcomer).get(key)).toBe(`<${key}>`);
  });

  it('takes all of its keys at once where all come together', async () => {
    const { peers } = await startPeers(2);

    for (const { pool } of peers) {
      await pool.meeting;
      for (const key of keys.filter((one) => pool.owns(one))) expect(pool.pickPeer(key)).toBeUndefined();
    }
  });

  it('takes more and more of them where others are warm, and has nothing loaded again', async () => {
    const { peers, loads, start } = await startPeers(2);
    await pricesOf(peers[0]!).getMany(keys);
    const newcomer = await start();

    const all = [...peers, newcomer];
    introduce(all);
    await newcomer.pool.meeting;
    const { pool } = newcomer;
    const owned = keys.filter((key) => pool.owns(key));
    const taken = (): string[] => owned.filter((key) => pool.pickPeer(key) === undefined);
    await vi.waitFor(() => expect(taken().length).toBeLessThan(owned.length / 2), { interval: 1 });
    let last = 0;
    await vi.waitFor(
      async () => {
        expect(taken().length).toBeGreaterThanOrEqual(last);
        last = taken().length;
        for (const peer of all) await pricesOf(peer).getMany(keys);
        expect(last).toBe(owned.length);
      },
      { timeout: 5_000 },
    );

    expect([...loads.values()].filter(({ length }) => length > 1)).toEqual([]);
    expect(pricesOf(newcomer).stats).toMatchObject({ peekHits: owned.length, localLoads: 0 });
    // By everybody's word.
    await vi.waitFor(() =>
      expect(peers.map((peer) => owned.filter((key) => peer.pool.pickPeer(key)?.url !== newcomer.url))).toEqual([
        [],
        [],
      ]),
    );
  });

  it('looks at nobody with a warmTime of 0', async () => {
    const { peers, start } = await startPeers(2, { warmTime: 0 });
    await pricesOf(peers[0]!).getMany(keys);
    const newcomer = await start();

    introduce([...peers, newcomer]);
    await newcomer.pool.meeting;
    await pricesOf(newcomer).getMany(keys);

    expect(pricesOf(newcomer).stats.peeks).toBe(0);
  });
});

/** Three peers, of whom the last one has died; its keys. */
async function startBereft(): Promise<{
  one: LocalPeer;
  other: LocalPeer;
  loads: Started['loads'];
  orphans: string[];
}> {
  const { peers, loads } = await startPeers(3);
  const [one, other, victim] = peers as [LocalPeer, LocalPeer, LocalPeer];
  const failing = [one, other].map(({ pool }) => once(pool.events, 'peerFailing'));
  await Promise.all([victim.stop(), victim.pool.close(0)]);
  await Promise.all(failing);
  return { one, other, loads, orphans: keys.filter((key) => one.pool.ownerOf(key) === victim.url) };
}

describe('a peer that is gone', () => {
  it('has its keys loaded once in the cluster, by who is next on the ring, and kept there', async () => {
    const { one, other, loads, orphans } = await startBereft();

    for (const peer of [one, other, one]) {
      expect(await pricesOf(peer).getMany(orphans)).toEqual(orphans.map((key) => `<${key}>`));
    }

    for (const key of orphans) {
      expect(loads.get(key)).toEqual([one.pool.pickPeer(key)?.url ?? one.url]);
      expect(other.pool.pickPeer(key)?.url ?? other.url).toBe(loads.get(key)![0]);
    }
    expect(new Set(orphans.map((key) => loads.get(key)![0]))).toEqual(new Set([one.url, other.url]));
    expect([one, other].map((peer) => pricesOf(peer).stats.peerErrors)).toEqual([0, 0]);
  });

  it('has a value that is set for one of its keys removed instead, wherever it is', async () => {
    const { one, other, loads, orphans } = await startBereft();
    await pricesOf(one).getMany(orphans);

    for (const key of orphans.slice(0, 4)) {
      expect(await pricesOf(one).set(key, 'set', { timeout: 20 })).toMatchObject({ stored: false });
      expect([pricesOf(one).peek(key), pricesOf(other).peek(key)]).toEqual([undefined, undefined]);
      expect(await pricesOf(other).get(key)).toBe(`<${key}>`);
      expect(loads.get(key)).toHaveLength(2);
    }
  });
});
