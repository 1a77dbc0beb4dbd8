import { afterEach, describe, expect, it } from 'vitest';
import { startPeerProcess, type PeerProcess, type PeerProcessOptions } from '../cluster/peer-process.js';
import { buildGoPeer } from './build-go-peer.mjs';
import { startGoPeer, type GoPeer, type GoPeerOptions } from './go-peer.mjs';

const binary = await buildGoPeer();
if (binary === undefined) {
  const missing = 'Skipped: real Go peers need apt-get install golang-go golang-github-golang-groupcache-dev';
  if (process.env.CI !== undefined) throw new Error(missing);
  console.warn(missing);
}

const running: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((peer) => peer.stop()));
});

async function startGo(options: GoPeerOptions = {}): Promise<GoPeer> {
  const peer = await startGoPeer({ binary, ...options });
  running.push(peer);
  return peer;
}

async function startOurs({ pool, ...options }: PeerProcessOptions = {}): Promise<PeerProcess> {
  const peer = await startPeerProcess({ fixture: 'nest-peer', ...options, pool: { goPeers: true, ...pool } });
  running.push(peer);
  return peer;
}

/** Tells all peers the same list, in the order in which ours adds it. */
async function join(peers: readonly (GoPeer | PeerProcess)[]): Promise<void> {
  const urls = peers.map(({ url }) => url).toSorted();
  for (const peer of peers) await peer.set(...urls);
}

/** 2,000 keys, none of them twice: odd ones as they are, before others and after others. */
function manyKeys(): string[] {
  const odd = ['', ' ', '+', '%', '/', '//', '.', '..', '../x', '/a/../b//c/./d', 'a b', 'a+b', 'a%20b', '%2F', '%zz'];
  const more = [
    '?',
    '#',
    '&=;',
    '"<>\\^`{|}',
    "!*'()",
    '\t\r\n',
    '\u0000',
    'é',
    'e\u0301',
    '日本',
    '🦊',
    '👩‍👩‍👧‍👦',
    '__proto__',
  ];
  const long = Array.from({ length: 50 }, (_, index) => `${index} long/key+`.padEnd(2048, 'long key/'));
  const keys = new Set([...odd, ...more, ...long]);
  const signs = [...odd, ...more];
  for (let index = 0; keys.size < 2_000; index++) {
    const sign = signs[index % signs.length]!;
    keys.add(index % (2 * signs.length) < signs.length ? `key ${index}${sign}` : `${sign}${index}`);
  }
  return [...keys];
}

async function eachOf<Item, Result>(items: readonly Item[], run: (item: Item) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  for (let start = 0; start < items.length; start += 32) {
    results.push(...(await Promise.all(items.slice(start, start + 32).map(run))));
  }
  return results;
}

/** Whether Go's ServeMux would answer the path of `key` by a redirect to another one. */
const isCleaned = (key: string): boolean => /\/\/|\/\.\.?(?:\/|$)/.test(`/${key}`);

const valueOf = (key: string): string => `value of ${key}`;

/** A key of each owner that `accepts`. */
async function keysOf(
  peer: PeerProcess,
  owner: string,
  accepts = (key: string) => key.startsWith('key'),
): Promise<string[]> {
  const keys = manyKeys().filter(accepts);
  const owners = await peer.owners(keys);
  return keys.filter((_, index) => owners[index] === owner);
}

