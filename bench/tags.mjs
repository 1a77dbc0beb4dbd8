// What do tags cost a hit?
//
// As `lifetimes`: 10,000 JSON values of 1,000 bytes by Zipf 0.99 through a decorated method, one caller, nothing loaded
// while it is timed, two processes of each. Values have two tags each, or none; meanwhile other tags are removed, which
// makes each value's tags be compared once more with what has been removed, at its next get. The group without tags has
// the same removals.
import { ask, ratio } from './harness/question.mjs';
import { median, rounds as runRounds } from './harness/rounds.mjs';
import { keysOf } from './harness/values.mjs';
import { startWorker } from './harness/worker.mjs';
import { zipfKeys } from './harness/zipf.mjs';

const PROCESSES = 2;
/** Gets between two removals: some 300 removals a second. */
const GETS_BETWEEN = 10_000;

const none = 'no tags';
const tagged = 'two tags';
const cases = {
  [none]: { isTagged: false, removeEvery: GETS_BETWEEN },
  [tagged]: { isTagged: true, removeEvery: GETS_BETWEEN },
  'two tags, ten times the removals': { isTagged: true, removeEvery: GETS_BETWEEN / 10 },
  'two tags, no removals': { isTagged: true },
};

await ask(import.meta, 'What do tags cost a hit?', async ({ ms, rounds, isShort }) => {
  const keys = keysOf('json', 1_000, isShort ? 1_000 : 10_000);
  const asked = zipfKeys(keys);
  const runs = {};
  for (let process = 0; process < PROCESSES; process++) {
    for (const [name, { isTagged, removeEvery }] of Object.entries(cases)) {
      const worker = await startWorker('rivals/nest-peer.mjs', [{ kind: 'json', isTagged }]);
      await worker.call('warm', keys);
      runs[`${process} ${name}`] = async () => {
        const before = await worker.call('stats');
        const found = await worker.call('spin', { keys: asked, ms: ms / 2, way: 'method', removeEvery });
        const after = await worker.call('stats');
        const loads = after.loadedHere - before.loadedHere;
        if (loads !== 0) throw new Error(`${name}: ${loads} loads among ${found.gets} gets`);
        if (after.invalidations > before.invalidations !== removeEvery > 0)
          throw new Error(`${name}: not the removals`);
        return found;
      };
    }
  }
  const found = await runRounds(runs, rounds);
  const byName = Object.keys(cases).map((name) => {
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
    title: 'memory hit of a decorated method, json of 1,000 bytes, by tags',
    columns: ['', 'ns/get', 'least to most', 'CPU ns/get', 'of the first'],
    rows: byName.map(([name, { nsPerGet, cpuNsPerGet, spread }]) => [
      name,
      Math.round(nsPerGet),
      spread.map(Math.round).join(' to '),
      Math.round(cpuNsPerGet),
      ratio(cpuNsPerGet, of[none].cpuNsPerGet),
    ]),
  };
  const bars = [
    {
      what: `json of 1,000 bytes: a hit’s CPU ns with ${tagged}, of the same with ${none}`,
      must: '<= 1.10',
      is: ratio(of[tagged].cpuNsPerGet, of[none].cpuNsPerGet),
    },
  ];
  return { tables: [table], bars: isShort ? [] : bars };
});
