// What do lifetimes cost a hit?
//
// 10,000 JSON values of 1,000 bytes, asked for by Zipf 0.99 through a decorated method by one caller, who awaits every
// answer; everything is warm and fresh, so that nothing is loaded while it is timed, which is verified. The same values
// under other lifetimes, each in processes of its own: two of each, whose rounds are taken together, since two processes
// that do the same differ by more than lifetimes cost.
import { ask, ratio } from './harness/question.mjs';
import { median, rounds as runRounds } from './harness/rounds.mjs';
import { keysOf } from './harness/values.mjs';
import { startWorker } from './harness/worker.mjs';
import { zipfKeys } from './harness/zipf.mjs';

const PROCESSES = 2;
const forever = 'forever: true';
const served = 'ttl, staleWhileRevalidate, refreshAhead';
const lifetimes = {
  [forever]: { forever: true },
  'ttl by default': { forever: false },
  [served]: { ttl: '1h', staleWhileRevalidate: '1h', refreshAhead: 0.8 },
  'all options': {
    ttl: '1h',
    staleWhileRevalidate: '1h',
    staleIfError: '1d',
    softTimeout: '1s',
    refreshAhead: 0.8,
    jitter: 0.1,
    negativeTtl: '5s',
    hotTtl: '1m',
  },
};

await ask(import.meta, 'What do lifetimes cost a hit?', async ({ ms, rounds, isShort }) => {
  const keys = keysOf('json', 1_000, isShort ? 1_000 : 10_000);
  const asked = zipfKeys(keys);
  const runs = {};
  for (let process = 0; process < PROCESSES; process++) {
    for (const [name, cached] of Object.entries(lifetimes)) {
      const worker = await startWorker('rivals/nest-peer.mjs', [{ kind: 'json', cached }]);
      await worker.call('warm', keys);
      runs[`${process} ${name}`] = async () => {
        const before = await worker.call('loads');
        const found = await worker.call('spin', { keys: asked, ms: ms / 2, way: 'method', isAwaited: true });
        const loads = (await worker.call('loads')) - before;
        if (loads !== 0) throw new Error(`${name}: ${loads} loads among ${found.gets} gets`);
        return found;
      };
    }
  }
  const found = await runRounds(runs, rounds);
  const byName = Object.keys(lifetimes).map((name) => {
    const all = Array.from({ length: PROCESSES }, (_, process) => found[`${process} ${name}`]);
    const spread = all.flatMap((one) => one.spread.nsPerGet);
    return [
      name,
      {
        nsPerGet: median(all.map((one) => one.nsPerGet)),
        cpuNsPerGet: median(all.map((one) => one.cpuNsPerGet)),
        spread: [Math.min(...spread), Math.max(...spread)],
      },
    ];
  });
  const of = Object.fromEntries(byName);
  const table = {
    title: 'memory hit of a decorated method, json of 1,000 bytes, by lifetime',
    columns: ['', 'ns/get', 'least to most', 'CPU ns/get', 'of the first'],
    rows: byName.map(([name, { nsPerGet, cpuNsPerGet, spread }]) => [
      name,
      Math.round(nsPerGet),
      spread.map(Math.round).join(' to '),
      Math.round(cpuNsPerGet),
      ratio(cpuNsPerGet, of[forever].cpuNsPerGet),
    ]),
  };
  const bars = [
    {
      what: `json of 1,000 bytes: a hit’s CPU ns with ${served}, of the same with ${forever}`,
      must: '<= 1.10',
      is: ratio(of[served].cpuNsPerGet, of[forever].cpuNsPerGet),
    },
  ];
  return { tables: [table], bars: isShort ? [] : bars };
});
