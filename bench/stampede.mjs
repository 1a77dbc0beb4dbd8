// What happens when everybody asks for the same new key at once?
//
// 10,000 callers in each of three processes, all at one moment, for a key that nobody has asked for and whose load takes
// 200 ms. How often is it loaded, and when is the last caller done? Values are compared. Three processes on loopback, warm
// by other keys, so that links and connections are open; a new key each round. A caller's wait begins at that moment: that
// thirty thousand gets have to be asked at all, by three processes on the cores there are, is in it.
//
// bentocache has memory before its Redis; cache-manager `wrap` has none, as it comes.
import { setTimeout as after } from 'node:timers/promises';
import { ask, ratio } from './harness/question.mjs';
import { rounds as runRounds } from './harness/rounds.mjs';
import { keysOf } from './harness/values.mjs';
import { startWorker } from './harness/worker.mjs';
import { cpuOf, goProgram, redisIfThere, startGoPeers, startNestPeers } from './rivals/subjects.mjs';

const processes = 3;
const callers = 10_000;
const loadMs = 200;
/** How long it may take to tell all processes. */
const leadMs = 100;

await ask(
  import.meta,
  'What happens when everybody asks for the same new key at once?',
  async ({ rounds, isShort }) => {
    const binary = await goProgram();
    const redis = await redisIfThere();
    try {
      const subjects = await startSubjects(binary, redis);
      let round = 0;
      const runs = Object.entries(subjects).map(([name, { workers, sources }]) => [
        name,
        () => stampede(name, workers, sources, `slow${loadMs}-100-${round++}`),
      ]);
      const found = await runRounds(Object.fromEntries(runs), rounds);
      return { tables: [tableOf(found)], bars: isShort ? [] : barsOf(found) };
    } finally {
      await redis?.stop();
    }
  },
);

async function startSubjects(binary, redis) {
  const warmUp = keysOf('text', 100, 200);
  const subjects = { 'nestjs-groupcache': await startOurs(warmUp) };
  const add = async (name, workers, others = []) => {
    for (const worker of workers) await worker.call('warm', warmUp);
    subjects[name] = { workers, sources: [...workers, ...others] };
  };
  if (binary !== undefined) await add('Go groupcache', (await startGoPeers(binary, processes, 1e9)).workers);
  if (redis !== undefined) {
    const onRedis = (file, ...args) =>
      Promise.all(Array.from({ length: processes }, () => startWorker(file, [redis.url, ...args])));
    await add('cache-manager + Redis, wrap', await onRedis('rivals/cache-manager.mjs'), [redis]);
    await add('bentocache, memory + Redis', await onRedis('rivals/bentocache.mjs', '100000'), [redis]);
  }
  return subjects;
}

async function startOurs(warmUp) {
  const { workers, urls } = await startNestPeers(processes);
  for (const worker of workers) await worker.call('warm', warmUp);
  for (const [index, worker] of workers.entries()) {
    const others = urls.filter((_, other) => other !== index);
    await worker.call('linked', others);
  }
  return { workers, sources: workers };
}

async function stampede(name, workers, sources, key) {
  const loadsOf = async () => {
    const each = await Promise.all(workers.map((worker) => worker.call('loads')));
    return each.reduce((sum, loads) => sum + loads, 0);
  };
  await after(50);
  const [loadsBefore, cpuBefore] = [await loadsOf(), await cpuOf(sources)];
  const atMs = performance.timeOrigin + performance.now() + leadMs;
  const each = await Promise.all(workers.map((worker) => worker.call('stampede', { key, callers, atMs })));
  const cpuUs = (await cpuOf(sources)) - cpuBefore;
  const waits = each.flat().toSorted((one, other) => one - other);
  if (waits.length !== callers * processes) throw new Error(`${waits.length} callers were answered`);
  if (waits[0] < (loadMs - 5) * 1_000) throw new Error(`answered in ${waits[0]} us, before it was loaded`);
  const at = (share) => waits[Math.min(waits.length - 1, Math.floor(waits.length * share))] / 1_000;
  const loads = (await loadsOf()) - loadsBefore;
  if (name === 'nestjs-groupcache' && loads !== 1) throw new Error(`${key} was loaded ${loads} times`);
  return { loads, p50Ms: at(0.5), p99Ms: at(0.99), lastMs: at(1), cpuUs: cpuUs / waits.length };
}

function toDigit(number) {
  return Number(number.toFixed(1));
}

function tableOf(found) {
  return {
    title: `3 processes, ${callers.toLocaleString('en')} callers in each, a load of ${loadMs} ms`,
    columns: ['', 'loads', 'last caller ms', 'least to most', 'p50 ms', 'p99 ms', 'CPU us/get'],
    rows: Object.entries(found).map(([name, { loads, lastMs, p50Ms, p99Ms, cpuUs, spread }]) => [
      name,
      loads,
      toDigit(lastMs),
      spread.lastMs.map(toDigit).join(' to '),
      toDigit(p50Ms),
      toDigit(p99Ms),
      toDigit(cpuUs),
    ]),
    chart: { column: 'last caller ms', unit: 'ms', lowerIsBetter: true },
  };
}

function barsOf(found) {
  const { lastMs, spread } = found['nestjs-groupcache'];
  return [
    { what: 'loads of nestjs-groupcache', must: '<= 1', is: spread.loads[1] },
    { what: 'last caller done, of the load’s own 200 ms', must: '<= 2', is: ratio(lastMs, loadMs) },
  ];
}
