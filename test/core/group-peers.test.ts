import { AsyncLocalStorage } from 'node:async_hooks';
import {
  ByteView,
  ENTRY_OVERHEAD_BYTES,
  Group,
  LoadFailedError,
  LoadTimeoutError,
  PeerError,
  promoteAlways,
  promoteNever,
  textCodec,
  UndecodableValueError,
  ValueTooLargeError,
  type Getter,
  type GroupOptions,
  type GroupStats,
  type PeerReply,
  type PeerRequest,
  type PromotionCandidate,
} from '../../lib/core/index.js';
import { describe, expect, it, vi } from 'vitest';
import { ManualClock } from '../../lib/testing/manual-clock.js';
import { deferred, reactions, stateOf } from './deferred.js';

const ownerUrl = 'http://10.0.0.2:3000';

function value(text: string, minuteQps = 0): PeerReply {
  return { outcome: 'value', value: ByteView.from(text), minuteQps };
}

/** A group of texts in a process that owns the keys that begin with "own", and asks a peer for the others. */
function createGroup(
  ask: (request: PeerRequest) => Promise<PeerReply>,
  options: GroupOptions<string> & { getter?: Getter<string> } = {},
): Group<string> {
  const { getter = (key: string) => `here:${key}`, ...rest } = options;
  return new Group('prices', getter, {
    codec: textCodec,
    promote: promoteNever,
    clock: new ManualClock(),
    peers: { pickPeer: (key) => (key.startsWith('own') ? undefined : { url: ownerUrl, get: ask }) },
    ...rest,
  });
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}

/** What must be true whenever no load is under way and none was abandoned while a peer was being asked. */
function expectSums(stats: GroupStats): void {
  expect(stats.gets).toBe(stats.cacheHits + stats.loads);
  expect(stats.loadsDeduped).toBe(stats.peerLoads + stats.peerLoadErrs + stats.localLoads + stats.localLoadErrs);
}

