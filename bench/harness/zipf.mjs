// Keys as they are asked for in life, a few of them very often, and the same in every run.

/** Gives numbers from 0 up to `count`, number n in proportion to 1 / (n + 1) ** exponent. */
export function zipf(count, exponent, random) {
  const sums = new Float64Array(count);
  let sum = 0;
  for (let rank = 0; rank < count; rank++) sums[rank] = sum += 1 / (rank + 1) ** exponent;
  return () => {
    const wanted = random() * sum;
    let [low, high] = [0, count - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle] < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

/** `count` of `keys`, the first most often; the same ones in every run. */
export function zipfKeys(keys, { exponent = 0.99, count = 1 << 17 } = {}) {
  const draw = zipf(keys.length, exponent, randomOf(1));
  return Array.from({ length: count }, () => keys[draw()]);
}

/** mulberry32: the same numbers in every run. */
export function randomOf(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