describe.skipIf(binary === undefined)('A ring of Go peers and ours', () => {
  it.each(['express', 'fastify'] as const)('answers 2,000 keys, two of each, ours on %s', async (adapter) => {
    const ours = [await startOurs({ adapter }), await startOurs({ adapter })];
    const go = [await startGo(), await startGo()];
    await join([...ours, ...go]);
    const keys = manyKeys();
    expect(keys.length).toBe(2_000);

    // Every one agrees on the owner of every key.
    const owners = await go[0]!.owners(keys);
    for (const peer of [go[1]!, ...ours]) expect(await peer.owners(keys)).toEqual(owners);
    for (const { url } of [...ours, ...go]) expect(owners.filter((owner) => owner === url).length).toBeGreaterThan(50);
    const isOfGo = (index: number): boolean => go.some(({ url }) => url === owners[index]);

    // A get at any of ours, twice: from memory, from the other one of ours, from Go.
    for (const peer of [...ours, ...ours]) expect(await peer.getMany(keys)).toEqual(keys.map(valueOf));

    // A Go client's get of a key that one of ours owns.
    const keysOfOurs = keys.filter((_, index) => !isOfGo(index));
    for (const peer of go) {
      const values = await eachOf(keysOfOurs, async (key) => (await peer.get(key)).toString());
      expect(values).toEqual(keysOfOurs.map(valueOf));
    }

    // Nothing was loaded but by its owner, and there once.
    const expectedLoads = (peer: GoPeer | PeerProcess): Map<string, number> =>
      new Map(keys.filter((_, index) => owners[index] === peer.url).map((key) => [key, 1]));
    for (const peer of ours) {
      expect(new Map(Object.entries(await peer.loads()))).toEqual(expectedLoads(peer));
      expect(await peer.stats()).toMatchObject({ peerErrors: 0, localLoadErrs: 0 });
      expect(peer.complaints()).toBe('');
    }
    for (const peer of go) {
      expect(await peer.loads()).toEqual(expectedLoads(peer));
      expect((await peer.stats()).PeerErrors).toBe(0);
    }

    // Where Go itself is wrong: what it asks of Go with a space arrives with a plus.
    const spaced = keys.filter((key, index) => key.includes(' ') && owners[index] === go[1]!.url);
    expect(spaced.length).toBeGreaterThan(20);
    const values = await eachOf(spaced, async (key) => (await go[0]!.get(key)).toString());
    expect(values).toEqual(spaced.map((key) => valueOf(key.replaceAll(' ', '+'))));
    // Even then, nothing is loaded twice by ours.
    for (const peer of ours) expect(new Set(Object.values(await peer.loads()))).toEqual(new Set([1]));
  });

  it('gives a failing load to its callers, whoever owns the key', async () => {
    const [ours, go] = [await startOurs(), await startGo()];
    await join([ours, go]);
    const keys = Array.from({ length: 40 }, (_, index) => `fail:${index}`);
    const owners = await ours.owners(keys);
    for (const owner of [ours, go]) {
      const key = keys[owners.indexOf(owner.url)]!;
      await expect(ours.get(key)).rejects.toThrow(`no value for ${key}`);
      await expect(go.get(key)).rejects.toThrow(`no value for ${key}`);
    }
  });

  it('loads by ourselves the keys that a Go peer on a ServeMux redirects', async () => {
    const [ours, go] = [await startOurs(), await startGo({ mux: true })];
    await join([ours, go]);
    const cleaned = await keysOf(ours, go.url, isCleaned);
    const plain = await keysOf(ours, go.url, (key) => !isCleaned(key));
    expect(cleaned.length).toBeGreaterThan(50);
    expect(plain.length).toBeGreaterThan(500);

    expect(await ours.getMany([...cleaned, ...plain])).toEqual([...cleaned, ...plain].map(valueOf));

    expect(Object.keys(await ours.loads()).toSorted()).toEqual(cleaned.toSorted());
    expect([...(await go.loads()).keys()].toSorted()).toEqual(plain.toSorted());
    expect(await ours.stats()).toMatchObject({ peerErrors: cleaned.length, peerLoads: plain.length });
  });

  it('answers a Go peer that signs by its Transport, and lets one that does not load by itself', async () => {
    const secret = 'a secret of the peers';
    const ours = await startOurs({ pool: { auth: { secret } } });
    const [signing, silent] = [await startGo({ secret }), await startGo()];
    await join([ours, signing, silent]);
    const [key, ...more] = await keysOf(ours, ours.url);
    expect(more.length).toBeGreaterThan(20);

    for (const one of [key!, ...more]) expect((await signing.get(one)).toString()).toBe(valueOf(one));
    expect((await signing.loads()).size).toBe(0);
    expect(await signing.stats()).toMatchObject({ PeerErrors: 0, PeerLoads: more.length + 1 });
    expect((await ours.stats()).serverRequests).toBe(more.length + 1);

    expect((await silent.get(key!)).toString()).toBe(valueOf(key!));
    expect([...(await silent.loads())]).toEqual([[key, 1]]);
    expect((await silent.stats()).PeerErrors).toBe(1);
    expect((await ours.stats()).serverRequests).toBe(more.length + 1);
    const refused = await fetch(`${ours.url}/_groupcache/prices/a`);
    expect([refused.status, refused.headers.get('x-groupcache-failure')]).toEqual([401, 'unauthorized']);
    // Go does not verify what it is asked.
    const [ofGo] = await keysOf(ours, silent.url);
    expect(await ours.get(ofGo!)).toBe(valueOf(ofGo!));
  });
});
