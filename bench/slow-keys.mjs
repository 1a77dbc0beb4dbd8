// Do a few slow loads hold up the rest?
//
// One process asks another at a fixed rate, whether or not earlier gets have been answered; waits are counted from the
// moment in which a get was to be asked, so that what stops both for a while is not hidden. 99 % of gets are for keys that
// the owner has in memory and that are never kept by who asks; the last 1 % are for such keys too, or, `with slow ones`, for
// new keys whose load takes 100 ms at the owner. Only the 99 % are measured. Two processes on loopback; gets are asked in
// ticks of 5 ms, so what is seen is a burst. `by GET` is the same without links, on a port of their own for peers.
import { ask, ratio } from './harness/question.mjs';
import { rounds as runRounds } from './harness/rounds.mjs';
import { keysOf } from './harness/values.mjs';
import { cpuOf, goProgram, startGoPeers, startNestPeers } from './rivals/subjects.mjs';

/** What GETs through an application can still do on two busy cores. */
const rate = 1_500;
const every = 100;
/**
 * Each round is this many short ones: what takes the processor away for a while spoils the 99th percentile of the run that
 * it falls into, and with many runs the median is of those that it left alone.
 */
const SLICES = 5;
let slowKeys = 0;
const kinds = { without: 'without slow ones', with: 'with slow ones' };

await ask(import.meta, 'Do a few slow loads hold up the rest?', async ({ ms, rounds, isShort }) => {
  const binary = await goProgram();
  const subjects = {
    'nestjs-groupcache': await startOurs(true),
    'nestjs-groupcache, by GET': await startOurs(false),
  };
  if (binary !== undefined) subjects['Go groupcache'] = await startGo(binary);
  const runs = {};
  for (const [name, subject] of Object.entries(subjects)) {
    const keys = await subject.warm(keysOf('text', 100, 8_000));
    runs[`${name}, ${kinds.without}`] = () => run(name, subject, keys, ms, false);
    runs[`${name}, ${kinds.with}`] = () => run(name, subject, keys, ms, true);
  }
  const found = await runRounds(runs, isShort ? rounds : rounds * SLICES);
  return { tables: [tableOf(found)], bars: isShort ? [] : barsOf(found) };
});

async function startOurs(link) {
  const { workers, urls } = await startNestPeers(2, { groupcache: link ? {} : { link, listen: { port: 0 } } });
  const [asker, owner] = workers;
  return {
    asker,
    owner,
    async warm(keys) {
      const owned = await owner.call('owned', keys);
      await owner.call('warm', owned);
      await asker.call('warm', owned);
      if (link) await asker.call('linked', urls.slice(1));
      return owned;
    },
  };
}

async function startGo(binary) {
  const { workers } = await startGoPeers(binary, 2, [0, 1e9]);
  const [asker, owner] = workers;
  return {
    asker,
    owner,
    async warm(keys) {
      const owned = await owner.call('owned', keys);
      await owner.call('warm', owned);
      return owned;
    },
  };
}

async function run(name, { asker, owner }, keys, ms, hasSlowOnes) {
  const others = hasSlowOnes ? await newKeys(owner, Math.ceil((rate * ms) / 1_000 / every)) : [];
  const loadsBefore = await owner.call('loads');
  const servedBefore = (await owner.call('stats')).serverRequests;
  const cpuBefore = await cpuOf([owner]);
  const { gets, cpuUs, p50Us, p99Us, maxUs } = await asker.call('pace', { keys, others, every, rate, ms });
  const ownersUs = (await cpuOf([owner])) - cpuBefore;
  const loads = (await owner.call('loads')) - loadsBefore;
  const served = (await owner.call('stats')).serverRequests - servedBefore;
  const wanted = hasSlowOnes ? Math.ceil(gets / every) : 0;
  if (loads !== wanted) throw new Error(`${name}: ${loads} loads instead of ${wanted}`);
  if (served !== gets) throw new Error(`${name}: ${gets} gets, of which ${served} crossed`);
  return { p50Us, p99Us, maxUs, cpuUs: (cpuUs + ownersUs) / gets };
}

/** `count` keys of the owner that nobody has asked for, each of which takes 100 ms to load. */
async function newKeys(owner, count) {
  const found = [];
  while (found.length < count) {
    const tried = Array.from({ length: count }, () => `slow100-100-${slowKeys++}`);
    found.push(...(await owner.call('owned', tried)));
  }
  return found.slice(0, count);
}

function toMs(us) {
  return Number((us / 1_000).toFixed(2));
}

function tableOf(found) {
  return {
    title: `${rate.toLocaleString('en')} gets a second, 1 % of them slow or none: the others`,
    columns: ['', 'p50 ms', 'p99 ms', 'p99 least to most', 'max ms', 'CPU us/get'],
    rows: Object.entries(found).map(([name, { p50Us, p99Us, maxUs, cpuUs, spread }]) => [
      name,
      toMs(p50Us),
      toMs(p99Us),
      spread.p99Us.map(toMs).join(' to '),
      toMs(maxUs),
      Number(cpuUs.toFixed(1)),
    ]),
    chart: { column: 'p99 ms', unit: 'ms', lowerIsBetter: true },
  };
}

function barsOf(found) {
  const of = (kind) => found[`nestjs-groupcache, ${kind}`].p99Us;
  return [
    {
      what: 'p99 of the others, with slow ones of without',
      must: '<= 1.5',
      is: ratio(of(kinds.with), of(kinds.without)),
    },
  ];
}
