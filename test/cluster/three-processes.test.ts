import { afterEach, describe, expect, it } from 'vitest';
import { startPeerProcess, type PeerProcess, type PeerProcessOptions } from './peer-process.js';

const running: PeerProcess[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((peer) => peer.stop('SIGKILL')));
});

async function startPeers(count: number, options: PeerProcessOptions = {}): Promise<PeerProcess[]> {
  const peers = await Promise.all(Array.from({ length: count }, () => startPeerProcess(options)));
  running.push(...peers);
  return peers;
}

async function startCluster(count: number, options: PeerProcessOptions = {}): Promise<PeerProcess[]> {
  const peers = await startPeers(count, options);
  for (const peer of peers) await peer.set(...peers.map(({ url }) => url));
  return peers;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

describe('A cluster of three processes', () => {
  it('runs the getter once for 1,000 concurrent callers of a cold key in each', { timeout: 60_000 }, async () => {
    const peers = await startCluster(3, { loadMs: 50, pool: { auth: { secret: 'a secret of the peers' } } });

    const outcomes = await Promise.all(peers.map((peer) => peer.stampede('ACME', 1_000)));

    expect(outcomes).toEqual(peers.map(() => ({ values: ['value of ACME'], errors: [] })));
    const loads = await Promise.all(peers.map((peer) => peer.loads()));
    expect(sum(loads.map(({ ACME = 0 }) => ACME))).toBe(1);
    const stats = await Promise.all(peers.map((peer) => peer.stats()));
    expect(sum(stats.map(({ localLoads }) => localLoads))).toBe(1);
    expect(sum(stats.map(({ peerLoads }) => peerLoads))).toBe(2);
    expect(sum(stats.map(({ peerErrors }) => peerErrors))).toBe(0);
    for (const { gets, cacheHits, loads: missed } of stats) expect(gets - cacheHits).toBe(missed);
  });

  it('answers where two peers take each other for the owner of every key', { timeout: 60_000 }, async () => {
    const [one, other] = await startPeers(2, { loadMs: 50, group: { loadTimeout: '5s' } });
    await one!.set(other!.url);
    await other!.set(one!.url);
    expect(await one!.owners(['ACME'])).toEqual([other!.url]);
    expect(await other!.owners(['ACME'])).toEqual([one!.url]);

    const beganAt = performance.now();
    const outcomes = await Promise.all([one!.stampede('ACME', 100), other!.stampede('ACME', 100)]);

    expect(outcomes).toEqual([one, other].map(() => ({ values: ['value of ACME'], errors: [] })));
    expect(performance.now() - beganAt).toBeLessThan(5_000);
    // Each was asked by the other, and by nobody else: no question was passed on.
    for (const peer of [one!, other!]) expect(await peer.stats()).toMatchObject({ serverRequests: 1, localLoads: 1 });
  });

  it('loads elsewhere, without an error to callers, what a killed peer owned', { timeout: 60_000 }, async () => {
    const peers = await startCluster(3, { loadMs: 50, group: { cacheBytes: 0, loadTimeout: '5s' } });
    const [one, other, victim] = peers;
    const keys = Array.from({ length: 200 }, (_, index) => `key ${index}`);
    const owners = await one!.owners(keys);
    const orphans = keys.filter((_, index) => owners[index] === victim!.url);
    expect(orphans.length).toBeGreaterThan(20);
    const values = keys.map((key) => `value of ${key}`);

    // Killed with questions to it under way, and asked for once more when it is gone.
    const meanwhile = [one!.getMany(keys), other!.getMany(keys)];
    const asked = async (): Promise<boolean> => (await victim!.stats()).serverRequests > 0;
    while (!(await asked()));
    await victim!.stop('SIGKILL');

    expect(await Promise.all(meanwhile)).toEqual([values, values]);
    expect(await Promise.all([one!.getMany(keys), other!.getMany(keys)])).toEqual([values, values]);
    expect(await victim!.ended).toEqual({ code: null, signal: 'SIGKILL' });
    const loads = { ...(await one!.loads()), ...(await other!.loads()) };
    expect(loads).toMatchObject(Object.fromEntries(orphans.map((key) => [key, expect.any(Number)])));
    expect((await one!.stats()).peerErrors + (await other!.stats()).peerErrors).toBeGreaterThan(0);
  });
});
