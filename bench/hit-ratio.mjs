// How many gets does a group answer from memory under each `eviction`, beside a bare lru-cache of as many bytes?
//
//   npm run build:lib && node bench/hit-ratio.mjs [--seconds n] [--json] [--traces folder]
//
// Memory for 1, 5 and 10 % of the footprint of all keys that a workload asks for; values of 100 B but where it says
// otherwise; the first gets, into the empty cache, are counted. `--seconds n` stops each workload after n times 5,000
// gets. The public traces are read from `--traces`, from GROUPCACHE_TRACES, or from ../shared/traces beside the
// repository: files of the name <trace>.u32.gz, gzip of little-endian 32-bit key numbers. Where they are not, they are
// left out, and it says so.
import { existsSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { LRUCache } from 'lru-cache';
import { ENTRY_OVERHEAD_BYTES, Group, textCodec } from 'nestjs-groupcache/core';
import { randomOf, zipf } from './harness/zipf.mjs';

const { values: flags } = parseArgs({
  options: { seconds: { type: 'string' }, json: { type: 'boolean', default: false }, traces: { type: 'string' } },
});
const maxGets = flags.seconds === undefined ? Infinity : Number(flags.seconds) * 5_000;
const traces =
  flags.traces ?? process.env.GROUPCACHE_TRACES ?? fileURLToPath(new URL('../../shared/traces/', import.meta.url));

const shares = [0.01, 0.05, 0.1];
const zipfKeys = 100_000;
const gets = 1_500_000;
const text = 'x'.repeat(64 * 1024);
const evenly = () => 100;
/** 50 B to 50 KB, as many of each order of magnitude, whatever the key's rank. */
const unevenly = (key) => Math.round(50 * 2 ** (scatter(key) * 10));
/** Nothing here takes long enough to need a timer. */
const clock = { now: () => performance.now(), after: () => () => undefined };

const workloads = [
  { name: 'Zipf 0.8', keys: () => Uint32Array.from({ length: gets }, zipf(zipfKeys, 0.8, randomOf(1))) },
  { name: 'Zipf 0.99', keys: () => Uint32Array.from({ length: gets }, zipf(zipfKeys, 0.99, randomOf(2))) },
  { name: 'Zipf 0.8, 50 B to 50 KB', keys: () => workloads[0].keys(), lengthOf: unevenly },
  { name: 'Zipf 0.99, 50 B to 50 KB', keys: () => workloads[1].keys(), lengthOf: unevenly },
  { name: 'loop of 20,000 + Zipf 0.99', keys: loopAndZipf },
  { name: 'Zipf 0.99 with scans', keys: zipfWithScans },
  { name: 'Zipf 0.99, shuffled every 150,000', keys: shufflingZipf },
  { name: 'Zipf 0.99, a new top key every 30', keys: slidingZipf },
  ...['orm-busy', 'web07', 'scarab-recs', 'multi2'].map((name) => ({ name, trace: join(traces, `${name}.u32.gz`) })),
];

const rows = [];
for (const workload of workloads) {
  if (workload.trace !== undefined && !existsSync(workload.trace)) {
    console.error(`${workload.name}: left out, there is no ${workload.trace}`);
    continue;
  }
  const numbers = (workload.trace === undefined ? workload.keys() : readTrace(workload.trace)).subarray(0, maxGets);
  const lengthOf = workload.lengthOf ?? evenly;
  const names = new Map();
  let footprint = 0;
  for (const number of numbers) {
    if (names.has(number)) continue;
    names.set(number, `key-${number}`);
    footprint += footprintOf(names.get(number), lengthOf(number));
  }
  for (const share of shares) {
    const cacheBytes = Math.ceil(footprint * share);
    const row = { workload: workload.name, gets: numbers.length, keys: names.size, share };
    row['lru-cache'] = bareRatio(numbers, names, lengthOf, cacheBytes);
    row.lru = await groupRatio('lru', numbers, names, lengthOf, cacheBytes);
    row.tinylfu = await groupRatio('tinylfu', numbers, names, lengthOf, cacheBytes);
    // The same policy over the same bytes.
    if (Math.abs(row.lru - row['lru-cache']) > 0.002) throw new Error(`lru differs: ${JSON.stringify(row)}`);
    rows.push(row);
  }
}

const conditions = { node: process.version, cpu: cpus()[0]?.model, shortened: maxGets !== Infinity };
if (flags.json) console.log(JSON.stringify({ conditions, rows }, undefined, 2));
else printTable();

function bareRatio(numbers, names, lengthOf, cacheBytes) {
  const cache = new LRUCache({ maxSize: cacheBytes });
  let hits = 0;
  for (const number of numbers) {
    const key = names.get(number);
    if (cache.get(key) === undefined) cache.set(key, text, { size: footprintOf(key, lengthOf(number)) });
    else hits++;
  }
  return hits / numbers.length;
}

async function groupRatio(eviction, numbers, names, lengthOf, cacheBytes) {
  const load = (key) => text.slice(0, lengthOf(Number(key.slice(4))));
  const group = new Group('bench', load, { codec: textCodec, cacheBytes, eviction, clock, forever: true });
  let hits = 0;
  for (const number of numbers) {
    const key = names.get(number);
    if (group.peek(key) === undefined) await group.get(key);
    else hits++;
  }
  const { localLoads } = group.stats;
  if (localLoads !== numbers.length - hits) throw new Error(`${localLoads} loads, ${hits} hits`);
  if (group.footprint > cacheBytes) throw new Error(`${group.footprint} bytes held of ${cacheBytes}`);
  group.close();
  return hits / numbers.length;
}

/** What `cacheBytes` counts for an entry of text. */
function footprintOf(key, length) {
  return key.length + length + ENTRY_OVERHEAD_BYTES;
}

function printTable() {
  console.log(`Node ${conditions.node}, ${conditions.cpu}${conditions.shortened ? '; SHORTENED' : ''}`);
  console.log(
    '| workload | memory | lru-cache | lru | tinylfu | tinylfu - lru |\n| --- | --- | --- | --- | --- | --- |',
  );
  for (const row of rows) {
    const ratios = [row['lru-cache'], row.lru, row.tinylfu, row.tinylfu - row.lru].map((ratio) => ratio.toFixed(3));
    console.log(`| ${[row.workload, `${row.share * 100} %`, ...ratios].join(' | ')} |`);
  }
}

function readTrace(file) {
  const bytes = gunzipSync(readFileSync(file));
  return new Uint32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

function loopAndZipf() {
  const random = randomOf(3);
  const next = zipf(zipfKeys, 0.99, random);
  let step = 0;
  return Uint32Array.from({ length: gets }, () => (random() < 0.5 ? next() : zipfKeys + (step++ % 20_000)));
}

/** After each 100,000 gets, 50,000 keys that are asked for once and never again. */
function zipfWithScans() {
  const next = zipf(zipfKeys, 0.99, randomOf(4));
  let fresh = zipfKeys;
  return Uint32Array.from({ length: gets }, (_, index) => (index % 150_000 < 100_000 ? next() : fresh++));
}

function shufflingZipf() {
  const random = randomOf(5);
  const next = zipf(zipfKeys, 0.99, random);
  let order = shuffled(random);
  return Uint32Array.from({ length: gets }, (_, index) => {
    if (index > 0 && index % 150_000 === 0) order = shuffled(random);
    return order[next()];
  });
}

/** Each key is new at rank 1, and goes down one rank every 30 gets. */
function slidingZipf() {
  const next = zipf(zipfKeys, 0.99, randomOf(6));
  return Uint32Array.from({ length: gets }, (_, index) => (zipfKeys - next() + Math.floor(index / 30)) % zipfKeys);
}

function shuffled(random) {
  const order = new Uint32Array(zipfKeys);
  for (let index = 0; index < zipfKeys; index++) {
    const other = Math.floor(random() * (index + 1));
    order[index] = order[other];
    order[other] = index;
  }
  return order;
}

/** 0 up to 1, always the same for a key. */
function scatter(key) {
  return randomOf(key + 1)();
}
