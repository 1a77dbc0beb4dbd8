// async-cache-dedupe in memory, with room for all keys.
import { createCache } from 'async-cache-dedupe';
import { spin } from '../harness/drive.mjs';
import { check, load } from '../harness/values.mjs';
import { obey } from '../harness/worker.mjs';

let loads = 0;
const cache = createCache({ ttl: 3_600, storage: { type: 'memory', options: { size: 1_000_000 } } });
cache.define('value', (key) => {
  loads++;
  return load(key);
});
const get = (key) => cache.value(key);

await obey({
  async warm(keys) {
    for (const key of keys) check(key, await get(key));
  },
  spin: (all) => spin(get, all),
  loads: () => loads,
});
