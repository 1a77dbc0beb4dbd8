import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CountMinSketch } from '../../lib/core/count-min-sketch.js';
import { createKeyedHash, keyedHash } from '../../lib/core/keyed-hash.js';

const hash = createKeyedHash(1, 2);

function createSketch(entries: number): CountMinSketch {
  const sketch = new CountMinSketch();
  sketch.fit(entries);
  return sketch;
}

function increment(sketch: CountMinSketch, key: string, times: number): void {
  for (let n = 0; n < times; n++) sketch.increment(hash(key));
}

describe('CountMinSketch', () => {
  it('never estimates less than there was, up to 15, until it ages', () => {
    const counts = fc.dictionary(fc.string(), fc.integer({ min: 1, max: 20 }), { maxKeys: 25 });

    fc.assert(
      fc.property(counts, fc.integer({ min: 100, max: 5000 }), (wanted, entries) => {
        // 500 increments at most: fewer than make any block age that is asked for below.
        const sketch = createSketch(entries);
        const [oldest] = Object.keys(wanted);
        for (const [key, times] of Object.entries(wanted)) {
          increment(sketch, key, times);
          if (times <= 4 || key === oldest) continue;
          expect(sketch.estimate(hash(key))).toBeGreaterThanOrEqual(Math.min(times, 15) >> 1);
        }
      }),
    );
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.integer({ min: 1, max: 20 }), { maxKeys: 25 }), (wanted) => {
        // One block, which ages after six increments an entry.
        const sketch = createSketch(8);
        let increments = 0;
        for (const [key, times] of Object.entries(wanted)) {
          if (increments + times >= 48) break;
          increments += times;
          increment(sketch, key, times);
          expect(sketch.estimate(hash(key))).toBeGreaterThanOrEqual(Math.min(times, 15));
        }
      }),
    );
  });

  it('halves all counters once in six increments an entry', () => {
    const sketch = createSketch(8);
    increment(sketch, 'popular', 12);
    expect(sketch.estimate(hash('popular'))).toBe(12);

    // Those that add to no counter, since theirs are at their end, don't age anything.
    for (let n = 0; n < 48 - 12; n++) sketch.increment(hash(`other ${n % 9}`));

    expect(sketch.estimate(hash('popular'))).toBeGreaterThanOrEqual(6);
    expect(sketch.estimate(hash('popular'))).toBeLessThan(12);
  });

  it('ages one block after another, all of them in one period', () => {
    const entries = 1024;
    const sketch = createSketch(entries);
    for (let n = 0; n < entries; n++) increment(sketch, `key ${n}`, 8);

    const estimates = Array.from({ length: entries }, (_, n) => sketch.estimate(hash(`key ${n}`)));

    // 8 increments each are more than one period: of the first keys nothing is left as it was.
    expect(Math.max(...estimates.slice(0, entries / 4))).toBeLessThan(15);
    expect(estimates.filter((count) => count >= 8).length).toBeGreaterThan(entries / 4);
    expect(estimates.filter((count) => count < 8).length).toBeGreaterThan(entries / 4);
  });

  it('tells what is asked for often from what is not', () => {
    const sketch = createSketch(1000);
    for (let n = 0; n < 100; n++) increment(sketch, `often ${n}`, 10);
    for (let n = 0; n < 500; n++) increment(sketch, `once ${n}`, 1);

    const wrong = Array.from({ length: 100 }, (_, n) => n).filter(
      (n) => sketch.estimate(hash(`often ${n}`)) <= sketch.estimate(hash(`once ${n}`)),
    );

    expect(wrong).toEqual([]);
  });

  it('has 8 to 16 bytes an entry, and none before there is one', () => {
    const sketch = new CountMinSketch();
    expect([sketch.footprint, sketch.footprintFor(1)]).toEqual([0, 64]);

    for (let entries = 9; entries < 100_000; entries = Math.ceil(entries * 1.3)) {
      const announced = sketch.footprintFor(entries);
      sketch.fit(entries);

      expect(sketch.footprint).toBe(announced);
      expect(sketch.footprint).toBeGreaterThanOrEqual(entries * 8);
      expect(sketch.footprint).toBeLessThan(entries * 16);
    }
  });

  it('keeps its estimates when it grows', () => {
    const sketch = createSketch(100);
    const keys = Array.from({ length: 20 }, (_, n) => `key ${n}`);
    for (const key of keys) increment(sketch, key, 5);
    const before = keys.map((key) => sketch.estimate(hash(key)));

    sketch.fit(10_000);

    expect(keys.map((key) => sketch.estimate(hash(key)))).toEqual(before);
  });

  it('counts nothing while it has no room, and forgets everything when it is cleared', () => {
    const sketch = new CountMinSketch();
    increment(sketch, 'early', 100);
    expect(sketch.estimate(hash('early'))).toBe(0);
    sketch.fit(10);
    increment(sketch, 'late', 3);

    sketch.clear();

    expect(sketch.footprint).toBe(0);
    expect(sketch.estimate(hash('late'))).toBe(0);
    sketch.fit(10);
    expect(sketch.estimate(hash('late'))).toBe(0);
  });
});

describe('createKeyedHash', () => {
  it('gives other hashes under another key', () => {
    const other = createKeyedHash(1, 3);
    const keys = Array.from({ length: 1000 }, (_, n) => `key-${n}`);

    expect(keys.filter((key) => hash(key) === other(key)).length).toBeLessThan(2);
    expect(keys.map(createKeyedHash(1, 2))).toEqual(keys.map(hash));
    expect(keyedHash('key')).toBe(keyedHash('key'));
  });

  it('spreads keys that differ in a digit or in their length over all bits', () => {
    const keys = Array.from({ length: 4096 }, (_, n) => (n % 2 === 0 ? `key-${n}` : 'k'.repeat(n)));
    const hashes = keys.map((key) => hash(key));

    expect(new Set(hashes).size).toBeGreaterThan(4090);
    for (let bit = 0; bit < 32; bit++) {
      const ones = hashes.filter((value) => (value >>> bit) & 1).length;
      // Six standard deviations.
      expect(Math.abs(ones - 2048)).toBeLessThan(200);
    }
  });
});
