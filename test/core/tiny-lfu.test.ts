import * as fc from 'fast-check';
import { ByteView, ENTRY_OVERHEAD_BYTES, MemoryBudget, type CacheKind } from '../../lib/core/index.js';
import { describe, expect, it } from 'vitest';
import { GroupCache } from '../../lib/core/group-cache.js';
import { ManualClock } from '../../lib/testing/manual-clock.js';

const valueLength = 100;
const entryBytes = 'key-00000'.length + valueLength + ENTRY_OVERHEAD_BYTES;

function createCache(cacheBytes: number, processBudget = new MemoryBudget(Infinity)): GroupCache {
  const clock = new ManualClock();
  return new GroupCache({
    cacheBytes,
    keepsDecoded: false,
    decodedFactor: 0,
    eviction: 'tinylfu',
    processBudget,
    clock,
  });
}

function keyOf(number: number): string {
  return `key-${String(number).padStart(5, '0')}`;
}

/** Whether the key was in memory; it is loaded if it was not. */
function ask(cache: GroupCache, key: string, kind: CacheKind = 'main', length = valueLength): boolean {
  if (cache.get(key) !== undefined) return true;
  cache.keep(kind, key, cache.entryOf(key, ByteView.from('x'.repeat(length))));
  return false;
}

function hitsOf(cache: GroupCache, keys: readonly number[]): number {
  return keys.filter((number) => ask(cache, keyOf(number))).length;
}

/** `count` of `keys` at random, the same in each run, the first ones far more often than the last ones. */
function skewed(keys: readonly number[], count: number): number[] {
  let state = 1;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return keys[Math.floor((state / 2 ** 31) ** 3 * keys.length)]!;
  });
}

const range = (start: number, length: number): number[] => Array.from({ length }, (_, index) => start + index);

