// What does each further link cost?
//
// 64 callers of one process ask in turn for keys that 1, 4, 16 or 32 other peers own, each over a link of its own: the less
// goes over one link, the less goes out in one write. The peers are in one process, each with its own port and pool; they
// are warm, and nothing is kept by who asks. CPU is that of both processes.
import { GroupRegistry, promoteNever, textCodec } from 'nestjs-groupcache/core';
import { HttpPool, PeerListener, PeerServer } from 'nestjs-groupcache/peers';
import { drive } from './harness/drive.mjs';
import { ask, ratio } from './harness/question.mjs';
import { rounds as runRounds } from './harness/rounds.mjs';
import { check, keysOf, valueOf } from './harness/values.mjs';
import { obey, startWorker } from './harness/worker.mjs';
import { driveWith } from './rivals/subjects.mjs';

const callers = 64;
const keys = keysOf('text', 100, 4_000);

/** So many peers in this process, told of each other and of who asks. */
async function serve(count) {
  const peers = [];
  for (let index = 0; index < count; index++) {
    const pool = new HttpPool({ self: 'later', auth: { secret: 'of the benchmarks' } });
    const groups = new GroupRegistry({ peers: pool });
    const group = groups.define('values', valueOf, { codec: textCodec, promote: promoteNever });
    const listener = new PeerListener(new PeerServer({ pool, groups }));
    const { port } = await listener.listen({ port: 0, host: '127.0.0.1' });
    pool.join(`http://127.0.0.1:${port}`);
    peers.push({ pool, group });
  }
  const urls = peers.map(({ pool }) => pool.self);
  await obey({
    urls: () => urls,
    set(...others) {
      for (const { pool } of peers) pool.set(...urls, ...others);
    },
    owned: () => keys.filter((key) => urls.includes(peers[0].pool.ownerOf(key))),
    async warm() {
      for (const { pool, group } of peers) {
        for (const key of keys) if (pool.ownerOf(key) === pool.self) check(key, await group.get(key));
      }
    },
    serverRequests: () => peers.reduce((sum, { group }) => sum + group.stats.serverRequests, 0),
    async askFor(url, wanted) {
      const { pool, group } = peers.find((peer) => peer.pool.self === url);
      for (const key of wanted) check(key, await group.get(key));
      const others = new Set(wanted.map((key) => pool.ownerOf(key)));
      while (![...others].every((other) => pool.links.to(other)?.isOpen)) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      return others.size;
    },
    drive: (load) => drive((key) => peers[0].group.get(key), load),
  });
}

if (process.argv[2] === 'serve') await serve(Number(process.argv[3]));
else {
  await ask(import.meta, 'What does each further link cost?', async ({ ms, rounds, isShort }) => {
    const runs = {};
    for (const links of [1, 4, 16, 32]) {
      const [asker, owners] = await Promise.all(
        [1, links].map((count) => startWorker('many-links.mjs', ['serve', count])),
      );
      const [[self], urls] = await Promise.all([asker.call('urls'), owners.call('urls')]);
      await Promise.all([asker.call('set', ...urls), owners.call('set', self)]);
      const owned = await owners.call('owned');
      await owners.call('warm');
      const linked = await asker.call('askFor', self, owned);
      if (linked !== links) throw new Error(`${linked} links of ${links}`);
      runs[links] = async () => {
        const before = await owners.call('serverRequests');
        const found = await driveWith(asker, [owners], { keys: owned, callers, ms });
        if ((await owners.call('serverRequests')) === before) throw new Error('nothing has crossed');
        return found;
      };
    }
    const found = await runRounds(runs, rounds);
    const table = {
      title: `${callers} callers`,
      columns: ['links', 'gets/s', 'p50 us', 'p99 us', 'CPU us/get'],
      rows: Object.entries(found).map(([links, { rate, p50Us, p99Us, cpuUs }]) => [
        Number(links),
        Math.round(rate),
        Math.round(p50Us),
        Math.round(p99Us),
        Number(cpuUs.toFixed(1)),
      ]),
    };
    const bar = {
      what: 'CPU a get over 32 links of that over 1',
      must: '<= 3',
      is: ratio(found[32].cpuUs, found[1].cpuUs),
    };
    return { tables: [table], bars: isShort ? [] : [bar] };
  });
}
