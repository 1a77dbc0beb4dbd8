import { create } from '@bufbuild/protobuf';
import { AnySchema, type Any } from '@bufbuild/protobuf/wkt';
import { protobufCodec } from '../../lib/codecs/protobuf-codec.js';
import {
  bytesCodec,
  ByteView,
  Group,
  promoteOneIn,
  textCodec,
  type PeerClient,
  type PeerPicker,
  type PeerReply,
  type PeerRequest,
} from '../../lib/core/index.js';
import { describe, expect, it } from 'vitest';
import { ENTRY_OVERHEAD_BYTES } from '../../lib/core/cache-entry.js';
import { crc32 } from '../../lib/core/crc32.js';
import { deferred } from './deferred.js';

// Go's groupcache_test.go, each test under its own name. Its byteview, consistenthash, lru and singleflight tests are in
// byte-view, hash-ring, byte-lru and single-flight. TestGroupStatsAlignment has no counterpart: it holds Go's atomic
// 64-bit counters to an 8-byte boundary, and ours are JavaScript numbers that one thread counts.

const cacheSize = 2 ** 20;

function createEcho(): { group: Group<string>; fills: () => number } {
  let fills = 0;
  const group = new Group<string>('string-group', (key) => (fills++, `ECHO:${key}`), {
    codec: textCodec,
    cacheBytes: cacheSize,
    eviction: 'lru',
  });
  return { group, fills: () => fills };
}

class FakePeer implements PeerClient {
  readonly url = 'http://fake';
  hits = 0;
  fails = false;

  get(request: PeerRequest): Promise<PeerReply> {
    this.hits++;
    if (this.fails) return Promise.reject(new Error('simulated error from peer'));
    return Promise.resolve({ outcome: 'value', value: ByteView.from(`got:${request.key}`), minuteQps: 0 });
  }
}

