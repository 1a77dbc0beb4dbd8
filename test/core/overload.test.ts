import { describe, expect, it } from 'vitest';
import {
  Group,
  InvalidOptionError,
  LoadTimeoutError,
  OverloadedError,
  textCodec,
  type GroupOptions,
  type GroupStats,
  type PeerReply,
} from '../../lib/core/index.js';
import { ManualClock } from '../../lib/testing/manual-clock.js';
import { deferred, reactions, type Deferred } from './deferred.js';

/** A group whose getter ends when the test says so, with two slots and two places in the queue. */
function createGroup(options: GroupOptions<string> = {}) {
  const clock = new ManualClock();
  const loads = new Map<string, Deferred<string>>();
  const getter = (key: string): Promise<string> => {
    const load = deferred<string>();
    loads.set(key, load);
    return load.promise;
  };
  const limits = { maxConcurrentLoads: 2, maxQueuedLoads: 2, loadTimeout: '10s' } as const;
  const group = new Group('prices', getter, { codec: textCodec, clock, ttl: '1m', ...limits, ...options });
  return { clock, group, loads, begun: () => [...loads.keys()] };
}

function expectSums(stats: GroupStats): void {
  expect(stats.gets).toBe(stats.cacheHits + stats.loads);
  expect(stats.loadsDeduped).toBe(stats.localLoads + stats.localLoadErrs + stats.overloaded);
}

describe('maxConcurrentLoads', () => {
  it('has further loads wait for their turn, in order', async () => {
    const { group, loads, begun } = createGroup();
    const gets = ['a', 'b', 'c', 'd'].map((key) => group.get(key));
    expect(begun()).toEqual(['a', 'b']);
    expect(group.ownLoads).toEqual({ running: 2, queued: 2 });

    loads.get('b')!.resolve('B');
    await reactions();
    expect(begun()).toEqual(['a', 'b', 'c']);
    loads.get('a')!.reject(new Error('down'));
    await expect(gets[0]).rejects.toThrow('down');
    await reactions();
    expect(begun()).toEqual(['a', 'b', 'c', 'd']);
    for (const key of ['c', 'd']) loads.get(key)!.resolve(key);

    expect(await Promise.all(gets.slice(1))).toEqual(['B', 'c', 'd']);
    expect(group.ownLoads).toEqual({ running: 0, queued: 0 });
    expectSums(group.stats);
  });

  it('lets no load pass those that wait, not even between the end of one and the begin of the next', async () => {
    const { group, loads, begun } = createGroup({ maxConcurrentLoads: 1 });
    const gets = [group.get('a'), group.get('b')];
    const late = deferred<string | undefined>();
    void gets[0]!.then(() => group.get('c')).then(late.resolve);
    loads.get('a')!.resolve('A');
    await reactions();
    expect(begun()).toEqual(['a', 'b']);
    loads.get('b')!.resolve('B');
    await reactions();
    loads.get('c')!.resolve('C');
    expect(await late.promise).toBe('C');
  });

  it('runs ten thousand that have waited and end at once, without a stack as deep', async () => {
    const first = deferred<string>();
    const group = new Group('prices', (key) => (key === 'first' ? first.promise : key), {
      codec: textCodec,
      maxConcurrentLoads: 1,
    });
    const keys = Array.from({ length: 10_000 }, (_, index) => `key ${index}`);
    const gets = Promise.all([group.get('first'), ...keys.map((key) => group.get(key))]);
    first.resolve('first');

    expect(await gets).toEqual(['first', ...keys]);
  });

  it('is joined by who asks for a key that waits', async () => {
    const { group, loads, begun } = createGroup({ maxConcurrentLoads: 1 });
    const gets = [group.get('a'), group.get('b'), group.get('b')];
    loads.get('a')!.resolve('A');
    await reactions();
    loads.get('b')!.resolve('B');
    expect(await Promise.all(gets)).toEqual(['A', 'B', 'B']);
    expect(begun()).toEqual(['a', 'b']);
    expect(group.stats.loadsDeduped).toBe(2);
  });

  it.each([0, -1, 1.5, Number.NaN])('is not %d', (maxConcurrentLoads) => {
    expect(() => createGroup({ maxConcurrentLoads })).toThrow(InvalidOptionError);
  });
});

