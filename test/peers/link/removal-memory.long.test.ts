import { textCodec } from 'nestjs-groupcache/core';
import { LocalCluster } from 'nestjs-groupcache/testing';
import { describe, expect, it } from 'vitest';

const ENTRIES = 100_000;
const ROUNDS = 1_000;
const A_ROUND = 1_000;

/** Bytes of the heap after forced collections. */
function heap(): number {
  const collect = (globalThis as { gc?: () => void }).gc!;
  for (let round = 0; round < 4; round++) collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

describe('a million removals with a peer that can not be reached', () => {
  it.each(['removals', 'tags'] as const)('leave no memory behind, and what is unrelated (%s)', async (kind) => {
    const cluster = await LocalCluster.start(3, { auth: { secret: 'sixteen bytes at least' } });
    try {
      const groups = cluster.peers.map(({ groups: registry }) =>
        registry.define('prices', (key) => `${key} and its value`, {
          codec: textCodec,
          cacheBytes: '1GiB',
          tags: (value) => [value.slice(0, 4)],
        }),
      );
      const [asker] = groups;
      const keys = Array.from({ length: ENTRIES }, (_, index) => `key-${index}`);
      await cluster.peers[2]!.stop();
      cluster.peers[0]!.pool.set(...cluster.peers.map(({ url }) => url));
      await asker!.getMany(keys);
      const held = keys.filter((key) => asker!.peek(key) !== undefined);
      const removeRound = async (round: number, timeout: number): Promise<void> => {
        const subjects = Array.from({ length: A_ROUND }, (_, index) => `${round} gone ${index}`);
        const options = { timeout } as const;
        if (kind === 'removals') await asker!.removeMany(subjects, options);
        else await Promise.all(subjects.map((subject) => asker!.removeByTag(subject, options)));
      };
      for (let round = 0; round < 20; round++) await removeRound(-round - 1, 10);
      const before = heap();

      for (let round = 0; round < ROUNDS; round++) await removeRound(round, 10);
      const last = await asker!.remove('the last one', { timeout: '5s' });

      expect(last.acknowledged).toEqual([cluster.peers[1]!.url]);
      expect(last.pending).toEqual([cluster.peers[2]!.url]);
      const [own, other] = cluster.peers.map(({ pool }) => pool.invalidations);
      expect(other!.seqOf(own!.origin)).toBe(own!.seqOf(own!.origin));
      expect(heap() / before).toBeLessThan(1.05);
      expect(held.filter((key) => asker!.peek(key) !== undefined).length).toBeGreaterThanOrEqual(0.99 * held.length);
      expect(held.length).toBeGreaterThan(ENTRIES / 4);
    } finally {
      await cluster.close();
    }
  });
});
