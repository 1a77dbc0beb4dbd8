// A bare lru-cache: what holds values, and nothing that loads or counts them.
import { LRUCache } from 'lru-cache';
import { spin } from '../harness/drive.mjs';
import { check, valueOf } from '../harness/values.mjs';
import { obey } from '../harness/worker.mjs';

const cache = new LRUCache({ max: 20_000 });

await obey({
  async warm(keys) {
    for (const key of keys) {
      if (!cache.has(key)) cache.set(key, valueOf(key));
      check(key, cache.get(key));
    }
  },
  spin: (all) => spin((key) => cache.get(key), all),
  loads: () => 0,
});