describe('Group.get of a key that a peer owns', () => {
  it('asks the owner, by group, key and the deadline with its grace', async () => {
    const requests: PeerRequest[] = [];
    const group = createGroup((request) => (requests.push(request), Promise.resolve(value('there'))), {
      loadTimeout: '5s',
    });

    expect(await group.get('k')).toBe('there');
    expect(requests).toMatchObject([{ group: 'prices', key: 'k', timeoutMs: 6000 }]);
    expect(group.stats).toMatchObject({ gets: 1, loads: 1, loadsDeduped: 1, peerLoads: 1, localLoads: 0 });
    expectSums(group.stats);
  });

  it('loads its own keys itself', async () => {
    const group = createGroup(() => Promise.reject(new Error('was asked')));

    expect(await group.get('own')).toBe('here:own');
    expect(group.cacheStats('main').items).toBe(1);
  });

  it('asks once for all that ask meanwhile', async () => {
    const reply = deferred<PeerReply>();
    let questions = 0;
    const group = createGroup(() => (questions++, reply.promise));
    const answers = Promise.all([group.get('k'), group.get('k'), group.getView('k')]);
    reply.resolve(value('there'));

    expect((await answers).map(String)).toEqual(['there', 'there', 'there']);
    expect(questions).toBe(1);
    expect(group.stats).toMatchObject({ gets: 3, loads: 3, loadsDeduped: 1, peerLoads: 1 });
    expectSums(group.stats);
  });

  it('mirrors into the hot cache what the policy wants there', async () => {
    const candidates: PromotionCandidate[] = [];
    let questions = 0;
    const group = createGroup(() => (questions++, Promise.resolve(value('there', 90))), {
      promote: (candidate) => (candidates.push(candidate), candidate.key === 'hot'),
    });

    await group.get('hot');
    await group.get('hot');
    await group.get('cold');
    await group.get('cold');

    expect(questions).toBe(3);
    expect(candidates).toEqual([
      { key: 'hot', bytes: 5, minuteQps: 90 },
      { key: 'cold', bytes: 5, minuteQps: 90 },
      { key: 'cold', bytes: 5, minuteQps: 90 },
    ]);
    expect(group.cacheStats('hot')).toMatchObject({ items: 1, bytes: 8, hits: 1 });
    expect(group.cacheStats('main').items).toBe(0);
    expect(group.peek('hot')).toBe('there');
    expect(group.stats).toMatchObject({ gets: 4, cacheHits: 1, peerLoads: 3 });
    expectSums(group.stats);
  });

  it('resolves to undefined when the owner has no such thing, and loads nothing', async () => {
    const group = createGroup(() => Promise.resolve({ outcome: 'notFound' }), { promote: promoteAlways });

    expect(await group.get('k')).toBeUndefined();
    expect(group.stats).toMatchObject({ peerLoads: 1, localLoads: 0 });
    expect(group.cacheStats('hot').items).toBe(0);
    expectSums(group.stats);
  });

  it('rejects with the failure of the owner’s getter, and does not run its own', async () => {
    const error = new LoadFailedError('prices', ownerUrl, { name: 'Error', message: 'no such table' });
    const group = createGroup(() => Promise.resolve({ outcome: 'failed', error }));

    await expect(group.get('k')).rejects.toBe(error);
    expect(group.stats).toMatchObject({ peerLoadErrs: 1, peerErrors: 0, localLoads: 0 });
    expectSums(group.stats);
  });

  it.each<[string, () => Promise<PeerReply>]>([
    ['rejects', () => Promise.reject(new PeerError(ownerUrl, 'refused the connection'))],
    [
      'throws',
      () => {
        throw new Error('broken transport');
      },
    ],
  ])('loads here when the peer’s client %s, and leaves no timer', async (_how, ask) => {
    // The timer of a client that threw once ran on to its end.
    const clock = new ManualClock();
    const group = createGroup(ask, { clock, forever: true });

    expect(await group.get('k')).toBe('here:k');
    expect(group.stats).toMatchObject({ peerErrors: 1, peerLoads: 0, localLoads: 1, loadsDeduped: 1 });
    expect(group.cacheStats('main').items).toBe(1);
    expect(clock.pending).toBe(0);
    expectSums(group.stats);
  });

  it('rejects with its own getter’s failure when the peer could not be asked', async () => {
    const group = createGroup(() => Promise.reject(new Error('gone')), {
      getter: () => Promise.reject(new Error('mine')),
    });

    await expect(group.get('k')).rejects.toThrow('mine');
    expect(group.stats).toMatchObject({ peerErrors: 1, localLoadErrs: 1 });
    expectSums(group.stats);
  });

  it('loads here when the peer never answers, a grace after the load’s own deadline', async () => {
    const clock = new ManualClock();
    let signal: AbortSignal | undefined;
    const group = createGroup((request) => ((signal = request.signal), new Promise(() => undefined)), {
      clock,
      forever: true,
      loadTimeout: '5s',
    });
    const get = group.get('k');

    clock.advance(5999);
    expect(await stateOf(get)).toBe('pending');
    clock.advance(1);

    expect(await get).toBe('here:k');
    expect(signal?.reason).toBeInstanceOf(PeerError);
    expect(group.stats).toMatchObject({ peerErrors: 1, localLoads: 1 });
    expect(clock.pending).toBe(0);
    expectSums(group.stats);
  });

  it('ends by its own deadline when neither the peer nor the getter ever answers', async () => {
    const clock = new ManualClock();
    const group = createGroup(never, { clock, loadTimeout: '5s', getter: never });
    const get = group.get('k');

    clock.advance(6000);
    await reactions();
    clock.advance(5000);

    await expect(get).rejects.toThrow(LoadTimeoutError);
    expect(group.stats).toMatchObject({ peerErrors: 1, localLoadErrs: 1 });
    expectSums(group.stats);
  });

  it('refuses a value that is larger than maxValueBytes, without a load of its own', async () => {
    const group = createGroup(() => Promise.resolve(value('x'.repeat(11))), {
      maxValueBytes: 10,
      promote: promoteAlways,
    });

    await expect(group.get('k')).rejects.toThrow(ValueTooLargeError);
    expect(group.stats).toMatchObject({ peerLoadErrs: 1, localLoads: 0 });
    expect(group.cacheStats('hot').items).toBe(0);
    expectSums(group.stats);
  });

  it('aborts the question when the last caller leaves, and runs no getter then', async () => {
    const clock = new ManualClock();
    let signal: AbortSignal | undefined;
    let runs = 0;
    const group = createGroup(
      (request) => {
        signal = request.signal;
        return new Promise((_resolve, reject) => {
          request.signal.addEventListener('abort', () => reject(request.signal.reason as Error));
        });
      },
      { clock, getter: () => String(++runs) },
    );
    const caller = new AbortController();
    const get = group.get('k', { signal: caller.signal });

    caller.abort(new Error('request was closed'));
    await expect(get).rejects.toThrow('request was closed');
    await reactions();

    expect(signal?.aborted).toBe(true);
    expect(runs).toBe(0);
    expect(group.stats).toMatchObject({ loads: 1, peerErrors: 0, localLoads: 0 });
    expect(clock.pending).toBe(0);
  });

  it('gives up the load that took the peer’s place when the last caller leaves', async () => {
    let seen: AbortSignal | undefined;
    const group = createGroup(() => Promise.reject(new Error('gone')), {
      getter: (_key, context) => ((seen = context.signal), new Promise(() => undefined)),
    });
    const caller = new AbortController();
    const get = group.get('k', { signal: caller.signal });
    await reactions();

    caller.abort();

    await expect(get).rejects.toThrow();
    await reactions();
    expect(seen?.aborted).toBe(true);
  });

  it('shares a load that took the peer’s place with one that a peer asked for', async () => {
    const load = deferred<string>();
    let runs = 0;
    const group = createGroup(() => Promise.reject(new Error('gone')), { getter: () => (runs++, load.promise) });
    const served = group.serve('k');
    const got = group.get('k');
    await reactions();

    load.resolve('once');

    expect(await got).toBe('once');
    expect(await served).toMatchObject({ outcome: 'value' });
    expect(runs).toBe(1);
  });

  it('asks outside of the caller’s async context', async () => {
    const tenant = new AsyncLocalStorage<string>();
    const seen: (string | undefined)[] = [];
    const group = createGroup(() => (seen.push(tenant.getStore()), Promise.reject(new Error('gone'))), {
      getter: () => (seen.push(tenant.getStore()), 'here'),
    });

    await tenant.run('tenant 7', () => group.get('k'));

    expect(seen).toEqual([undefined, undefined]);
  });

  it('sets no timer in the caller’s async context', async () => {
    const tenant = new AsyncLocalStorage<string>();
    const seen: (string | undefined)[] = [];
    const clock = new ManualClock();
    const after = (ms: number, ring: () => void): (() => void) => {
      seen.push(tenant.getStore());
      return clock.after(ms, ring);
    };
    const group = createGroup(never, { getter: never, clock: { now: () => clock.now(), after } });

    const asked = tenant.run('tenant 7', () => group.get('k'));
    const loaded = tenant.run('tenant 7', () => group.get('own k'));
    const outcome = Promise.allSettled([asked, loaded]);
    await reactions();
    expect(seen).toEqual([undefined, undefined]);
    clock.advance(60_000);
    await reactions();
    clock.advance(60_000);
    await outcome;
  });

  it('does not deadlock where two processes each hold the other for the owner', async () => {
    const groups: Group<string>[] = [];
    const ask = (other: number) => (request: PeerRequest) =>
      groups[other]!.serve(request.key, { signal: request.signal });
    const held = deferred<void>();
    groups.push(
      createGroup(ask(1), { getter: () => held.promise.then(() => 'by the first') }),
      createGroup(ask(0), { getter: () => held.promise.then(() => 'by the second') }),
    );

    const answers = groups.map((group) => group.get('k'));
    held.resolve();

    expect(await Promise.all(answers)).toEqual(['by the second', 'by the first']);
    for (const group of groups) {
      expect(group.stats).toMatchObject({
        gets: 2,
        loads: 2,
        loadsDeduped: 2,
        peerLoads: 1,
        localLoads: 1,
        serverRequests: 1,
      });
      expectSums(group.stats);
    }
  });

  it('keeps of a promoted value what it decodes to, and has its bytes all the same for whoever asks for them', async () => {
    const city = { name: 'Zürich', parts: [1, 2, 3] };
    const json = JSON.stringify(city);
    const ask = vi.fn(async () => value(json));
    const group = new Group<typeof city>('cities', () => city, {
      eviction: 'lru',
      promote: promoteAlways,
      peers: { pickPeer: () => ({ url: ownerUrl, get: ask }) },
    });

    const first = await group.get('zrh');

    expect(first).toEqual(city);
    expect(await group.get('zrh')).toBe(first);
    expect((await group.getView('zrh'))?.toString()).toBe(json);
    const served = await group.serve('zrh');
    expect(served.outcome === 'value' && served.value.toString()).toBe(json);
    expect(ask).toHaveBeenCalledOnce();
    const { bytes } = group.cacheStats('hot');
    expect(bytes).toBe(3 + Buffer.byteLength(json));
    expect(group.footprint).toBeLessThan(3 + ENTRY_OVERHEAD_BYTES + 3.25 * Buffer.byteLength(json));
  });

  it('keeps nothing of a promoted value that does not decode', async () => {
    const ask = vi.fn(async () => value('{ no JSON'));
    const group = new Group<unknown>('cities', () => undefined, {
      promote: promoteAlways,
      peers: { pickPeer: () => ({ url: ownerUrl, get: ask }) },
    });

    await expect(group.get('zrh')).rejects.toThrow(UndecodableValueError);
    await expect(group.get('zrh')).rejects.toThrow(UndecodableValueError);
    expect(ask).toHaveBeenCalledTimes(2);
    expect(group.cacheStats('hot').items).toBe(0);
  });

  it('keeps the bytes of a promoted value that its own codec would write otherwise', async () => {
    const json = '{"id":12345678901234567890}';
    const group = new Group<{ id: number }>('cities', () => ({ id: 0 }), {
      promote: promoteAlways,
      peers: { pickPeer: () => ({ url: ownerUrl, get: async () => value(json) }) },
    });

    await group.get('zrh');

    expect((await group.getView('zrh'))?.toString()).toBe(json);
    expect(group.cacheStats('hot').items).toBe(1);
  });
});
