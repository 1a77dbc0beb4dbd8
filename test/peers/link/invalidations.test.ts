import { ByteView, promoteAlways, textCodec, type Group } from 'nestjs-groupcache/core';
import { LocalCluster, type LocalPeer } from 'nestjs-groupcache/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { frameTypes } from '../../../lib/peers/link/frames.js';
import { deferred } from '../../core/deferred.js';
import { linkRaw, secret } from './raw-link.js';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

interface PricesCluster {
  readonly cluster: LocalCluster;
  /** Of each peer, in their order. */
  readonly prices: readonly Group<string>[];
  /** What the source says now. */
  price: string;
  loads: number;
}

/** Peers that keep whatever they have fetched; a value's tags are what stands before its dashes. */
async function startPrices(count: number): Promise<PricesCluster> {
  const cluster = await LocalCluster.start(count, { auth: { secret: 'sixteen bytes at least' } });
  closers.push(() => cluster.close());
  const started: PricesCluster = { cluster, prices: [], price: 'p-1', loads: 0 };
  const load = (): string => {
    started.loads++;
    return started.price;
  };
  const prices = cluster.peers.map(({ groups }) =>
    groups.define('prices', load, {
      codec: textCodec,
      promote: promoteAlways,
      tags: (value) => value.split('-').slice(0, -1),
    }),
  );
  return Object.assign(started, { prices });
}

const urls = (peers: readonly LocalPeer[]): string[] => peers.map(({ url }) => url).toSorted();

describe('Group.remove in a cluster', () => {
  it('is confirmed by all peers, after which all have the new value', async () => {
    const started = await startPrices(4);
    const { cluster, prices } = started;
    expect(await Promise.all(prices.map((group) => group.get('k')))).toEqual(['p-1', 'p-1', 'p-1', 'p-1']);
    started.price = 'p-2';

    const result = await prices[0]!.remove('k');

    expect(result).toMatchObject({ complete: true, pending: [] });
    expect(result.acknowledged.toSorted()).toEqual(urls(cluster.peers.slice(1)));
    expect(await Promise.all(prices.map((group) => group.get('k')))).toEqual(['p-2', 'p-2', 'p-2', 'p-2']);
    expect(started.loads).toBe(2);
  });

  it.each(['tag', 'clear'] as const)('takes values out by %s as well', async (by) => {
    const started = await startPrices(3);
    const { prices } = started;
    for (const group of prices) await group.get('k');
    started.price = 'p-2';

    const result = by === 'tag' ? await prices[1]!.removeByTag('p') : await prices[1]!.clear();

    expect(result.complete).toBe(true);
    expect(await Promise.all(prices.map((group) => group.get('k')))).toEqual(['p-2', 'p-2', 'p-2']);
  });

  it('leaves all else where more is removed at once than anybody remembers', async () => {
    const started = await startPrices(2);
    const { prices } = started;
    for (const group of prices) for (let key = 0; key < 20; key++) await group.get(`k${key}`);
    await prices[0]!.remove('k0');
    started.loads = 0;

    const result = await prices[0]!.removeMany(Array.from({ length: 20_000 }, (_, key) => `other${key}`));

    expect(result.complete).toBe(true);
    for (const group of prices) for (let key = 1; key < 20; key++) await group.get(`k${key}`);
    expect(started.loads).toBe(0);
  });

  it('leaves what has other tags', async () => {
    const started = await startPrices(3);
    const { prices } = started;
    for (const group of prices) await group.get('k');
    started.price = 'p-2';

    expect(await prices[1]!.removeByTag('q')).toMatchObject({ complete: true });

    expect(await Promise.all(prices.map((group) => group.get('k')))).toEqual(['p-1', 'p-1', 'p-1']);
    expect(started.loads).toBe(1);
  });
});

describe('Group.set in a cluster', () => {
  it('gives the owner the value, from whichever peer, and nobody loads it', async () => {
    const started = await startPrices(3);
    const { prices } = started;
    for (const group of prices) await group.get('k');

    for (const [index, group] of prices.entries()) {
      expect(await group.set('k', `p-by${index}`)).toMatchObject({ stored: true, complete: true });
      const seen = await Promise.all(prices.map((other) => other.get('k')));
      expect(seen).toEqual(prices.map(() => `p-by${index}`));
    }
    expect(started.loads).toBe(1);
  });
});

describe('a load that a removal overtakes', () => {
  it('answers who has asked before, and is kept nowhere', async () => {
    const cluster = await LocalCluster.start(3);
    closers.push(() => cluster.close());
    const loads: ReturnType<typeof deferred<string>>[] = [];
    const groups = cluster.peers.map(({ groups: registry }) =>
      registry.define('prices', () => (loads.push(deferred<string>()), loads.at(-1)!.promise), {
        codec: textCodec,
        promote: promoteAlways,
      }),
    );
    const stranger = groups[cluster.peers.indexOf(cluster.strangerTo('k'))]!;
    const early = stranger.get('k');
    await expect.poll(() => loads.length).toBe(1);

    expect(await stranger.remove('k')).toMatchObject({ complete: true });
    const late = stranger.get('k');
    await expect.poll(() => loads.length).toBe(2);
    loads[0]!.resolve('old');
    loads[1]!.resolve('new');

    expect(await early).toBe('old');
    expect(await late).toBe('new');
    expect(await Promise.all(groups.map((group) => group.get('k')))).toEqual(['new', 'new', 'new']);
    expect(loads).toHaveLength(2);
  });
});

