// The load: so many callers, each of whom asks again as soon as he has been answered.
import { cpuUs } from './worker.mjs';
import { keysOf } from './values.mjs';
import { randomOf, zipf } from './zipf.mjs';

/** Gets that are drawn beforehand; after them, the first come again. */
const DRAWN = 1_000_000;

/** Of so many gets the time of one is taken. */
const SAMPLED = 8;

/**
 * Has `callers` ask `get` for `keys` in turn from the one at `from` on, for `ms`: gets a second, microseconds at the median and the 99th
 * percentile, and of CPU of this process in all. No two callers ask for one key at a time while there are more keys than
 * callers.
 */
export async function drive(get, { keys, callers, ms, from = 0 }) {
  const latencies = [];
  let gets = 0;
  let next = from;
  const time = { isOver: false };
  const caller = async () => {
    while (!time.isOver) {
      const key = keys[next];
      if (++next === keys.length) next = 0;
      if (++gets % SAMPLED === 0 || callers === 1) {
        const startMs = performance.now();
        await get(key);
        latencies.push(performance.now() - startMs);
      } else {
        await get(key);
      }
    }
  };
  const beforeUs = cpuUs();
  const startMs = performance.now();
  const timer = setTimeout(() => (time.isOver = true), ms);
  await Promise.all(Array.from({ length: callers }, caller));
  clearTimeout(timer);
  const tookMs = performance.now() - startMs;
  return { gets, rate: (gets / tookMs) * 1_000, cpuUs: cpuUs() - beforeUs, ...percentiles(latencies) };
}

export function percentiles(latenciesMs) {
  const sorted = Float64Array.from(latenciesMs).toSorted();
  const at = (share) => (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0) * 1_000;
  return { p50Us: at(0.5), p99Us: at(0.99) };
}

/**
 * Commands of a worker who asks `get` for keys by Zipf: `prepareZipf` draws them, `warmZipf` asks for the next `count`
 * and `driveZipf` for those that come then, for a time.
 */
export function zipfCommands(get) {
  let keys = [];
  let next = 0;
  return {
    prepareZipf({ seed, kind, bytes, count, exponent }) {
      const names = keysOf(kind, bytes, count);
      const draw = zipf(count, exponent, randomOf(seed));
      keys = Array.from({ length: DRAWN }, () => names[draw()]);
      next = 0;
    },
    async warmZipf({ callers, count }) {
      await askAll(get, keys.slice(next, next + count), callers);
      next = (next + count) % keys.length;
    },
    async driveZipf(load) {
      const found = await drive(get, { ...load, keys, from: next });
      next = (next + found.gets) % keys.length;
      return found;
    },
  };
}

/** Asks `get` for each of `keys` once, `callers` at a time. */
export async function askAll(get, keys, callers) {
  const waiting = keys.values();
  const caller = async () => {
    for (const key of waiting) await get(key);
  };
  await Promise.all(Array.from({ length: callers }, caller));
}
