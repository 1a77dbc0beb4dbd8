// What does a whole cluster serve?
//
// 2, 3 and 4 processes on loopback, each with 64 callers at once, each of whom asks for keys by Zipf 0.9 out of 100,000
// texts of 100 bytes; a getter that returns at once. Together they have memory for half of the keys by what our group
// counts for an entry (key + value + 250 B), in equal parts: a copy of another process's key takes its place there. Go
// counts key + value alone, and so gets room for as many entries. Redis gets what it used when half of the keys were
// written to it by the very client; bentocache has as many entries again in the memories of its processes. All are asked
// for 200,000 keys before anything is timed. CPU is that of all processes, Redis included; a hit is a get without a run
// of a getter anywhere.
import { ENTRY_OVERHEAD_BYTES } from 'nestjs-groupcache';
import { ask, ratio } from './harness/question.mjs';
import { rounds as runRounds } from './harness/rounds.mjs';
import { keysOf } from './harness/values.mjs';
import { startWorker } from './harness/worker.mjs';
import { cpuOf, goProgram, redisIfThere, startGoPeers, startNestPeers } from './rivals/subjects.mjs';

const callers = 64;
const zipf = { kind: 'text', bytes: 100, count: 100_000, exponent: 0.9 };
const keys = keysOf(zipf.kind, zipf.bytes, zipf.count);
const heldEntries = zipf.count / 2;
/** Keys and values of half of the keys. */
const heldBytes = keys.reduce((sum, key) => sum + key.length + zipf.bytes, 0) / 2;
const onRedis = { 'cache-manager + Redis': startCacheManager, 'bentocache + Redis': startBentocache };

await ask(import.meta, 'What does a whole cluster serve?', async ({ ms, rounds, isShort }) => {
  const binary = await goProgram();
  const redises = {};
  const tables = [];
  const bars = [];
  const notes = [];
  try {
    await startRedises(redises);
    for (const processes of [2, 3, 4]) {
      const subjects = await startSubjects(processes, binary, redises);
      const runs = {};
      for (const [name, subject] of Object.entries(subjects)) {
        await warm(subject, isShort ? 2_000 : 200_000);
        runs[name] = () => drive(subject, ms);
      }
      const found = await runRounds(runs, rounds);
      tables.push(tableOf(processes, found));
      if (processes === 2) bars.push(...barsOf(found));
      for (const [name, { redis }] of Object.entries(subjects)) {
        if (redis === undefined) continue;
        const entries = (await redis.entries()).toLocaleString('en');
        notes.push(`${name}, ${processes} processes: Redis held ${entries} entries at the end`);
      }
      for (const { workers } of Object.values(subjects)) await Promise.all(workers.map((worker) => worker.stop()));
    }
  } finally {
    for (const redis of Object.values(redises)) await redis.stop();
  }
  return { tables, notes, bars: isShort ? [] : bars };
});

/** Into `redises`, a Redis for each that needs one, with room for half of the keys as that one writes them. */
async function startRedises(redises) {
  for (const [name, start] of Object.entries(onRedis)) {
    const redis = await redisIfThere();
    if (redis === undefined) break;
    redises[name] = redis;
    const worker = await start(redis, 0);
    await worker.call('fill', keys.slice(0, heldEntries));
    const entries = await redis.entries();
    if (entries !== heldEntries) throw new Error(`${entries} entries in Redis`);
    await redis.limitToUsed();
    await worker.stop();
  }
}

async function startSubjects(processes, binary, redises) {
  const cacheBytes = Math.ceil((heldBytes + heldEntries * ENTRY_OVERHEAD_BYTES) / processes);
  const subjects = { 'nestjs-groupcache': await startOurs(processes, cacheBytes) };
  if (binary !== undefined) subjects['Go groupcache'] = await startGo(binary, processes);
  for (const [name, redis] of Object.entries(redises)) {
    await redis.flush();
    const starting = Array.from({ length: processes }, () => onRedis[name](redis, heldEntries / processes));
    subjects[name] = { workers: await Promise.all(starting), redis, checks: name.startsWith('cache') && 'checkWrap' };
  }
  return subjects;
}

async function startOurs(processes, cacheBytes) {
  const { workers, urls } = await startNestPeers(processes, { promote: 'oneInTen', cached: { cacheBytes } });
  const linked = () => Promise.all(workers.map((worker, index) => worker.call('linked', urls.toSpliced(index, 1))));
  return { workers, linked };
}

async function startGo(binary, processes) {
  return startGoPeers(binary, processes, Math.ceil(heldBytes / processes));
}

function startCacheManager(redis) {
  return startWorker('rivals/cache-manager.mjs', [redis.url]);
}

function startBentocache(redis, maxItems) {
  return startWorker('rivals/bentocache.mjs', maxItems === 0 ? [redis.url] : [redis.url, Math.floor(maxItems)]);
}

/** What is asked for comes back as it should, at every process; then memory fills. */
async function warm({ workers, checks, linked }, gets) {
  for (const worker of workers) await worker.call(checks || 'warm', keys.slice(0, 200));
  await linked?.();
  await Promise.all(workers.map((worker, index) => worker.call('prepareZipf', { ...zipf, seed: index + 1 })));
  const count = Math.floor(gets / workers.length);
  await Promise.all(workers.map((worker) => worker.call('warmZipf', { callers, count })));
}

async function drive({ workers, redis }, ms) {
  const loadsBefore = await loadsOf(workers);
  const redisBeforeUs = redis === undefined ? 0 : await cpuOf([redis]);
  const each = await Promise.all(workers.map((worker) => worker.call('driveZipf', { callers, ms })));
  const redisUs = redis === undefined ? 0 : (await cpuOf([redis])) - redisBeforeUs;
  const sum = (figure) => each.reduce((total, found) => total + found[figure], 0);
  const gets = sum('gets');
  return {
    rate: sum('rate'),
    cpuUs: (sum('cpuUs') + redisUs) / gets,
    hitRatio: 1 - ((await loadsOf(workers)) - loadsBefore) / gets,
    p99Us: Math.max(...each.map((found) => found.p99Us)),
  };
}

async function loadsOf(workers) {
  const each = await Promise.all(workers.map((worker) => worker.call('loads')));
  return each.reduce((sum, loads) => sum + loads, 0);
}

function tableOf(processes, found) {
  return {
    title: `${processes} processes, ${callers} callers each`,
    columns: ['', 'gets/s', 'least to most', 'p99 us', 'CPU us/get', 'hit ratio'],
    rows: Object.entries(found).map(([name, { rate, p99Us, cpuUs, hitRatio, spread }]) => [
      name,
      Math.round(rate),
      spread.rate.map(Math.round).join(' to '),
      Math.round(p99Us),
      Number(cpuUs.toFixed(1)),
      Number(hitRatio.toFixed(3)),
    ]),
    chart: { column: 'gets/s', unit: 'gets/s' },
  };
}

function barsOf(found) {
  const ours = found['nestjs-groupcache'];
  const least = { 'Go groupcache': 2.5, 'cache-manager + Redis': 3, 'bentocache + Redis': 6 };
  return Object.entries(least)
    .filter(([rival]) => found[rival] !== undefined)
    .flatMap(([rival, bound]) => [
      { what: `2 processes: gets/s of ${rival}’s`, must: `>= ${bound}`, is: ratio(ours.rate, found[rival].rate) },
      { what: `2 processes: CPU a get of ${rival}’s`, must: '<= 0.5', is: ratio(ours.cpuUs, found[rival].cpuUs) },
    ]);
}
