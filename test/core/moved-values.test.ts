import { describe, expect, it } from 'vitest';
import {
  ByteView,
  Group,
  InvalidationLog,
  textCodec,
  type GroupOptions,
  type PeerReply,
  type PeerRequest,
} from '../../lib/core/index.js';
import { ManualClock } from '../../lib/testing/manual-clock.js';
import { deferred, reactions, stateOf } from './deferred.js';

type Value = Extract<PeerReply, { outcome: 'value' }>;

function value(text: string, more: Partial<Value> = {}): Value {
  return { outcome: 'value', value: ByteView.from(text), minuteQps: 0, ...more };
}

/** A group that owns all keys, and whose keys somebody else had before. */
function createGroup(
  peek: (request: PeerRequest) => Promise<PeerReply>,
  options: GroupOptions<string> = {},
): { group: Group<string>; clock: ManualClock; loads: string[] } {
  const clock = new ManualClock();
  const loads: string[] = [];
  const group = new Group('prices', (key: string) => (loads.push(key), `here:${key}`), {
    codec: textCodec,
    clock,
    peers: {
      pickPeer: () => undefined,
      pickFormerOwners: () => [{ url: 'http://10.0.0.2:3000', get: peek }],
      invalidations: new InvalidationLog('one'),
    },
    ...options,
  });
  return { group, clock, loads };
}

describe('a load of a key that another peer had before', () => {
  it('takes what that one holds, keeps it, and runs no getter', async () => {
    const requests: PeerRequest[] = [];
    const { group, loads } = createGroup((request) => (requests.push(request), Promise.resolve(value('there'))));

    expect(await Promise.all([group.get('k'), group.get('k')])).toEqual(['there', 'there']);
    expect(await group.get('k')).toBe('there');

    expect(requests).toMatchObject([{ group: 'prices', key: 'k', isPeek: true, timeoutMs: 100 }]);
    expect(loads).toEqual([]);
    expect(group.stats).toMatchObject({ peeks: 1, peekHits: 1, localLoads: 0, loadsDeduped: 1, cacheHits: 1 });
    expect(group.cacheStats('main').items).toBe(1);
  });

  it.each<[string, () => Promise<PeerReply>]>([
    ['has nothing', () => Promise.reject(new Error('not-held'))],
    ['knows that there is nothing', () => Promise.resolve({ outcome: 'notFound', ttlMs: 1_000 })],
    ['fails', () => Promise.resolve({ outcome: 'failed', error: new Error('there') })],
    ['has what is not good any more', () => Promise.resolve(value('old', { ttlMs: 0 }))],
    ['has what is too large here', () => Promise.resolve(value('x'.repeat(101)))],
  ])('runs the getter where that one %s', async (_what, peek) => {
    const { group, loads } = createGroup(peek, { maxValueBytes: 100 });

    expect(await group.get('k')).toBe('here:k');

    expect(loads).toEqual(['k']);
    expect(group.stats).toMatchObject({ peeks: 1, peekHits: 0, localLoads: 1, peerErrors: 0 });
  });

  it('is put off by 100 ms at most, and what comes later is not taken', async () => {
    const late = deferred<PeerReply>();
    const { group, clock, loads } = createGroup(() => late.promise);
    const get = group.get('k');
    await reactions();
    clock.advance(99);
    expect(await stateOf(get)).toBe('pending');

    clock.advance(1);
    // What has come by then is read first.
    await new Promise((resolve) => setImmediate(resolve));

    expect(await get).toBe('here:k');
    late.resolve(value('there'));
    await reactions();
    expect([group.peek('k'), loads]).toEqual(['here:k', ['k']]);
  });

  it('is kept for as long as is left of it', async () => {
    const { group, clock } = createGroup(() => Promise.resolve(value('there', { ttlMs: 5_000 })), { ttl: '1h' });
    await group.get('k');

    clock.advance(4_999);
    expect(group.peek('k')).toBe('there');
    clock.advance(1);

    expect(group.peek('k')).toBeUndefined();
  });

  it('is not kept if the key has been removed meanwhile, and who asks later gets another', async () => {
    const reply = deferred<PeerReply>();
    let peeks = 0;
    const { group } = createGroup(() => (peeks++ === 0 ? reply.promise : Promise.reject(new Error('not-held'))));
    const early = group.get('k');
    await reactions();

    await group.remove('k');
    const later = group.get('k');
    reply.resolve(value('removed'));

    expect(await early).toBe('removed');
    expect(await later).toBe('here:k');
    expect(group.peek('k')).toBe('here:k');
  });

  it('is not kept if one of its tags has been removed meanwhile', async () => {
    const reply = deferred<PeerReply>();
    const { group } = createGroup(() => reply.promise, { tags: () => ['nyse'] });
    const early = group.get('k');
    await reactions();

    await group.removeByTag('nyse');
    reply.resolve(value('removed', { tags: ['nyse'] }));

    expect(await early).toBe('removed');
    expect(group.peek('k')).toBeUndefined();
  });

  it('can be removed by its tags later on', async () => {
    const { group } = createGroup(() => Promise.resolve(value('there', { tags: ['nyse'] })), { tags: () => ['nyse'] });
    await group.get('k');
    expect(group.peek('k')).toBe('there');

    await group.removeByTag('nyse');

    expect(group.peek('k')).toBeUndefined();
  });

  it('waits until this process has heard what was removed before it came', async () => {
    const meeting = deferred<void>();
    const { group, loads } = createGroup(() => Promise.reject(new Error('was asked')), {
      peers: { pickPeer: () => undefined, meeting: meeting.promise },
    });
    const get = group.get('k');
    expect([await stateOf(get), loads]).toEqual(['pending', []]);

    meeting.resolve();

    expect(await get).toBe('here:k');
  });
});

