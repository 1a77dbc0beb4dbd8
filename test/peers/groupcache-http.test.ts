// Go's groupcache http_test.go, for ours.
import { GroupRegistry, textCodec } from 'nestjs-groupcache/core';
import { HttpPool } from 'nestjs-groupcache/peers';
import { afterAll, describe, expect, it } from 'vitest';
import { startPeerProcess, type PeerProcess } from '../cluster/peer-process.js';

const CHILDREN = 4;
const GETS = 100;

const running: PeerProcess[] = [];
afterAll(async () => {
  await Promise.all(running.map((peer) => peer.stop('SIGKILL')));
});

describe('TestHTTPPool', () => {
  it('gets 100 keys from 4 child processes, none from the process that asks', { timeout: 60_000 }, async () => {
    running.push(...(await Promise.all(Array.from({ length: CHILDREN }, () => startPeerProcess()))));
    const urls = running.map(({ url }) => url);
    for (const child of running) await child.set(...urls);
    // As in the original, the asking process is not among the peers, and its getter fails.
    const pool = new HttpPool({ self: 'http://should-be-ignored', auth: 'none' });
    pool.set(...urls);
    const groups = new GroupRegistry({ peers: pool });
    const group = groups.define('prices', (key) => Promise.reject(new Error(`unexpectedly loads ${key} itself`)), {
      codec: textCodec,
      cacheBytes: 1 << 20,
    });

    const keys = Array.from({ length: GETS }, (_, index) => String(index));
    for (const key of keys) expect(await group.get(key)).toBe(`value of ${key}`);

    const loads = await Promise.all(running.map((child) => child.loads()));
    expect(loads.flatMap((byKey) => Object.keys(byKey)).toSorted()).toEqual(keys.toSorted());
    expect(loads.every((byKey) => Object.keys(byKey).length > 0)).toBe(true);
    expect(group.stats).toMatchObject({ gets: GETS, peerLoads: GETS, localLoads: 0, peerErrors: 0 });
    await pool.close();
  });
});
