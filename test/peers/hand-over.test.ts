import { ByteView, HashRing, textCodec, type Group } from 'nestjs-groupcache/core';
import { PeerServer } from 'nestjs-groupcache/peers';
import { LocalCluster, type LocalPeer } from 'nestjs-groupcache/testing';
import { once } from 'node:events';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { frameTypes } from '../../lib/peers/link/frames.js';
import { linkRaw, secret } from './link/raw-link.js';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const pricesOf = ({ groups }: LocalPeer): Group<string> => groups.get<string>('prices');
const keys = Array.from({ length: 90 }, (_, number) => `key ${number}`);

/** Peers that are linked; `loads` are the keys that their getters have been asked for. */
async function startLinked(count: number): Promise<{ peers: readonly LocalPeer[]; loads: string[] }> {
  const cluster = await LocalCluster.start(count, { auth: { secret } });
  closers.push(() => cluster.close());
  const loads: string[] = [];
  for (const { groups } of cluster.peers) {
    groups.define('prices', (key) => (loads.push(key), `<${key}>`), { codec: textCodec, tags: () => ['nyse'] });
  }
  await vi.waitFor(() => expect(cluster.peers.every(({ pool }) => pool.links.size === count - 1)).toBe(true));
  return { peers: cluster.peers, loads };
}

/** Has `leaver` load its own keys, and returns them. */
async function fill(leaver: LocalPeer): Promise<string[]> {
  const owned = keys.filter((key) => leaver.pool.owns(key));
  await pricesOf(leaver).getMany(owned);
  return owned;
}

describe('PeerServer.drain', () => {
  it('puts what a leaving peer holds into the memory of who owns it next, so that it is not loaded again', async () => {
    const { peers, loads } = await startLinked(3);
    const [leaver, ...others] = peers as [LocalPeer, LocalPeer, LocalPeer];
    const owned = await fill(leaver);
    const ring = new HashRing(others.map(({ url }) => url));
    const left = others.map(({ pool }) => once(pool.events, 'peerLeaving'));

    await leaver.server.drain(5_000);
    await Promise.all(left);

    for (const key of owned) {
      for (const other of others) {
        expect(pricesOf(other).peek(key)).toBe(ring.ownerOf(key) === other.url ? `<${key}>` : undefined);
      }
    }
    expect(await Promise.all(others.map((other) => pricesOf(other).getMany(owned)))).toEqual(
      Array(2).fill(owned.map((key) => `<${key}>`)),
    );
    expect(await pricesOf(leaver).getMany(owned)).toEqual(owned.map((key) => `<${key}>`));
    expect(loads.length).toBe(owned.length);
    expect(others.map((other) => pricesOf(other).stats.takenOver).reduce((sum, taken) => sum + taken)).toBe(
      owned.length,
    );
  });

  it('hands over no more than handOverBytes, what is asked for most first', async () => {
    const { peers } = await startLinked(2);
    const [leaver, other] = peers as [LocalPeer, LocalPeer];
    const owned = await fill(leaver);
    const hot = owned.at(-1)!;
    for (let count = 0; count < 500; count++) await pricesOf(leaver).get(hot);
    const entryBytes = Math.max(...owned.map((key) => 2 * key.length + 2));

    await new PeerServer({ ...leaver, handOverBytes: 3 * entryBytes }).drain(5_000);

    expect(pricesOf(other).stats.takenOver).toBeGreaterThanOrEqual(2);
    expect(pricesOf(other).stats.takenOver).toBeLessThanOrEqual(4);
    expect(pricesOf(other).peek(hot)).toBe(`<${hot}>`);
  });

  it('hands over nothing where handOverBytes is 0', async () => {
    const { peers } = await startLinked(2);
    const [leaver, other] = peers as [LocalPeer, LocalPeer];
    await fill(leaver);

    await new PeerServer({ ...leaver, handOverBytes: 0 }).drain(5_000);

    expect(pricesOf(other).stats.takenOver).toBe(0);
  });

  it('can be removed by key and by tag where it has come to', async () => {
    const { peers } = await startLinked(3);
    const [leaver, one, other] = peers as [LocalPeer, LocalPeer, LocalPeer];
    const owned = await fill(leaver);
    const heldAt = (peer: LocalPeer): string[] => owned.filter((key) => pricesOf(peer).peek(key) !== undefined);
    await leaver.server.drain(5_000);
    const [key] = heldAt(other) as [string];

    await pricesOf(one).remove(key);
    expect(pricesOf(other).peek(key)).toBeUndefined();
    await pricesOf(one).removeByTag('nyse');

    expect([heldAt(one), heldAt(other)]).toEqual([[], []]);
  });

  it('lets others look at what it holds while it leaves, and answers nothing else', async () => {
    const { peers } = await startLinked(2);
    const [leaver, other] = peers as [LocalPeer, LocalPeer];
    const [key] = (await fill(leaver)) as [string];
    await leaver.server.drain(5_000);
    const link = other.pool.links.to(leaver.url)!;
    const request = { group: 'prices', key, timeoutMs: 1_000, signal: new AbortController().signal };

    await expect(link.get(request)).rejects.toThrow('refused (draining)');
    expect(await link.get({ ...request, isPeek: true })).toMatchObject({ outcome: 'value', tags: ['nyse'] });
    await expect(link.get({ ...request, key: 'nothing', isPeek: true })).rejects.toThrow('refused (not-held)');
  });
});

