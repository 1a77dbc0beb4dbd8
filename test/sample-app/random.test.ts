import { describe, expect, it } from 'vitest';
import { seededRandom, zipf } from '../../sample-app/cluster/random.js';

describe('seededRandom', () => {
  it('gives the same numbers for the same seed, and others for another', () => {
    const [first, again, other] = [1, 1, 2].map((seed) => Array.from({ length: 5 }, seededRandom(seed)));

    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
  });

  it('stays from 0 to below 1, and in the middle on average', () => {
    const numbers = Array.from({ length: 10_000 }, seededRandom(7));

    expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...numbers)).toBeLessThan(1);
    expect(numbers.reduce((sum, number) => sum + number) / numbers.length).toBeCloseTo(0.5, 1);
  });
});

describe('zipf', () => {
  it('picks the second item half as often as the first, and the third a third as often', () => {
    const pick = zipf(['first', 'second', 'third'], seededRandom(1));

    const counts = new Map<string, number>();
    for (let turn = 0; turn < 110_000; turn++) {
      const item = pick();
      counts.set(item, (counts.get(item) ?? 0) + 1);
    }

    // 1 + 1/2 + 1/3 = 11/6: of 110,000 picks 60,000, 30,000 and 20,000.
    expect(counts.get('first')! / 60_000).toBeCloseTo(1, 1);
    expect(counts.get('second')! / 30_000).toBeCloseTo(1, 1);
    expect(counts.get('third')! / 20_000).toBeCloseTo(1, 1);
  });

  it('reaches the first item and the last at the ends of the range', () => {
    const items = Array.from({ length: 5_000 }, (_, index) => index);

    expect(zipf(items, () => 0)()).toBe(0);
    expect(zipf(items, () => 1 - Number.EPSILON)()).toBe(4_999);
  });

  it('picks the only item there is', () => {
    expect(zipf(['only'], seededRandom(1))()).toBe('only');
  });

  it('refuses to pick from nothing', () => {
    expect(() => zipf([], seededRandom(1))).toThrow(RangeError);
  });
});