describe('a load that a removal by tag overtakes', () => {
  // The owner said of such a value, and of one that is not to be kept, only that it must not be kept, and not its tags.
  it.each([
    ['at the owner', '5m'],
    ['at the asker alone', 0],
  ] as const)('does not answer who has asked after the removal, %s', async (where, ttl) => {
    const cluster = await LocalCluster.start(2);
    closers.push(() => cluster.close());
    const loads: ReturnType<typeof deferred<string>>[] = [];
    for (const { groups } of cluster.peers) {
      groups.define('prices', () => (loads.push(deferred<string>()), loads.at(-1)!.promise), {
        codec: textCodec,
        promote: promoteAlways,
        tags: () => ['p'],
        ttl: () => ttl,
      });
    }
    const [owner, asker] = [cluster.ownerOf('k'), cluster.strangerTo('k')];
    const group = asker.groups.get<string>('prices');
    await group.remove('another key', { require: 'all' }); // They are linked.
    const early = group.get('k');
    await expect.poll(() => loads.length).toBe(1);
    const removal = { group: 'prices', kind: 'tag', subject: 'p' } as const;
    if (where === 'at the owner') owner.pool.invalidations.receive('another process', 1, [removal]);
    asker.pool.invalidations.receive('another process', 1, [removal]);

    const late = group.get('k');
    loads[0]!.resolve('old');
    await expect.poll(() => loads.length).toBe(2);
    loads[1]!.resolve('new');

    expect(await early).toBe('old');
    expect(await late).toBe('new');
  });
});

describe('a load in the place of a peer that a removal by tag overtakes', () => {
  // Who had asked for the peer's answer was given what came in its place, though that was known to be old.
  it('does not answer who has asked after the removal', async () => {
    const cluster = await LocalCluster.start(2);
    closers.push(() => cluster.close());
    const loads: ReturnType<typeof deferred<string>>[] = [];
    const asker = cluster.strangerTo('k');
    const group = asker.groups.define('prices', () => (loads.push(deferred<string>()), loads.at(-1)!.promise), {
      codec: textCodec,
      tags: () => ['p'],
    });
    await cluster.ownerOf('k').stop();
    const early = group.get('k');
    await expect.poll(() => loads.length).toBe(1);

    await group.removeByTag('p', { timeout: 1 });
    const late = group.get('k');
    loads[0]!.resolve('old');
    await expect.poll(() => loads.length).toBe(2);
    loads[1]!.resolve('new');

    expect(await early).toBe('old');
    expect(await late).toBe('new');
  });
});

describe('a set whose removal has not come to the caller', () => {
  // It ended by the owner's word, though the caller still had its copy of the old value.
  it('ends once it has, and is a removal where that takes too long', async () => {
    const started = await startPrices(3);
    const { cluster, prices } = started;
    for (const group of prices) await group.get('k');
    const caller = cluster.peers.indexOf(cluster.strangerTo('k'));
    const { invalidations: log } = cluster.peers[caller]!.pool;
    const receive = log.receive.bind(log);
    const { bootId: owner } = cluster.ownerOf('k').pool;
    log.receive = (origin, from, invalidations) => {
      if (origin !== owner) receive(origin, from, invalidations);
    };
    started.price = 'p-2';

    const result = await prices[caller]!.set('k', 'p-set', { timeout: '50ms' });

    expect(result.stored).toBe(false);
    expect(await prices[caller]!.get('k')).toBe('p-2');
  });
});

describe('a set that comes after what its caller has done since', () => {
  // Over a link that was replaced meanwhile it was taken, when the caller had already removed the key for it.
  it('is refused', async () => {
    const cluster = await LocalCluster.start(2, { auth: { secret } });
    closers.push(() => cluster.close());
    const [owner, other] = [cluster.ownerOf('k'), cluster.strangerTo('k')];
    const group = owner.groups.define('prices', () => 'loaded', { codec: textCodec });
    const earlier = await linkRaw({ url: other.url, to: owner.url });
    const later = await linkRaw({ url: other.url, to: owner.url });
    const lines = [['key', 'prices', 'k']];
    later.send((frames) =>
      frames.other(frameTypes.invalidations, 0, JSON.stringify({ origin: 'raw', from: 1, lines })),
    );
    await later.until(({ type }) => type === frameTypes.seen);

    earlier.send((frames) => frames.set(0, { group: 'prices', key: 'k', value: ByteView.from('set'), timeoutMs: 100 }));

    const answer = await earlier.until(({ type, id }) => type === frameTypes.refused && id === 0);
    expect(answer.body.toString()).toBe('behind');
    expect(group.peek('k')).toBeUndefined();
  });
});
