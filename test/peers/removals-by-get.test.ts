import { promoteAlways, textCodec } from 'nestjs-groupcache/core';
import { LocalCluster } from 'nestjs-groupcache/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { deferred } from '../core/deferred.js';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

describe('an answer by GET', () => {
  // It came with what the answerer had applied when the load ended, not when it began.
  it('is not believed where a load that began before a removal ends after the answerer has applied it', async () => {
    const cluster = await LocalCluster.start(2, { link: false });
    closers.push(() => cluster.close());
    const loads: ReturnType<typeof deferred<string>>[] = [];
    for (const { groups } of cluster.peers) {
      groups.define('prices', () => (loads.push(deferred<string>()), loads.at(-1)!.promise), {
        codec: textCodec,
        promote: promoteAlways,
      });
    }
    const [owner, asker] = [cluster.ownerOf('k'), cluster.strangerTo('k')];
    const removal = { group: 'prices', kind: 'key', subject: 'k' } as const;
    const early = owner.groups.get<string>('prices').get('k');
    asker.pool.invalidations.receive('another process', 1, [removal]);
    const late = asker.groups.get<string>('prices').get('k');
    await expect.poll(() => owner.groups.get('prices').stats.serverRequests).toBe(1);

    owner.pool.invalidations.receive('another process', 1, [removal]);
    loads[0]!.resolve('old');
    await expect.poll(() => loads.length).toBe(2);
    loads[1]!.resolve('new');

    expect(await early).toBe('old');
    expect(await late).toBe('new');
  });

  it('is believed though the asker has applied more since it asked', async () => {
    const cluster = await LocalCluster.start(2, { link: false });
    closers.push(() => cluster.close());
    const loading = deferred<string>();
    for (const { groups } of cluster.peers) groups.define('prices', () => loading.promise, { codec: textCodec });
    const [owner, asker] = [cluster.ownerOf('k'), cluster.strangerTo('k')];
    const asked = asker.groups.get<string>('prices').get('k');
    await expect.poll(() => owner.groups.get('prices').stats.serverRequests).toBe(1);

    asker.pool.invalidations.receive('another process', 1, [{ group: 'prices', kind: 'key', subject: 'other' }]);
    loading.resolve('41');

    expect(await asked).toBe('41');
    expect(asker.groups.get('prices').stats).toMatchObject({ peerLoads: 1, peerErrors: 0 });
  });
});