describe('Group.takeOver', () => {
  it('keeps what a leaving peer held, unless there is something that is good', async () => {
    const { group, clock } = createGroup(() => Promise.reject(new Error('not-held')), { ttl: '1s' });
    await group.get('held');

    expect([group.takeOver('new', value('moved')), group.takeOver('held', value('moved'))]).toEqual([true, false]);
    expect([group.peek('new'), group.peek('held')]).toEqual(['moved', 'here:held']);
    clock.advance(1_000);
    expect(group.takeOver('held', value('moved'))).toBe(true);

    expect(group.peek('held')).toBe('moved');
    expect(group.stats.takenOver).toBe(2);
  });

  it('takes the place of a copy, and is this process’s own then', async () => {
    const { group } = createGroup(() => Promise.reject(new Error('not-held')), {
      promote: () => true,
      peers: { pickPeer: () => ({ url: 'http://10.0.0.2:3000', get: () => Promise.resolve(value('copied')) }) },
    });
    await group.get('k');
    expect([group.cacheStats('main').items, group.cacheStats('hot').items]).toEqual([0, 1]);

    expect(group.takeOver('k', value('moved'))).toBe(true);

    expect([group.cacheStats('main').items, group.cacheStats('hot').items]).toEqual([1, 0]);
  });

  it('does not keep what is too large or over', () => {
    const { group } = createGroup(() => Promise.reject(new Error('not-held')), { maxValueBytes: 10 });

    expect(group.takeOver('k', value('x'.repeat(11)))).toBe(false);
    expect(group.takeOver('k', value('x', { ttlMs: 0 }))).toBe(false);
    expect(group.stats.takenOver).toBe(0);
  });
});

describe('Group.movable', () => {
  it('is what can be kept elsewhere: with what is left of its life, and its tags; no "not found"', async () => {
    const { group, clock } = createGroup(() => Promise.reject(new Error('not-held')), {
      ttl: '10s',
      negativeTtl: '10s',
      tags: () => ['nyse'],
    });
    await group.get('k');
    clock.advance(4_000);

    expect(group.movable('k')).toMatchObject({ outcome: 'value', ttlMs: 6_000, tags: ['nyse'] });
    expect(group.movable('nothing')).toBeUndefined();
    clock.advance(6_000);
    expect(group.movable('k')).toBeUndefined();
  });
});
