// A bare client of the Redis whose URL is the first argument: what any cache on Redis can't beat from Node.
import { createClient } from '@redis/client';
import { drive } from '../harness/drive.mjs';
import { check, valueOf } from '../harness/values.mjs';
import { obey } from '../harness/worker.mjs';

const client = await createClient({ url: process.argv[2] }).connect();
const get = (key) => client.get(key);

await obey({
  async warm(keys) {
    for (const key of keys) {
      await client.set(key, valueOf(key));
      check(key, await get(key));
    }
  },
  drive: (load) => drive(get, load),
});
