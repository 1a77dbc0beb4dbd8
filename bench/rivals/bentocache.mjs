// bentocache: in memory (`memory`), or on the Redis whose URL is the first argument, with memory before it if there is a
// second argument, the number of its entries.
import { BentoCache, bentostore } from 'bentocache';
import { memoryDriver } from 'bentocache/drivers/memory';
import { redisDriver } from 'bentocache/drivers/redis';
import { askAll, drive, zipfCommands } from '../harness/drive.mjs';
import { check, valueOf } from '../harness/values.mjs';
import { obey } from '../harness/worker.mjs';

const [, , where, maxItems] = process.argv;
let store = bentostore();
// Before Redis, values that are not serialized are texts that bentocache fails to read.
if (where === 'memory' || maxItems !== undefined) {
  store = store.useL1Layer(memoryDriver({ serialize: where !== 'memory', maxItems: Number(maxItems ?? 1_000_000) }));
}
if (where !== 'memory') {
  const { hostname: host, port } = new URL(where);
  store = store.useL2Layer(redisDriver({ connection: { host, port: Number(port) } }));
}
const bento = new BentoCache({ default: 'values', stores: { values: store } });
let loads = 0;
const loadValue = async (key) => {
  loads++;
  return valueOf(key);
};
const get = (key) => bento.getOrSet({ key, ttl: '1h', factory: () => loadValue(key) });

await obey({
  async warm(keys) {
    for (const key of keys) check(key, await get(key));
  },
  drive: (load) => drive(get, load),
  fill: (keys) => askAll(get, keys, 64),
  ...zipfCommands(get),
  stats: () => ({ loadedHere: loads }),
});
