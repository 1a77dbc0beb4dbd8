// The load: so many callers, each of whom asks again as soon as he has been answered.
import { setTimeout as after } from 'node:timers/promises';
import { valueOf } from './values.mjs';
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

/** Between two looks at the clock. */
const UNWATCHED = 1_000;

/**
 * Has one caller ask `get` for `keys` in turn, for `ms`, where a get takes less than a look at the clock would: nanoseconds
 * of time and of CPU for each. `isAwaited: false` is for a `get` that gives no promise and need not be awaited. `meanwhile`
 * is called after each `every` gets, a multiple of a thousand; never by default.
 */
export async function spin(get, { keys, ms, isAwaited = true, meanwhile, every = Infinity }) {
  let gets = 0;
  let next = 0;
  const beforeUs = cpuUs();
  const startMs = performance.now();
  let tookMs;
  do {
    if (isAwaited) {
      for (let count = 0; count < UNWATCHED; count++) {
        await get(keys[next]);
        if (++next === keys.length) next = 0;
      }
    } else {
      for (let count = 0; count < UNWATCHED; count++) {
        if (get(keys[next]) === undefined) throw new Error(`${keys[next]} is not in memory`);
        if (++next === keys.length) next = 0;
      }
    }
    gets += UNWATCHED;
    if (gets % every === 0) await meanwhile();
    tookMs = performance.now() - startMs;
  } while (tookMs < ms);
  return { gets, nsPerGet: (tookMs * 1e6) / gets, cpuNsPerGet: ((cpuUs() - beforeUs) * 1e3) / gets };
}

/**
 * Has `callers` ask `get` for one `key`, all in the tick of `atMs` (of the epoch, so that several processes do it at once),
 * and gives the microseconds that each has waited since then. Values are compared after that.
 */
export async function stampede(get, { key, callers, atMs }) {
  await after(Math.max(0, atMs - epochMs()));
  const waits = [];
  const asked = Array.from({ length: callers }, async () => {
    const value = await get(key);
    waits.push(Math.round((epochMs() - atMs) * 1_000));
    return value;
  });
  const right = valueOf(key);
  for (const value of await Promise.all(asked)) if (value !== right) throw new Error(`${key} came back as ${value}`);
  return waits;
}

/** How far apart `pace` asks. */
const TICK_MS = 5;

/**
 * Asks for `keys` in turn, `rate` a second for `ms`, whether or not earlier gets have been answered; one in `every` is for
 * the next of `others` instead, if there are any. Gives microseconds of those for `keys`, from the moment in which they
 * were to be asked: a process that is late makes them wait. Gets are asked in ticks.
 */
export async function pace(get, { keys, others = [], every = 100, rate, ms }) {
  const latencies = [];
  const gets = [];
  const ask = async (key, isCounted, intendedMs) => {
    const value = await get(key);
    if (isCounted) latencies.push(performance.now() - intendedMs);
    if (value !== valueOf(key)) throw new Error(`${key} came back as ${value}`);
  };
  const beforeUs = cpuUs();
  const startMs = performance.now();
  for (let intendedMs = startMs; intendedMs < startMs + ms; intendedMs += TICK_MS) {
    await after(Math.max(0, intendedMs - performance.now()));
    for (const until = ((intendedMs + TICK_MS - startMs) * rate) / 1_000; gets.length < until;) {
      const isOther = gets.length % every === 0;
      const key = (isOther ? others[gets.length / every] : undefined) ?? keys[gets.length % keys.length];
      gets.push(ask(key, !isOther, intendedMs));
    }
  }
  await Promise.all(gets);
  const { p50Us, p99Us } = percentiles(latencies);
  return { gets: gets.length, cpuUs: cpuUs() - beforeUs, p50Us, p99Us, maxUs: Math.max(...latencies) * 1_000 };
}

function epochMs() {
  return performance.timeOrigin + performance.now();
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
