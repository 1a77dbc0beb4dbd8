import { ByteView } from '../../lib/core/index.js';
import { describe, expect, it } from 'vitest';
import { ByteLru } from '../../lib/core/byte-lru.js';
import { CacheEntry } from '../../lib/core/cache-entry.js';

function entry(text: string, bytes = text.length): CacheEntry {
  return new CacheEntry(ByteView.from(text), bytes, bytes + 10);
}

describe('ByteLru', () => {
  it('TestGet: finds what was set and nothing else', () => {
    const lru = new ByteLru(1000);
    const kept = entry('1234');

    lru.set('myKey', kept);

    expect(lru.get('myKey')).toBe(kept);
    expect(lru.get('nonsense')).toBeUndefined();
  });

  it('TestRemove: does not find what was removed', () => {
    const lru = new ByteLru(1000);
    lru.set('myKey', entry('1234'));

    expect(lru.delete('myKey')).toBe(true);

    expect(lru.get('myKey')).toBeUndefined();
    expect(lru.delete('myKey')).toBe(false);
    expect(lru.bytes).toBe(0);
  });

  it('TestEvict: evicts in the order of the last use', () => {
    const lru = new ByteLru(10_000);
    for (let n = 0; n < 22; n++) lru.set(`myKey${n}`, entry('1234'));
    lru.get('myKey0');
    lru.touch('myKey1');

    lru.evictOne();
    lru.evictOne();

    expect(lru.touch('myKey0')).toBeDefined();
    expect(lru.touch('myKey1')).toBeDefined();
    expect(lru.touch('myKey2')).toBeUndefined();
    expect(lru.touch('myKey3')).toBeUndefined();
    expect(lru.size).toBe(20);
  });

  it('counts exactly on overwrite, removal and eviction', () => {
    const lru = new ByteLru(1000);

    lru.set('a', entry('x', 10));
    lru.set('a', entry('y', 4));
    expect([lru.bytes, lru.footprint, lru.size]).toEqual([4, 14, 1]);
    lru.set('b', entry('z', 6));
    expect([lru.bytes, lru.footprint, lru.size]).toEqual([10, 30, 2]);
    lru.evictOne();
    expect([lru.bytes, lru.footprint, lru.size]).toEqual([6, 16, 1]);
    lru.clear();
    expect([lru.bytes, lru.footprint, lru.size]).toEqual([0, 0, 0]);
  });

  it('counts gets, hits and evictions, and not touches', () => {
    const lru = new ByteLru(1000);
    lru.set('a', entry('x', 3));

    lru.get('a');
    lru.get('b');
    lru.touch('a');
    lru.touch('b');
    expect(lru.stats()).toEqual({ bytes: 3, items: 1, gets: 2, hits: 1, evictions: 0 });
    lru.evictOne();

    expect(lru.evictOne()).toBe(false);
    expect(lru.stats()).toEqual({ bytes: 0, items: 0, gets: 2, hits: 1, evictions: 1 });
  });
});
