import * as fc from 'fast-check';
import {
  ByteView,
  ENTRY_OVERHEAD_BYTES,
  MemoryBudget,
  systemClock,
  type CacheKind,
  type EvictionPolicy,
} from '../../lib/core/index.js';
import { describe, expect, it } from 'vitest';
import { BUFFER_OVERHEAD_BYTES } from '../../lib/core/byte-view.js';
import { GroupCache } from '../../lib/core/group-cache.js';

function createCache(
  cacheBytes: number,
  processBudget = new MemoryBudget(Infinity),
  decodedFactor = 0,
  eviction: EvictionPolicy = 'lru',
): GroupCache {
  return new GroupCache({
    cacheBytes,
    keepsDecoded: decodedFactor > 0,
    decodedFactor,
    eviction,
    processBudget,
    clock: systemClock,
  });
}

function keep(cache: GroupCache, kind: CacheKind, key: string, length: number): void {
  cache.keep(kind, key, cache.entryOf(key, ByteView.from('x'.repeat(length))));
}

/** What an entry with a one-letter key takes out of the budget. */
function footprintOf(length: number): number {
  return 1 + length + ENTRY_OVERHEAD_BYTES;
}

describe('GroupCache', () => {
  it('counts key and value in bytes, and the overhead and decoded copy in the footprint', () => {
    const cache = createCache(10_000, undefined, 3);

    const { bytes, footprint } = cache.entryOf('é', ByteView.from('日'));

    expect(bytes).toBe(2 + 3);
    expect(footprint).toBe(2 + 3 + ENTRY_OVERHEAD_BYTES + 9);
  });

  it('counts what a Buffer costs beside its bytes where the value is held in one', () => {
    const cache = createCache(10_000);

    const text = cache.entryOf('k', ByteView.from('x'.repeat(5_000)));
    const bytes = cache.entryOf('k', ByteView.from(Buffer.alloc(5_000, 200)));

    expect(bytes.bytes).toBe(text.bytes);
    expect(bytes.footprint).toBe(text.footprint + BUFFER_OVERHEAD_BYTES);
  });

  it('finds in main first, then in hot, and asks hot only for what main does not have', () => {
    const cache = createCache(10_000);
    keep(cache, 'main', 'm', 1);
    keep(cache, 'hot', 'h', 2);

    expect(cache.get('m')?.view!.length).toBe(1);
    expect(cache.get('h')?.view!.length).toBe(2);
    expect(cache.get('x')).toBeUndefined();

    expect(cache.stats('main')).toMatchObject({ gets: 3, hits: 1, items: 1, bytes: 2 });
    expect(cache.stats('hot')).toMatchObject({ gets: 2, hits: 1, items: 1, bytes: 3 });
  });

  it('has one entry a key: the later one, in whichever cache', () => {
    const cache = createCache(10_000);

    keep(cache, 'hot', 'a', 1);
    keep(cache, 'main', 'a', 2);
    expect([cache.stats('main').items, cache.stats('hot').items]).toEqual([1, 0]);
    keep(cache, 'hot', 'a', 3);

    expect([cache.stats('main').items, cache.stats('hot').items]).toEqual([0, 1]);
    expect(cache.touch('a')?.view?.length).toBe(3);
  });

  it('takes from hot while that holds more than an eighth of main', () => {
    const cache = createCache(footprintOf(0) * 10);
    for (const key of 'abcdefgh') keep(cache, 'main', key, 0);
    keep(cache, 'hot', 'x', 0);
    keep(cache, 'hot', 'y', 0);

    keep(cache, 'main', 'i', 0);

    expect(cache.stats('hot')).toMatchObject({ items: 1, evictions: 1 });
    expect(cache.stats('main')).toMatchObject({ items: 9, evictions: 0 });
  });

  it('takes from main while hot holds no more than an eighth of it', () => {
    const cache = createCache(footprintOf(0) * 9);
    for (const key of 'abcdefgh') keep(cache, 'main', key, 0);
    keep(cache, 'hot', 'x', 0);

    keep(cache, 'main', 'i', 0);

    expect(cache.stats('hot')).toMatchObject({ items: 1, evictions: 0 });
    expect(cache.stats('main')).toMatchObject({ items: 8, evictions: 1 });
    expect(cache.touch('a')).toBeUndefined();
  });

  it('takes from hot when main is empty', () => {
    const cache = createCache(footprintOf(0) * 2);

    for (const key of 'abc') keep(cache, 'hot', key, 0);

    expect(cache.stats('hot')).toMatchObject({ items: 2, evictions: 1 });
    expect(cache.evictOne() && cache.evictOne()).toBe(true);
    expect(cache.evictOne()).toBe(false);
  });

  it('keeps nothing under a budget of 0, and counts no gets there', () => {
    const cache = createCache(0);

    keep(cache, 'main', 'a', 0);

    expect(cache.get('a')).toBeUndefined();
    expect(cache.touch('a')).toBeUndefined();
    expect(cache.stats('main')).toEqual({ bytes: 0, items: 0, gets: 0, hits: 0, evictions: 0 });
  });

  it('keeps what just fits, and nothing that is larger than the whole budget', () => {
    const cache = createCache(footprintOf(10));

    keep(cache, 'main', 'a', 10);
    expect(cache.touch('a')).toBeDefined();
    keep(cache, 'main', 'b', 11);

    expect(cache.touch('b')).toBeUndefined();
    expect(cache.touch('a')).toBeDefined();
  });

  it('does not keep an older value of a key whose newer one is too large', () => {
    // Once went on answering with the older one.
    const cache = createCache(footprintOf(10));
    keep(cache, 'main', 'a', 1);

    keep(cache, 'hot', 'a', 11);

    expect(cache.touch('a')).toBeUndefined();
    expect(cache.footprint).toBe(0);
  });

  it('takes part in the budget of the process', () => {
    const budget = new MemoryBudget(footprintOf(0) * 3);
    const [one, two] = [createCache(10_000, budget), createCache(10_000, budget)];
    for (const key of 'abc') keep(one, 'main', key, 0);

    keep(two, 'main', 'x', 0);

    expect(one.stats('main').items).toBe(2);
    expect(two.stats('main').items).toBe(1);
    expect(budget.footprint).toBe(footprintOf(0) * 3);
  });

  it('is in nobody’s budget once closed, and keeps nothing more', () => {
    // Once kept on filling up outside of the process's bound.
    const budget = new MemoryBudget(10_000);
    const cache = createCache(10_000, budget);
    keep(cache, 'main', 'a', 5);

    cache.close();
    keep(cache, 'main', 'b', 5);

    expect([cache.footprint, budget.footprint]).toEqual([0, 0]);
    expect(cache.touch('b')).toBeUndefined();
  });

  it('is empty once cleared, and fills again', () => {
    const cache = createCache(10_000);
    keep(cache, 'main', 'a', 5);
    keep(cache, 'hot', 'b', 5);

    cache.clear();
    expect(cache.footprint).toBe(0);
    keep(cache, 'main', 'a', 5);

    expect(cache.touch('a')).toBeDefined();
  });

  it('agrees with a model about every byte, entry and eviction, whatever is done to it', () => {
    const kinds = fc.constantFrom<CacheKind>('main', 'hot');
    const keys = fc.constantFrom('a', 'b', 'c', 'd', 'é', 'longer key');
    const actions = fc.array(
      fc.oneof(
        {
          weight: 4,
          arbitrary: fc.record({ do: fc.constant('keep' as const), kind: kinds, key: keys, length: fc.nat(400) }),
        },
        {
          weight: 2,
          arbitrary: fc.record({ do: fc.constantFrom('get' as const, 'touch' as const, 'delete' as const), key: keys }),
        },
        { weight: 1, arbitrary: fc.record({ do: fc.constant('evict' as const) }) },
      ),
      { maxLength: 60 },
    );

    fc.assert(
      fc.property(actions, fc.integer({ min: 0, max: 2500 }), (steps, cacheBytes) => {
        const cache = createCache(cacheBytes);
        const model = new CacheModel(cacheBytes);
        for (const step of steps) {
          if (step.do === 'keep') {
            keep(cache, step.kind, step.key, step.length);
            model.keep(step.kind, step.key, step.length);
          } else if (step.do === 'evict') {
            expect(cache.evictOne()).toBe(model.evict());
          } else if (step.do === 'delete') {
            cache.delete(step.key);
            model.delete(step.key);
          } else {
            expect(cache[step.do](step.key)?.view!.length).toBe(model.use(step.key));
          }
          expect(cache.footprint).toBe(model.footprint('main') + model.footprint('hot'));
          expect(cache.footprint).toBeLessThanOrEqual(cacheBytes);
          for (const kind of ['main', 'hot'] as const) expect(cache.stats(kind)).toMatchObject(model.stats(kind));
        }
      }),
      { numRuns: 500 },
    );
  });
});