describe('a load that waits for its turn', () => {
  it('fails at its deadline, which counts from when it was asked for, and never runs', async () => {
    const { clock, group, loads, begun } = createGroup({ maxConcurrentLoads: 1 });
    const first = group.get('a');
    clock.advance(4_000);
    loads.get('a')!.resolve('A');
    await first;
    const running = group.get('b');
    const waiting = group.get('c');
    clock.advance(10_000);

    await expect(running).rejects.toBeInstanceOf(LoadTimeoutError);
    await expect(waiting).rejects.toBeInstanceOf(LoadTimeoutError);
    await reactions();
    expect(begun()).toEqual(['a', 'b']);
    expect(group.ownLoads).toEqual({ running: 0, queued: 0 });
    expect(clock.pending).toBe(1); // the sweep of what has expired
    expectSums(group.stats);
  });

  it('leaves when its last caller does, and never runs', async () => {
    const { group, loads, begun } = createGroup({ maxConcurrentLoads: 1 });
    const first = group.get('a');
    const controllers = [new AbortController(), new AbortController()];
    const waiting = controllers.map(({ signal }) => group.get('b', { signal }));
    controllers[0]!.abort(new Error('gone'));
    expect(group.ownLoads.queued).toBe(1);
    controllers[1]!.abort(new Error('gone'));
    expect(group.ownLoads.queued).toBe(0);
    for (const get of waiting) await expect(get).rejects.toThrow('gone');
    loads.get('a')!.resolve('A');
    await first;
    await reactions();

    expect(begun()).toEqual(['a']);
    expectSums(group.stats);
  });

  it('leaves when the last peer that has asked does', async () => {
    const { group, begun } = createGroup({ maxConcurrentLoads: 1 });
    void group.get('a');
    const replies: PeerReply[] = [];
    const leave = group.serveByLoadTo('b', (reply) => replies.push(reply));
    leave();
    expect([group.ownLoads.queued, replies]).toEqual([0, []]);
    expect(begun()).toEqual(['a']);
  });

  it('stays, once it runs, though its caller leaves, if its getter does not look at the signal', async () => {
    const { group, loads, begun } = createGroup({ maxConcurrentLoads: 1 });
    void group.get('a');
    const controller = new AbortController();
    const get = group.get('b', { signal: controller.signal });
    loads.get('a')!.resolve('A');
    await reactions();
    controller.abort(new Error('gone'));
    await expect(get).rejects.toThrow('gone');
    const later = group.get('b');
    loads.get('b')!.resolve('B');
    expect(await later).toBe('B');
    expect(begun()).toEqual(['a', 'b']);
  });

  it('is not concerned by what is removed meanwhile', async () => {
    const { group, loads, begun } = createGroup({ maxConcurrentLoads: 1, tags: () => ['nyse'] });
    void group.get('a');
    const early = group.get('b');
    await group.remove('b');
    await group.removeByTag('nyse');
    const late = group.get('b');
    loads.get('a')!.resolve('A');
    await reactions();
    loads.get('b')!.resolve('B');

    expect(await Promise.all([early, late])).toEqual(['B', 'B']);
    expect(begun()).toEqual(['a', 'b']);
    expect(group.peek('b')).toBe('B');
  });
});

describe('maxQueuedLoads', () => {
  it('refuses what is past it at once, and takes again once there is room', async () => {
    const { group, loads } = createGroup({ maxConcurrentLoads: 1, maxQueuedLoads: 0 });
    const first = group.get('a');
    await expect(group.get('b')).rejects.toMatchObject({ code: 'GROUPCACHE_OVERLOADED', group: 'prices' });
    expect(await group.serve('b')).toMatchObject({ outcome: 'failed', error: expect.any(OverloadedError) });
    loads.get('a')!.resolve('A');
    await first;
    const again = group.get('b');
    loads.get('b')!.resolve('B');
    expect(await again).toBe('B');
    expect(group.stats).toMatchObject({ overloaded: 2, localLoads: 2, localLoadErrs: 0 });
    expectSums(group.stats);
  });

  it('gives a value past its ttl to who would be refused, where staleIfError allows', async () => {
    const options = { maxConcurrentLoads: 1, maxQueuedLoads: 0, staleIfError: '1h' } as const;
    const { clock, group, loads } = createGroup(options);
    const get = group.get('a');
    loads.get('a')!.resolve('old');
    await get;
    clock.advance(60_000);
    void group.get('slow');

    expect(await group.get('a')).toBe('old');
    expect(group.stats).toMatchObject({ overloaded: 1, staleServed: 1 });
    await expect(group.get('b')).rejects.toBeInstanceOf(OverloadedError);
  });
});

describe('an owner that is overloaded', () => {
  it('is believed: nothing is loaded in its place', async () => {
    const error = new OverloadedError('prices', 'too much', 'http://owner');
    const peer = { url: 'http://owner', get: async (): Promise<PeerReply> => ({ outcome: 'failed', error }) };
    const { group, begun } = createGroup({ peers: { pickPeer: () => peer } });

    await expect(group.get('a')).rejects.toBe(error);

    expect(begun()).toEqual([]);
    expect(group.stats).toMatchObject({ loadsDeduped: 1, overloaded: 1, peerLoadErrs: 0, peerErrors: 0 });
  });
});