describe(`GroupCache with eviction: 'tinylfu'`, () => {
  it('keeps what is asked for often through a scan of ten times its size', () => {
    const cache = createCache(entryBytes * 200);
    const hot = range(0, 100);
    for (let round = 0; round < 10; round++) hitsOf(cache, hot);

    hitsOf(cache, range(10_000, 2000));

    // None under 'lru'.
    expect(hitsOf(cache, hot)).toBeGreaterThanOrEqual(50);
  });

  it('takes to other keys when others become popular', () => {
    const cache = createCache(entryBytes * 200);
    const [first, second] = [range(0, 2000), range(20_000, 2000)];
    hitsOf(cache, skewed(first, 20_000));
    const before = hitsOf(cache, skewed(first, 2000));

    hitsOf(cache, skewed(second, 6000));

    expect(before).toBeGreaterThan(600);
    expect(hitsOf(cache, skewed(second, 2000))).toBeGreaterThan(before * 0.8);
  });

  it('lets large values that are asked for once cost others no more than the window', () => {
    const cache = createCache(entryBytes * 200);
    const hot = range(0, 150);
    for (let round = 0; round < 5; round++) hitsOf(cache, hot);

    for (const number of range(0, 20)) ask(cache, `large ${number}`, 'main', entryBytes * 60);

    expect(hitsOf(cache, hot)).toBeGreaterThanOrEqual(90);
  });

  it('has a place for a large value that is asked for all the time', () => {
    const cache = createCache(entryBytes * 200);
    const hot = range(0, 150);
    for (let round = 0; round < 5; round++) hitsOf(cache, hot);

    const hits = range(0, 100).filter(() => ask(cache, 'large', 'main', entryBytes * 60)).length;

    expect(hits).toBeGreaterThan(60);
  });

  it('takes 64 bytes more than its entries while there are few of them, whatever its budget', () => {
    const cache = createCache(2 ** 30);

    hitsOf(cache, range(0, 8));

    expect(cache.footprint).toBe(entryBytes * 8 + 64);
  });

  it('fills all of its budget before it gives anything up', () => {
    const cache = createCache((entryBytes + 16) * 500);

    hitsOf(cache, range(0, 500));

    expect(hitsOf(cache, range(0, 500))).toBe(500);
    expect(cache.stats('main').evictions).toBe(0);
  });

  it('has one entry a key that is overwritten as it leaves the window', () => {
    // Once was admitted and came into the window again.
    const cache = createCache(10_000);
    ask(cache, 'a');
    ask(cache, 'b');

    cache.keep('main', 'a', cache.entryOf('a', ByteView.from('new')));

    expect(cache.stats('main')).toMatchObject({ items: 2, bytes: 1 + 3 + 1 + valueLength });
  });

  it('replaces a value in its place, and keeps its rate', () => {
    const cache = createCache(entryBytes * 50);
    hitsOf(cache, range(0, 20));
    hitsOf(cache, [0, 0]);
    const entry = cache.entryOf(keyOf(0), ByteView.from('new'));

    cache.keep('main', keyOf(0), entry);

    expect(cache.stats('main').items).toBe(20);
    expect(cache.touch(keyOf(0))?.view!.toString()).toBe('new');
    expect(cache.minuteQps(entry)).toBe(5);
  });

  it('counts gets and hits in main first, then in hot', () => {
    const cache = createCache(entryBytes * 50);
    ask(cache, 'm');
    ask(cache, 'h', 'hot');

    expect([ask(cache, 'm'), ask(cache, 'h')]).toEqual([true, true]);

    expect(cache.stats('main')).toMatchObject({ gets: 4, hits: 1, items: 1 });
    expect(cache.stats('hot')).toMatchObject({ gets: 3, hits: 1, items: 1 });
  });

  it('takes from hot while that holds more than an eighth of main', () => {
    const cache = createCache(entryBytes * 100);
    for (let round = 0; round < 3; round++) {
      for (const number of range(0, 200)) ask(cache, keyOf(number), number % 2 === 0 ? 'main' : 'hot');
    }

    const [main, hot] = [cache.stats('main'), cache.stats('hot')];

    expect(hot.bytes).toBeLessThanOrEqual(main.bytes / 8 + 2 * entryBytes);
    expect(hot.items).toBeGreaterThan(5);
  });

  it('drops its counts with its entries', () => {
    const cache = createCache(entryBytes * 50);
    hitsOf(cache, range(0, 40));

    cache.clear();

    expect(cache.footprint).toBe(0);
    expect(hitsOf(cache, range(0, 40))).toBe(0);
  });

  it('agrees with what it holds about every byte, whatever is done to it', () => {
    const kinds = fc.constantFrom<CacheKind>('main', 'hot');
    const keys = fc.integer({ min: 0, max: 30 }).map(keyOf);
    const actions = fc.array(
      fc.oneof(
        {
          weight: 6,
          arbitrary: fc.record({ do: fc.constant('keep' as const), kind: kinds, key: keys, length: fc.nat(2000) }),
        },
        {
          weight: 4,
          arbitrary: fc.record({ do: fc.constantFrom('get' as const, 'touch' as const, 'delete' as const), key: keys }),
        },
        { weight: 1, arbitrary: fc.record({ do: fc.constant('evict' as const) }) },
      ),
      { maxLength: 150 },
    );

    fc.assert(
      fc.property(actions, fc.integer({ min: 0, max: 12_000 }), (steps, cacheBytes) => {
        const budget = new MemoryBudget(Infinity);
        const cache = createCache(cacheBytes, budget);
        /** What was kept last of each key, held still or not. */
        const kept = new Map<string, { kind: CacheKind; length: number }>();
        let additions = 0;
        for (const step of steps) {
          const itemsBefore = cache.stats('main').items + cache.stats('hot').items;
          if (step.do === 'keep') {
            cache.keep(step.kind, step.key, cache.entryOf(step.key, ByteView.from('x'.repeat(step.length))));
            kept.set(step.key, { kind: step.kind, length: step.length });
            additions++;
          } else if (step.do === 'evict') {
            expect(cache.evictOne()).toBe(itemsBefore > 0);
            expect(cache.stats('main').items + cache.stats('hot').items).toBe(Math.max(0, itemsBefore - 1));
          } else if (step.do === 'delete') {
            cache.delete(step.key);
            kept.delete(step.key);
          } else {
            // Never a value that was replaced or removed.
            const found = cache[step.do](step.key);
            if (found !== undefined) expect(found.view!.length).toBe(kept.get(step.key)?.length);
          }
          expect(cache.footprint).toBeLessThanOrEqual(cacheBytes);
        }
        const evictions = cache.stats('main').evictions + cache.stats('hot').evictions;
        expect(evictions).toBeLessThanOrEqual(additions);
        // The sums, by asking for each key there may be.
        const sums = { main: { items: 0, bytes: 0 }, hot: { items: 0, bytes: 0 } };
        for (const [key, { kind }] of kept) {
          const entry = cache.touch(key);
          if (entry === undefined) continue;
          sums[kind].items++;
          sums[kind].bytes += entry.view!.length + key.length;
        }
        for (const kind of ['main', 'hot'] as const) expect(cache.stats(kind)).toMatchObject(sums[kind]);
        const bytes = sums.main.bytes + sums.hot.bytes;
        const items = sums.main.items + sums.hot.items;
        const rest = cache.footprint - bytes - items * ENTRY_OVERHEAD_BYTES;
        expect(budget.footprint).toBe(cache.footprint);
        // What is left is the sketch: none, or whole blocks for the most entries there ever were.
        expect(rest === 0 || rest === 64 || rest === 128 || rest === 256).toBe(true);
        while (cache.evictOne());
        expect(cache.stats('main').bytes + cache.stats('hot').bytes).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});