describe('an entry that is handed over', () => {
  const self = 'http://10.0.0.1:3000';

  it.each([
    ['the key', (group: Group<string>) => group.remove('ACME', { timeout: 1 })],
    ['a tag of it', (group: Group<string>) => group.removeByTag('nyse', { timeout: 1 })],
    ['everything', (group: Group<string>) => group.clear({ timeout: 1 })],
  ])('is refused if %s has been removed, unless its sender has applied that', async (_what, remove) => {
    const { peers } = await startLinked(1);
    const [peer] = peers as [LocalPeer];
    peer.pool.set(peer.url, self);
    const raw = await linkRaw({ url: self, to: peer.url });
    await vi.waitFor(() => expect(peer.pool.links.to(self)?.isOpen).toBe(true));
    const entry = {
      group: 'prices',
      key: 'ACME',
      value: ByteView.from('41'),
      notes: { minuteQps: 0, ttlMs: 60_000, tags: ['nyse'] },
    };

    await remove(pricesOf(peer));
    raw.send((frames) => frames.handOver(1, entry));
    expect((await raw.until(({ type }) => type === frameTypes.refused)).body.toString()).toBe('behind');
    expect(pricesOf(peer).peek('ACME')).toBeUndefined();

    raw.send((frames) => {
      frames.other(frameTypes.seen, 0, JSON.stringify({ [peer.pool.bootId]: 1 }));
      frames.handOver(2, entry);
    });
    await raw.until(({ kind, id }) => kind === 'value' && id === 2);
    expect(pricesOf(peer).peek('ACME')).toBe('41');
    raw.socket.terminate();
  });

  it('is refused by who has not had the sender proven', async () => {
    const { peers } = await startLinked(1);
    const [peer] = peers as [LocalPeer];
    const open = await LocalCluster.start(1, { auth: { secret, acceptUnsigned: true } });
    closers.push(() => open.close());
    const [unsigned] = open.peers as [LocalPeer];
    unsigned.groups.define('prices', (key) => key, { codec: textCodec });
    unsigned.pool.set(unsigned.url, self, peer.url);
    const raw = await linkRaw({ url: self, to: unsigned.url, secret: '' });

    raw.send((frames) =>
      frames.handOver(1, { group: 'prices', key: 'ACME', value: ByteView.from('41'), notes: { minuteQps: 0 } }),
    );

    expect((await raw.until(({ type }) => type === frameTypes.refused)).body.toString()).toBe('unauthorized');
    expect(pricesOf(unsigned).peek('ACME')).toBeUndefined();
    raw.socket.terminate();
  });
});
