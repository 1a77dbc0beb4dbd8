// What grows from 2 to 1,000 peers?
//
// The real ring and the real group, without sockets: rings of both kinds, and peers that ask each other over
// `InMemoryNetwork`, each get at a random one of them, keys by Zipf 0.9. Connections and pings are computed, not
// measured: every pair of peers has one link, which both ping every 10 s.
import { HashRing, ringOptions, textCodec } from 'nestjs-groupcache/core';
import { InMemoryNetwork } from 'nestjs-groupcache/testing';
import { ask, ratio } from './harness/question.mjs';
import { rounds as runRounds } from './harness/rounds.mjs';
import { check, keysOf, valueOf } from './harness/values.mjs';
import { randomOf, zipf } from './harness/zipf.mjs';

const keys = keysOf('text', 100, 20_000);
/** More where each newcomer gets few. */
const manyKeys = keysOf('text', 100, 200_000);
const pingEveryS = 10;
const joins = 5;

await ask(import.meta, 'What grows from 2 to 1,000 peers?', async ({ ms, rounds, isShort }) => {
  // A thousand peers take seconds to build.
  const sizes = isShort ? [2, 3, 10, 64] : [2, 3, 10, 64, 100, 1_000];
  const lookups = {};
  const ringRows = [];
  for (const kind of ['golang', 'balanced']) {
    for (const size of sizes) {
      const peers = urlsOf(size);
      const options = ringOptions(kind);
      if ((size + joins) * options.replicas > 2 ** 21) continue;
      const ring = new HashRing(peers, options);
      const { found } = await runRounds({ found: () => measure(peers, options, ms / 4) }, rounds);
      const moved = movedOf(ring, size, options);
      lookups[`${kind} ${size}`] = { ...found, moved };
      ringRows.push([kind, size, ...[found.lookupNs, found.buildMs, moved].map((figure) => Number(figure.toFixed(2)))]);
    }
  }
  const clusterRows = [];
  for (const size of isShort ? [2, 10] : [2, 10, 100, 1_000])
    clusterRows.push(await simulate(size, isShort ? 2_000 : 50_000));
  const largest = (kind) => Math.max(...sizes.map((size) => lookups[`${kind} ${size}`]?.moved ?? 0));
  const bars = [
    {
      what: 'golang: lookup at 1,000 peers of that at 2',
      must: '<= 2',
      is: ratio(lookups['golang 1000']?.lookupNs, lookups['golang 2'].lookupNs),
    },
    { what: 'balanced: keys moved of the ideal, the most', must: '<= 1.1', is: Number(largest('balanced').toFixed(2)) },
  ];
  const tables = [
    { title: 'The ring', columns: ['ring', 'peers', 'lookup ns', 'build ms', 'moved / ideal'], rows: ringRows },
    {
      title: 'The cluster',
      columns: ['peers', 'loads a key', 'questions a get', 'connections (computed)', 'pings/s a peer (computed)'],
      rows: clusterRows,
    },
  ];
  return { tables, bars: isShort ? [] : bars };
});

function urlsOf(count) {
  return Array.from({ length: count }, (_, index) => `http://10.0.${index >> 8}.${index & 255}:8080`);
}

function measure(peers, options, ms) {
  const builtMs = performance.now();
  const ring = new HashRing(peers, options);
  const buildMs = performance.now() - builtMs;
  const startMs = performance.now();
  let lookups = 0;
  while (performance.now() - startMs < ms) {
    for (const key of keys) if (ring.ownerOf(key) === undefined) throw new Error(`${key} has no owner`);
    lookups += keys.length;
  }
  return { lookupNs: ((performance.now() - startMs) * 1e6) / lookups, buildMs };
}

/** Of the ideal, the mean of several that join, each alone. A key may only move to who has come. */
function movedOf(ring, size, options) {
  let moved = 0;
  for (let join = 0; join < joins; join++) {
    const newcomer = `http://10.1.0.${join}:8080`;
    const after = new HashRing([...ring.peers, newcomer], options);
    for (const key of manyKeys) {
      const owner = after.ownerOf(key);
      if (owner === ring.ownerOf(key)) continue;
      if (owner !== newcomer) throw new Error(`${key} went to ${owner}`);
      moved++;
    }
  }
  return (moved / joins / manyKeys.length) * (size + 1);
}

async function simulate(size, gets) {
  const network = new InMemoryNetwork();
  let loads = 0;
  const groups = urlsOf(size).map((url) =>
    network.addPeer(url).groups.define('values', (key) => (loads++, valueOf(key)), { codec: textCodec }),
  );
  const random = randomOf(1);
  const draw = zipf(keys.length, 0.9, random);
  const asked = new Set();
  for (let done = 0; done < gets; done += 64) {
    await Promise.all(
      Array.from({ length: 64 }, async () => {
        const key = keys[draw()];
        asked.add(key);
        check(key, await groups[Math.floor(random() * size)].get(key));
      }),
    );
  }
  if (loads !== asked.size) throw new Error(`${loads} loads of ${asked.size} keys`);
  const all = Math.ceil(gets / 64) * 64;
  return [
    size,
    loads / asked.size,
    Number((network.questions / all).toFixed(3)),
    (size * (size - 1)) / 2,
    Number(((size - 1) / pingEveryS).toFixed(1)),
  ];
}
