// Which keys are asked for how often, told before anything is timed.

/** `count` of `keys`, the first most often: by Zipf's law of this exponent. The same ones in every run. */
export function zipf(keys, { exponent = 0.99, count = 1 << 17 } = {}) {
  const sums = new Float64Array(keys.length);
  let sum = 0;
  for (let rank = 0; rank < keys.length; rank++) sums[rank] = sum += 1 / (rank + 1) ** exponent;
  const random = randomOf(1);
  return Array.from({ length: count }, () => keys[rankOf(random() * sum, sums)]);
}

function rankOf(wanted, sums) {
  let [low, high] = [0, sums.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sums[middle] < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** mulberry32. */
function randomOf(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
