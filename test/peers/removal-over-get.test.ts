import { promoteNever, textCodec, type Invalidation } from 'nestjs-groupcache/core';
import { LocalCluster } from 'nestjs-groupcache/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { headerCovers, vectorToHeader } from '../../lib/peers/vector-header.js';
import { deferred } from '../core/deferred.js';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const removal: Invalidation = { group: 'prices', kind: 'key', subject: 'k' };

describe('a peer that is asked by GET', () => {
  it('is not believed while it has not applied what the asker has, also where it applies it while it loads', async () => {
    const cluster = await LocalCluster.start(2, { link: false });
    closers.push(() => cluster.close());
    const [owner, asker] = [cluster.ownerOf('k'), cluster.strangerTo('k')];
    const load = deferred<string>();
    let loads = 0;
    owner.groups.define('prices', () => (loads++, load.promise), { codec: textCodec });
    const prices = asker.groups.define('prices', () => 'new', { codec: textCodec, promote: promoteNever });
    const early = owner.groups.get('prices').get('k');

    asker.pool.invalidations.receive('another process', 1, [removal]);
    const got = prices.get('k');
    await expect.poll(() => owner.groups.get('prices').stats.serverRequests).toBe(1);
    owner.pool.invalidations.receive('another process', 1, [removal]);
    load.resolve('old');

    expect(await got).toBe('new');
    expect(await early).toBe('old');
    expect(loads).toBe(1);
    expect(prices.stats).toMatchObject({ peerErrors: 1, localLoads: 1 });
  });

  it('is believed once it has applied it', async () => {
    const cluster = await LocalCluster.start(2, { link: false });
    closers.push(() => cluster.close());
    const [owner, asker] = [cluster.ownerOf('k'), cluster.strangerTo('k')];
    owner.groups.define('prices', () => 'by its owner', { codec: textCodec });
    const prices = asker.groups.define('prices', () => 'here', { codec: textCodec, promote: promoteNever });
    for (const { pool } of cluster.peers) pool.invalidations.receive('another process', 1, [removal]);

    expect(await prices.get('k')).toBe('by its owner');
  });

  it('is believed though the asker has applied more since it asked', async () => {
    const cluster = await LocalCluster.start(2, { link: false });
    closers.push(() => cluster.close());
    const loading = deferred<string>();
    for (const { groups } of cluster.peers) groups.define('prices', () => loading.promise, { codec: textCodec });
    const [owner, asker] = [cluster.ownerOf('k'), cluster.strangerTo('k')];
    const asked = asker.groups.get<string>('prices').get('k');
    await expect.poll(() => owner.groups.get('prices').stats.serverRequests).toBe(1);

    asker.pool.invalidations.receive('another process', 1, [{ ...removal, subject: 'other' }]);
    loading.resolve('41');

    expect(await asked).toBe('41');
    expect(asker.groups.get('prices').stats).toMatchObject({ peerLoads: 1, peerErrors: 0 });
  });
});

describe('headerCovers', () => {
  it('wants every number of the vector, or a higher one', () => {
    const vector = new Map([
      ['a', 3],
      ['b', 1],
    ]);
    const header = vectorToHeader(vector)!;

    expect(headerCovers(header, vector)).toBe(true);
    expect(headerCovers(header, new Map([['a', 4]]))).toBe(false);
    expect(headerCovers(header, new Map([['c', 1]]))).toBe(false);
    expect(headerCovers(undefined, vector)).toBe(false);
    expect(headerCovers(undefined, new Map())).toBe(true);
    expect(headerCovers('a=nonsense,,b', vector)).toBe(false);
  });

  it('has no header for nothing, or for more than one has room for', () => {
    expect(vectorToHeader(new Map())).toBeUndefined();
    expect(vectorToHeader(new Map(Array.from({ length: 101 }, (_, index) => [`p${index}`, 1])))).toBeUndefined();
  });
});
