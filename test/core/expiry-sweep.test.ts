import { describe, expect, it } from 'vitest';
import { ENTRY_OVERHEAD_BYTES, Group, textCodec, type GroupOptions } from '../../lib/core/index.js';
import { ManualClock } from '../../lib/testing/manual-clock.js';
import { reactions } from './deferred.js';

const keysOf = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, index) => prefix + index);

function createGroup(options: GroupOptions<string> = {}): {
  readonly clock: ManualClock;
  readonly group: Group<string>;
} {
  const clock = new ManualClock();
  const group = new Group<string>('prices', (key) => (key.startsWith('absent') ? undefined : key), {
    codec: textCodec,
    clock,
    ttl: '10s',
    ...options,
  });
  return { clock, group };
}

/** Until a sweep of some thousands has had all its turns. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 40; turn++) await reactions();
}

describe('the sweep of what is never read again', () => {
  it.each(['lru', 'tinylfu'] as const)('gives back all memory, over several turns (%s)', async (eviction) => {
    const { clock, group } = createGroup({ eviction });
    await group.getMany(keysOf('k', 3_500));

    clock.advance(30_000);
    expect(group.cacheStats('main').items).toBe(3_250);
    await turns();

    expect(group.cacheStats('main')).toMatchObject({ items: 0, bytes: 0 });
    expect(clock.pending).toBe(0);
  });

  it.each(['lru', 'tinylfu'] as const)(
    'finds all that is dead though more comes in meanwhile (%s)',
    async (eviction) => {
      // The place of an entry that had just been swept was given to the next new one, and the sweep ended there.
      const { clock, group } = createGroup({ eviction, ttl: (_value, key) => (key.startsWith('late') ? '1h' : '10s') });
      await group.getMany(keysOf('k', 2_500));

      clock.advance(30_000);
      for (let turn = 0; turn < 20; turn++) {
        await group.getMany(keysOf(`late${turn}-`, 50));
        await reactions();
      }

      expect(group.cacheStats('main').items).toBe(1_000);
    },
  );

  it('leaves what may still be served', async () => {
    const { clock, group } = createGroup({ staleIfError: '1h' });
    await group.get('k');

    clock.advance(30_000);
    await turns();
    expect(group.cacheStats('main').items).toBe(1);
    clock.advance(3_600_000);
    await turns();

    expect(group.cacheStats('main').items).toBe(0);
  });

  it('takes "not found" away, and leaves what lives for ever', async () => {
    const { clock, group } = createGroup({ ttl: undefined, forever: true, negativeTtl: '1s' });
    await group.getMany(['absent', 'k']);
    expect(group.cacheStats('main').items).toBe(2);

    clock.advance(30_000);

    expect(group.cacheStats('main').items).toBe(1);
    expect(group.peek('k')).toBe('k');
  });

  it('needs no timer where nothing expires, or nothing is held', async () => {
    const lasting = createGroup({ ttl: undefined, forever: true });
    const empty = createGroup({ cacheBytes: 0 });
    await Promise.all([lasting.group.getMany(['k', 'absent']), empty.group.get('k')]);

    expect([lasting.clock.pending, empty.clock.pending]).toEqual([0, 0]);
  });

  it('ends with its group, in the middle too', async () => {
    const { clock, group } = createGroup();
    await group.getMany(keysOf('k', 2_500));
    clock.advance(30_000);
    group.close();
    await turns();
    await group.get('late');

    expect(clock.pending).toBe(0);
    expect(group.footprint).toBe(0);
  });

  it('gives back the bytes of the budget', async () => {
    const { clock, group } = createGroup({ eviction: 'lru' });
    await group.getMany(keysOf('k', 10));
    expect(group.footprint).toBeGreaterThan(10 * ENTRY_OVERHEAD_BYTES);

    clock.advance(30_000);

    expect(group.footprint).toBe(0);
  });
});
