// bentocache: in memory (`memory`, or `serialized`, its default, which hands out a copy), or on the Redis whose URL is the first argument, with memory before it if there is a
// second argument, the number of its entries.
import { BentoCache, bentostore } from 'bentocache';
import { memoryDriver } from 'bentocache/drivers/memory';
import { redisDriver } from 'bentocache/drivers/redis';
import { askAll, drive, spin, stampede, zipfCommands } from '../harness/drive.mjs';
import { check, load } from '../harness/values.mjs';
import { obey } from '../harness/worker.mjs';

const [, , where, maxItems] = process.argv;
let store = bentostore();
const isLocal = where === 'memory' || where === 'serialized';
if (isLocal || maxItems !== undefined) {
  // Unserialized, it can't read what it has put into memory from Redis (1.6.1).
  const serialize = where !== 'memory';
  store = store.useL1Layer(memoryDriver({ serialize, maxItems: Number(maxItems ?? 1_000_000) }));
}
if (!isLocal) {
  const { hostname: host, port } = new URL(where);
  store = store.useL2Layer(redisDriver({ connection: { host, port: Number(port) } }));
}
const bento = new BentoCache({ default: 'values', stores: { values: store } });
let loads = 0;
const factoryOf = (key) => () => {
  loads++;
  return load(key);
};
const get = (key) => bento.getOrSet({ key, ttl: '1h', factory: factoryOf(key) });

await obey({
  async warm(keys) {
    for (const key of keys) check(key, await get(key));
  },
  drive: (all) => drive(get, all),
  fill: (keys) => askAll(get, keys, 64),
  ...zipfCommands(get),
  spin: (all) => spin(get, all),
  stampede: (all) => stampede(get, all),
  loads: () => loads,
});
