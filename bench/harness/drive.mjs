// The load: so many callers, each of whom asks again as soon as he has been answered.
import { cpuUs } from './worker.mjs';

/** Of so many gets the time of one is taken. */
const SAMPLED = 8;

/**
 * Has `callers` ask `get` for `keys` in turn, for `ms`: gets a second, microseconds at the median and the 99th
 * percentile, and of CPU of this process in all. No two callers ask for one key at a time while there are more keys than
 * callers.
 */
export async function drive(get, { keys, callers, ms }) {
  const latencies = [];
  let gets = 0;
  let next = 0;
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