describe("Go's groupcache_test", () => {
  it('TestGetDupSuppressString: two outstanding callers share one run of the getter', async () => {
    const channel = deferred<string>();
    let fills = 0;
    const group = new Group<string>('string-group', async () => (fills++, `ECHO:${await channel.promise}`), {
      codec: textCodec,
    });

    const answers = Promise.all([group.get('from-chan'), group.get('from-chan')]);
    channel.resolve('foo');

    expect(await answers).toEqual(['ECHO:foo', 'ECHO:foo']);
    expect(fills).toBe(1);
  });

  it('TestGetDupSuppressProto: the same with messages', async () => {
    const channel = deferred<string>();
    let fills = 0;
    const group = new Group<Any>(
      'proto-group',
      async () => {
        fills++;
        return create(AnySchema, { typeUrl: `ECHO:${await channel.promise}`, value: Buffer.from('SOME-CITY') });
      },
      { codec: protobufCodec(AnySchema) },
    );

    const answers = Promise.all([group.get('from-chan'), group.get('from-chan')]);
    channel.resolve('Fluffy');

    const expected = create(AnySchema, { typeUrl: 'ECHO:Fluffy', value: new Uint8Array(Buffer.from('SOME-CITY')) });
    expect(await answers).toEqual([expected, expected]);
    expect(fills).toBe(1);
  });

  it('TestCaching: ten gets of a key fill the cache once', async () => {
    const { group, fills } = createEcho();

    for (let n = 0; n < 10; n++) expect(await group.get('TestCaching-key')).toBe('ECHO:TestCaching-key');

    expect(fills()).toBe(1);
  });

  it('TestCacheEviction: a key that others have pushed out is loaded again', async () => {
    const { group, fills } = createEcho();
    const getTenTimes = async (): Promise<number> => {
      const before = fills();
      for (let n = 0; n < 10; n++) await group.get('TestCacheEviction-key');
      return fills() - before;
    };
    expect(await getTenTimes()).toBe(1);

    for (let flooded = 0; flooded < cacheSize + 1024;) {
      const key = `dummy-key-${flooded}`;
      flooded += key.length + (await group.get(key))!.length;
    }

    expect(group.cacheStats('main').evictions).toBeGreaterThan(0);
    expect(await getTenTimes()).toBe(1);
  });

  it('TestPeers: asks each peer for its share; one that is away or fails is replaced by a load here', async () => {
    const peers = [new FakePeer(), new FakePeer(), new FakePeer()];
    const list: (PeerClient | undefined)[] = [...peers, undefined];
    const picker: PeerPicker = { pickPeer: (key) => list[crc32(key) % list.length] };
    let localHits = 0;
    // Go's coin with a seed of its own; here every tenth value is mirrored.
    let tosses = 0;
    const createTestGroup = (cacheBytes: number): Group<string> =>
      new Group<string>('TestPeers-group', (key) => (localHits++, `got:${key}`), {
        codec: textCodec,
        cacheBytes,
        peers: picker,
        promote: promoteOneIn(10, () => (tosses++ % 10) / 10),
      });
    const run = async (group: Group<string>): Promise<string> => {
      localHits = 0;
      for (const peer of peers) peer.hits = 0;
      for (let n = 0; n < 200; n++) expect(await group.get(`key-${n}`)).toBe(`got:key-${n}`);
      return `localHits = ${localHits}, peers = ${peers.map((peer) => peer.hits).join(' ')}`;
    };

    const caching = createTestGroup(cacheSize);
    expect(await run(caching), 'base').toBe('localHits = 49, peers = 51 49 51');
    expect(caching.cacheStats('hot').items).toBe(16);
    const cachedBase = await run(caching);
    expect(cachedBase, 'cached_base').toMatch(/^localHits = 0, peers = /);
    expect(peers.reduce((sum, peer) => sum + peer.hits, 0)).toBe(151 - 16);

    const uncached = createTestGroup(0);
    list[0] = undefined;
    expect(await run(uncached), 'one_peer_down').toBe('localHits = 100, peers = 0 49 51');
    list[0] = peers[0];
    peers[0]!.fails = true;
    expect(await run(uncached), 'peer0_failing').toBe('localHits = 100, peers = 51 49 51');
    expect(uncached.stats).toMatchObject({ peerErrors: 51, peerLoads: 200, localLoads: 200, gets: 400 });
  });

  it('TestTruncatingByteSliceTarget: fills a buffer as far as it goes', async () => {
    const { group } = createEcho();
    const buffer = Buffer.alloc(100);

    const length = await group.getInto('short', buffer);
    expect(buffer.toString('utf8', 0, length)).toBe('ECHO:short');
    const target = buffer.subarray(0, 6);

    expect(await group.getInto('truncated', target)).toBe(6);
    expect(target.toString()).toBe('ECHO:t');
  });

  it('TestAllocatingByteSliceTarget: what goes in, what is kept and what comes out share no memory', async () => {
    const source = Buffer.from('some bytes');
    const group = new Group<Buffer>('bytes', () => source, { codec: bytesCodec });

    const first = (await group.get('k'))!;
    expect(first.toString()).toBe('some bytes');
    source.fill(0);
    first.fill(1);

    expect((await group.getView('k'))!.toString()).toBe('some bytes');
    expect((await group.get('k'))!.toString()).toBe('some bytes');
  });

  it('TestNoDedup: loads that single-flight could not join leave one entry, counted once', async () => {
    // A load for the peer that asks and one in the place of a peer that fails run under different flights.
    const reply = deferred<PeerReply>();
    const createTestGroup = (): Group<string> =>
      new Group<string>('testgroup', () => 'testval', {
        codec: textCodec,
        cacheBytes: 1024,
        eviction: 'lru',
        peers: { pickPeer: () => ({ url: 'http://fake', get: () => reply.promise }) },
      });
    const [together, apart] = [createTestGroup(), createTestGroup()];
    const both = Promise.all([together.get('testkey'), together.serve('testkey')]);
    const late = apart.get('testkey');
    await apart.serve('testkey');

    reply.reject(new Error('gone'));
    await both;
    expect(await late).toBe('testval');

    for (const one of [together, apart]) {
      expect(one.cacheStats('main')).toMatchObject({ items: 1, bytes: 'testkey'.length + 'testval'.length });
      expect(one.cacheStats('hot').items).toBe(0);
      expect(one.footprint).toBe('testkeytestval'.length + ENTRY_OVERHEAD_BYTES);
    }
  });
});