/** The same by plain lists, oldest first. */
class CacheModel {
  readonly #entries: Record<CacheKind, { key: string; length: number }[]> = { main: [], hot: [] };
  readonly #evictions: Record<CacheKind, number> = { main: 0, hot: 0 };

  constructor(readonly cacheBytes: number) {}

  keep(kind: CacheKind, key: string, length: number): void {
    this.delete(key);
    if (Buffer.byteLength(key) + length + ENTRY_OVERHEAD_BYTES > this.cacheBytes) return;
    this.#entries[kind].push({ key, length });
    while (this.footprint('main') + this.footprint('hot') > this.cacheBytes) this.evict();
  }

  use(key: string): number | undefined {
    for (const kind of ['main', 'hot'] as const) {
      const index = this.#entries[kind].findIndex((entry) => entry.key === key);
      if (index < 0) continue;
      const [entry] = this.#entries[kind].splice(index, 1);
      this.#entries[kind].push(entry!);
      return entry!.length;
    }
    return undefined;
  }

  delete(key: string): void {
    for (const kind of ['main', 'hot'] as const) {
      this.#entries[kind] = this.#entries[kind].filter((entry) => entry.key !== key);
    }
  }

  evict(): boolean {
    const first: CacheKind = this.footprint('hot') > this.footprint('main') / 8 ? 'hot' : 'main';
    for (const kind of [first, first === 'hot' ? 'main' : 'hot'] as const) {
      if (this.#entries[kind].shift() === undefined) continue;
      this.#evictions[kind]++;
      return true;
    }
    return false;
  }

  footprint(kind: CacheKind): number {
    return this.#bytes(kind) + this.#entries[kind].length * ENTRY_OVERHEAD_BYTES;
  }

  stats(kind: CacheKind): { bytes: number; items: number; evictions: number } {
    return { bytes: this.#bytes(kind), items: this.#entries[kind].length, evictions: this.#evictions[kind] };
  }

  #bytes(kind: CacheKind): number {
    return this.#entries[kind].reduce((sum, { key, length }) => sum + Buffer.byteLength(key) + length, 0);
  }
}
