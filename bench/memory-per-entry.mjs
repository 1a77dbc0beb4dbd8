// How much does a process grow by for each entry, and is that what the group says that it takes?
//
// Each in a process of its own, after forced collections: heap and what is outside of it. Keys of 20 characters. The last
// one is filled by a peer over a link, to show that nothing of the sockets' chunks is kept; Go by its own HeapAlloc, with
// keys of 8 to 15 characters.
import { bytesCodec, Group, GroupRegistry, jsonCodec, promoteAlways, textCodec } from 'nestjs-groupcache/core';
import { HttpPool, PeerListener, PeerServer } from 'nestjs-groupcache/peers';
import { ask, ratio } from './harness/question.mjs';
import { valueOf } from './harness/values.mjs';
import { obey, startWorker } from './harness/worker.mjs';
import { goProgram } from './rivals/subjects.mjs';

const kinds = {
  'text, 100 B': { codec: textCodec, prefix: 'text-100', entries: 1_000_000 },
  'bytes, 100 B': { codec: bytesCodec, prefix: 'bytes-100', entries: 1_000_000 },
  'JSON objects of 1 KB, decoded': { codec: jsonCodec, prefix: 'json-1000', entries: 100_000 },
  'text, 100 B, from a peer': { codec: textCodec, prefix: 'text-100', entries: 250_000, isFromPeer: true },
};

const keyOf = (prefix, number) => `${prefix}-${String(number).padStart(20 - prefix.length - 1, '0')}`;
const cacheBytes = '8GiB';

function collect() {
  for (let round = 0; round < 4; round++) globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Fills a group and tells what it and the process hold. */
async function fill(group, { prefix }, entries, cache) {
  const before = collect();
  const fillFrom = async (start) => {
    for (let number = start; number < entries; number += 64) await group.get(keyOf(prefix, number));
  };
  await Promise.all(Array.from({ length: 64 }, (_, start) => fillFrom(start)));
  await new Promise((resolve) => setTimeout(resolve, 50));
  const grown = collect() - before;
  const { bytes, items } = group.cacheStats(cache);
  if (items !== entries) throw new Error(`${items} of ${entries} entries were kept`);
  return { grown, bytes, footprint: group.footprint };
}

async function serve(name) {
  const { codec, isFromPeer = false } = kinds[name];
  if (!isFromPeer) {
    const group = new Group('values', valueOf, { codec, cacheBytes });
    return obey({ fill: (entries) => fill(group, kinds[name], entries, 'main') });
  }
  // Who asks owns nothing, and so is sent everything.
  const pool = new HttpPool({ role: 'client', auth: 'none' });
  const groups = new GroupRegistry({ peers: pool });
  const group = groups.define('values', valueOf, { codec, cacheBytes, promote: promoteAlways });
  return obey({
    fill: (entries) => fill(group, kinds[name], entries, 'hot'),
    async linkTo(url) {
      pool.set(url);
      await group.get('text-100-first');
      while (!pool.links.to(url)?.isOpen) await new Promise((resolve) => setTimeout(resolve, 5));
      group.dropMemory();
    },
  });
}

async function own() {
  const pool = new HttpPool({ self: 'later', auth: 'none' });
  const groups = new GroupRegistry({ peers: pool });
  groups.define('values', valueOf, { codec: textCodec, cacheBytes: 0 });
  const listener = new PeerListener(new PeerServer({ pool, groups }));
  const { port } = await listener.listen({ port: 0, host: '127.0.0.1' });
  pool.join(`http://127.0.0.1:${port}`);
  // A client is nobody's peer; without another one nothing is served.
  pool.set(pool.self, 'http://127.0.0.1:1');
  await obey({ url: () => pool.self });
}

const [, , command, argument] = process.argv;
if (command === 'serve') await serve(argument);
else if (command === 'own') await own();
else {
  await ask(import.meta, 'How much does a process grow by for each entry?', async ({ isShort }) => {
    const rows = [];
    const bars = [];
    for (const [name, { entries, isFromPeer = false }] of Object.entries(kinds)) {
      const worker = await startWorker('memory-per-entry.mjs', ['serve', name], { nodeFlags: ['--expose-gc'] });
      const owner = isFromPeer ? await startWorker('memory-per-entry.mjs', ['own']) : undefined;
      if (owner !== undefined) await worker.call('linkTo', await owner.call('url'));
      const count = isShort ? entries / 100 : entries;
      const { grown, bytes, footprint } = await worker.call('fill', count);
      await Promise.all([worker.stop(), owner?.stop()]);
      const each = [grown, bytes, footprint].map((sum) => Math.round(sum / count));
      rows.push([name, count, ...each, ratio(grown, footprint)]);
      bars.push({ what: `${name}: growth of the footprint reported`, must: '<= 1.3', is: ratio(grown, footprint) });
      if (!name.startsWith('JSON')) {
        bars.push({ what: `${name}: bytes an entry beside key and value`, must: '<= 250', is: each[0] - each[1] });
      }
    }
    const go = await goGrowth(isShort ? 10_000 : 1_000_000);
    if (go !== undefined) rows.push(['Go groupcache, text, 100 B', ...go]);
    const columns = ['', 'entries', 'growth, B', 'keys and values, B', 'footprint reported, B', 'growth / footprint'];
    return { tables: [{ title: 'Bytes an entry', columns, rows }], bars: isShort ? [] : bars };
  });
}

async function goGrowth(entries) {
  const binary = await goProgram();
  if (binary === undefined) return undefined;
  const worker = await startWorker(binary, [8e9, 0]);
  const before = await worker.call('memory');
  await worker.call('fill', { kind: 'text', bytes: 100, count: entries });
  const after = await worker.call('memory');
  await worker.stop();
  if (after.items !== entries) throw new Error(`Go kept ${after.items} of ${entries} entries`);
  const grown = after.heapBytes - before.heapBytes;
  return [entries, Math.round(grown / entries), Math.round(after.bytes / entries), '', ''];
}
