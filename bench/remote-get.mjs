// What does a get cost whose value is in another process's memory?
//
// The owner is warm and nothing is kept by who asks: every get crosses. 2,000 keys or so, asked in turn; two processes on
// loopback; CPU is that of all processes. Ours: decorated methods of two Nest applications on Express, signed. Go: its
// default transport, and one with 1,024 idle connections for its own good. Redis: what Nest teams have now.
import { ask, ratio } from './harness/question.mjs';
import { rounds as runRounds } from './harness/rounds.mjs';
import { keysOf } from './harness/values.mjs';
import { startWorker } from './harness/worker.mjs';
import { driveWith, goProgram, redisIfThere, startGoPeers, startNestPeers } from './rivals/subjects.mjs';

const combinations = [
  ...[1, 64, 256, 1_024].map((callers) => ({ kind: 'text', bytes: 100, callers })),
  ...[1, 64, 256, 1_024].map((callers) => ({ kind: 'text', bytes: 1_000, callers })),
  ...[1, 64, 256].map((callers) => ({ kind: 'text', bytes: 65_536, callers })),
  { kind: 'bytes', bytes: 100, callers: 64 },
  { kind: 'bytes', bytes: 65_536, callers: 64 },
  { kind: 'json', bytes: 1_000, callers: 64 },
];

await ask(
  import.meta,
  'What does a get cost whose value is in another process’s memory?',
  async ({ ms, rounds, isShort }) => {
    const binary = await goProgram();
    const redis = await redisIfThere();
    const tables = [];
    const bars = [];
    try {
      for (const [kind, loads] of byKind()) {
        const subjects = await startSubjects(kind, { binary, redis });
        for (const { bytes, callers } of loads) {
          const keys = keysOf(kind, bytes, bytes > 10_000 ? 1_200 : 4_000);
          const runs = {};
          for (const [name, subject] of Object.entries(subjects)) {
            const own = await subject.warm(keys);
            runs[name] = () => subject.drive({ keys: own, callers, ms });
          }
          const found = await runRounds(runs, rounds);
          tables.push(tableOf({ kind, bytes, callers }, found));
          if (kind === 'text') bars.push(...barsOf(bytes, callers, found));
        }
        for (const subject of Object.values(subjects)) await subject.end();
      }
    } finally {
      await redis?.stop();
    }
    return { tables, bars: isShort ? [] : bars };
  },
);

function byKind() {
  const kinds = [...new Set(combinations.map(({ kind }) => kind))];
  return kinds.map((kind) => [kind, combinations.filter((combination) => combination.kind === kind)]);
}

async function startSubjects(kind, { binary, redis }) {
  const subjects = { 'nestjs-groupcache': await startOurs(kind) };
  if (binary !== undefined && kind !== 'json') {
    subjects['Go groupcache'] = await startGo(binary, 0);
    subjects['Go groupcache, 1,024 idle connections'] = await startGo(binary, 1_024);
  }
  if (redis !== undefined) {
    subjects['cache-manager + Redis'] = await startOnRedis(redis, 'rivals/cache-manager.mjs');
    subjects['bentocache + Redis'] = await startOnRedis(redis, 'rivals/bentocache.mjs');
    if (kind === 'text') subjects['bare node-redis'] = await startOnRedis(redis, 'rivals/node-redis.mjs');
  }
  if (kind === 'text') subjects['TCP echo'] = await startEcho();
  return subjects;
}

async function startOurs(kind) {
  const { workers, urls } = await startNestPeers(2, { kind });
  const [asker, owner] = workers;
  return {
    async warm(keys) {
      const owned = await owner.call('owned', keys);
      await owner.call('warm', owned);
      await asker.call('warm', owned.slice(0, 1));
      await asker.call('linked', urls.slice(1));
      return owned;
    },
    async drive(load) {
      const before = await owner.call('stats');
      const asked = (await asker.call('stats')).gets;
      const found = await driveWith(asker, [owner], load);
      const served = (await owner.call('stats')).serverRequests - before.serverRequests;
      const gets = (await asker.call('stats')).gets - asked;
      if (served !== gets) throw new Error(`${gets} gets, of which ${served} crossed`);
      return found;
    },
    end: () => Promise.all(workers.map((worker) => worker.stop())),
  };
}

async function startGo(binary, idleConnections) {
  const { workers } = await startGoPeers(binary, 2, [0, 1e9], idleConnections);
  const [asker, owner] = workers;
  return {
    async warm(keys) {
      const owned = await owner.call('owned', keys);
      await owner.call('warm', owned);
      return owned;
    },
    drive: (load) => driveWith(asker, [owner], load),
    end: () => Promise.all(workers.map((worker) => worker.stop())),
  };
}

async function startOnRedis(redis, file) {
  const asker = await startWorker(file, [redis.url]);
  return {
    async warm(keys) {
      // Each has its own names: one may not read what another has written.
      await asker.call('warm', keys);
      return keys;
    },
    drive: (load) => driveWith(asker, [redis], load),
    end: () => asker.stop(),
  };
}

async function startEcho() {
  const server = await startWorker('rivals/tcp-echo.mjs', ['serve']);
  const port = await server.call('port');
  const asker = await startWorker('rivals/tcp-echo.mjs', ['ask', port]);
  return {
    warm: async (keys) => keys,
    drive: (load) => driveWith(asker, [server], load),
    end: () => Promise.all([asker.stop(), server.stop()]),
  };
}

function tableOf({ kind, bytes, callers }, found) {
  return {
    title: `${kind} of ${bytes.toLocaleString('en')} bytes, ${callers.toLocaleString('en')} ${callers === 1 ? 'caller' : 'callers'}`,
    columns: ['', 'gets/s', 'least to most', 'p50 us', 'p99 us', 'CPU us/get'],
    rows: Object.entries(found).map(([name, { rate, p50Us, p99Us, cpuUs, spread }]) => [
      name,
      Math.round(rate),
      spread.rate.map(Math.round).join(' to '),
      Math.round(p50Us),
      Math.round(p99Us),
      Number(cpuUs.toFixed(1)),
    ]),
    chart: callers === 1 ? { column: 'p50 us', unit: 'us', lowerIsBetter: true } : { column: 'gets/s', unit: 'gets/s' },
  };
}

function barsOf(bytes, callers, found) {
  const ours = found['nestjs-groupcache'];
  const bars = [];
  const at = `${bytes} B, ${callers} callers`;
  const compare = (rival, sign, bound) => {
    if (found[rival] === undefined) return;
    if (sign === '>=')
      bars.push({ what: `${at}: gets/s of ${rival}’s`, must: `>= ${bound}`, is: ratio(ours.rate, found[rival].rate) });
    else
      bars.push({ what: `${at}: p50 of ${rival}’s`, must: `<= ${bound}`, is: ratio(ours.p50Us, found[rival].p50Us) });
  };
  const [go, cacheManager] = ['Go groupcache', 'cache-manager + Redis'];
  const bounds = {
    '100/1': [
      [go, '<=', 0.95],
      [cacheManager, '<=', 1.1],
    ],
    '100/64': [
      [go, '>=', 8],
      [cacheManager, '>=', 1.2],
    ],
    '100/256': [
      [go, '>=', 20],
      [cacheManager, '>=', 1.6],
    ],
    '65536/64': [
      [go, '>=', 1.5],
      [cacheManager, '>=', 1.4],
    ],
  };
  for (const bound of bounds[`${bytes}/${callers}`] ?? []) compare(...bound);
  return bars;
}
