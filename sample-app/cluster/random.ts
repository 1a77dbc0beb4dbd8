/** A source of numbers from 0 to 1, as Math.random is. */
export type Random = () => number;

/** The same numbers for the same seed, so that two runs ask the same (Mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Picks as Zipf's law has it: the second item half as often as the first, the third a third as often. */
export function zipf<Item>(items: readonly Item[], random: Random): () => Item {
  if (items.length === 0) throw new RangeError('zipf() needs an item to pick');
  let sum = 0;
  const upTo = items.map((_item, index) => (sum += 1 / (index + 1)));
  return () => {
    const target = random() * sum;
    let low = 0;
    let high = upTo.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((upTo[middle] ?? 0) > target) high = middle;
      else low = middle + 1;
    }
    return items[low] as Item;
  };
}
