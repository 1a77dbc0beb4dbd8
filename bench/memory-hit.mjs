// What does a hit in memory cost?
//
// 10,000 keys (1,000 of the largest values), asked for by Zipf 0.99 in an order that is known before; one caller, who awaits every answer but that of
// `peek`; everything fits and is warm, so that nothing is loaded while it is timed, which is verified. Each subject has a
// process of its own: none is the slower for what V8 has learned of another. Keys are the same string objects each time,
// with their hashes known, but for the two arguments, whose key is made at every get. CPU is all of the process, its
// garbage collector's threads too. What is asked for most often also stays in the processor's caches: the rest is in the
// spread of the sizes.
//
// bentocache hands out copies by default; `serialize: false` shares its objects, as we do, but ours are frozen. Go has
// bytes only, so it is asked for text, as a view (shared) and as a string (copied).
import { ask, ratio } from './harness/question.mjs';
import { rounds as runRounds } from './harness/rounds.mjs';
import { keysOf } from './harness/values.mjs';
import { startWorker } from './harness/worker.mjs';
import { zipfKeys } from './harness/zipf.mjs';
import { goProgram } from './rivals/subjects.mjs';

const values = [
  { kind: 'text', bytes: 100 },
  { kind: 'json', bytes: 200 },
  { kind: 'json', bytes: 1_000 },
  { kind: 'json', bytes: 10_000 },
];

const ours = 'decorated method, one string';
const wrap = 'cache-manager wrap';
const bento = 'bentocache getOrSet, serialize: false';
const bare = 'bare lru-cache';

await ask(import.meta, 'What does a hit in memory cost?', async ({ ms, rounds, isShort }) => {
  const binary = await goProgram();
  const tables = [];
  const bars = [];
  for (const { kind, bytes } of isShort ? values.filter((value) => value.bytes === 1_000) : values) {
    const keys = keysOf(kind, bytes, isShort || bytes > 1_000 ? 1_000 : 10_000);
    const asked = zipfKeys(keys);
    const subjects = await startSubjects(kind, binary);
    const runs = {};
    for (const [name, { worker, how }] of Object.entries(subjects)) {
      await worker.call('warm', keys, how.way);
      runs[name] = async () => {
        const before = await worker.call('loads');
        const found = await worker.call('spin', { keys: asked, ms: ms / 2, ...how });
        const loads = (await worker.call('loads')) - before;
        if (loads !== 0) throw new Error(`${name}: ${loads} loads among ${found.gets} gets`);
        return found;
      };
    }
    const found = await runRounds(runs, rounds);
    // Whatever may have been given up in the meantime, it was not these.
    for (const { worker, how } of Object.values(subjects)) {
      const before = await worker.call('loads');
      await worker.call('warm', keys, how.way);
      if ((await worker.call('loads')) !== before) throw new Error('not all keys were in memory');
      await worker.stop();
    }
    tables.push(tableOf(kind, bytes, found));
    if (kind === 'json' && bytes === 1_000) bars.push(...barsOf(found));
  }
  return { tables, bars: isShort ? [] : bars };
});

async function start([name, [file, args = [], how = {}]]) {
  return [name, { worker: await startWorker(file, args), how }];
}

async function startSubjects(kind, binary) {
  const nest = (way, isAwaited) => ['rivals/nest-peer.mjs', [{ kind }], { way, isAwaited }];
  const wanted = {
    [ours]: nest('method'),
    'decorated method, two arguments': nest('twoArguments'),
    'GroupService.get': nest('service'),
    'Group.peek, not awaited': nest('peek', false),
    'cache-manager get': ['rivals/cache-manager.mjs', [], { way: 'get' }],
    [wrap]: ['rivals/cache-manager.mjs', [], { way: 'wrap' }],
    'bentocache getOrSet': ['rivals/bentocache.mjs', ['serialized']],
    [bento]: ['rivals/bentocache.mjs', ['memory']],
    'async-cache-dedupe': ['rivals/async-cache-dedupe.mjs'],
    [bare]: ['rivals/lru-cache.mjs'],
  };
  if (binary !== undefined && kind === 'text') {
    wanted['Go groupcache, view'] = [binary, [1e9, 0], { sink: 'view' }];
    wanted['Go groupcache, string'] = [binary, [1e9, 0], { sink: 'string' }];
  }
  return Object.fromEntries(await Promise.all(Object.entries(wanted).map(start)));
}

function tableOf(kind, bytes, found) {
  return {
    title: `memory hit of a decorated method, ${kind} of ${bytes.toLocaleString('en')} bytes`,
    columns: ['', 'ns/get', 'least to most', 'of the first', 'CPU ns/get'],
    rows: Object.entries(found).map(([name, { nsPerGet, cpuNsPerGet, spread }]) => [
      name,
      Math.round(nsPerGet),
      spread.nsPerGet.map(Math.round).join(' to '),
      ratio(nsPerGet, found[ours].nsPerGet),
      Math.round(cpuNsPerGet),
    ]),
    chart: { column: 'ns/get', unit: 'ns', lowerIsBetter: true },
  };
}

function barsOf(found) {
  const of = (one, other) => ratio(found[one].nsPerGet, found[other].nsPerGet);
  return [
    { what: 'json of 1,000 bytes: cache-manager wrap’s ns, of ours', must: '>= 3', is: of(wrap, ours) },
    { what: 'json of 1,000 bytes: bentocache’s ns, of ours', must: '>= 10', is: of(bento, ours) },
    { what: 'json of 1,000 bytes: our ns, of a bare lru-cache’s', must: '<= 3.5', is: of(ours, bare) },
  ];
}
