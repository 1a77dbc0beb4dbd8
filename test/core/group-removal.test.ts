import { describe, expect, it } from 'vitest';
import {
  ByteView,
  Group,
  InvalidKeyError,
  InvalidOptionError,
  PartialRemovalError,
  promoteAlways,
  textCodec,
  type Getter,
  type GroupOptions,
  type InvalidationResult,
  type PeerClient,
  type PeerReply,
  type PeerRequest,
} from '../../lib/core/index.js';
import { ManualClock } from '../../lib/testing/manual-clock.js';
import { deferred, reactions, stateOf } from './deferred.js';

type Load = ReturnType<typeof deferred<string>>;

/** A group whose loads are held, and these in their order. */
function createHeld(options: GroupOptions<string> = {}): { group: Group<string>; loads: Load[] } {
  const loads: Load[] = [];
  const getter = (): Promise<string> => {
    loads.push(deferred<string>());
    return loads.at(-1)!.promise;
  };
  return { group: createGroup(getter, options), loads };
}

function createGroup(getter: Getter<string>, options: GroupOptions<string> = {}): Group<string> {
  return new Group('prices', getter, { codec: textCodec, clock: new ManualClock(), ...options });
}

/** Values whose tags are what stands before their last dash, by dashes. */
const tags = (value: string): string[] => value.split('-').slice(0, -1);

async function unreachable(): Promise<never> {
  throw new Error('gone');
}

/** A group that keeps what a peer says. */
function createCopying(ask: (request: PeerRequest) => Promise<string>): Group<string> {
  const get = async (request: PeerRequest) => {
    const value = await ask(request);
    return { outcome: 'value', value: ByteView.from(value), minuteQps: 0, tags: tags(value) } as const;
  };
  return createGroup(() => 'here', {
    promote: promoteAlways,
    peers: { pickPeer: () => ({ url: 'http://10.0.0.2:3000', get }) },
  });
}

describe('Group.remove', () => {
  it('takes out what is held, here alone where there are no peers', async () => {
    let price = '41';
    const group = createGroup(() => price);
    await group.get('k');
    price = '42';

    expect(await group.remove('k')).toEqual({ complete: true, acknowledged: [], pending: [] });

    expect(group.peek('k')).toBeUndefined();
    expect(await group.get('k')).toBe('42');
    expect(group.stats.invalidations).toBe(1);
  });

  it('does not let an earlier load bring the old value back', async () => {
    const { group, loads } = createHeld();
    const early = group.get('k');

    await group.remove('k');
    const late = group.get('k');
    loads[1]!.resolve('new');
    expect(await late).toBe('new');
    loads[0]!.resolve('old');

    expect(await early).toBe('old');
    expect(group.peek('k')).toBe('new');
    expect(loads).toHaveLength(2);
  });

  it('takes out what is stale as well, so that no failing load is answered with it', async () => {
    const clock = new ManualClock();
    let fails = false;
    const group = createGroup(
      () => {
        if (fails) throw new Error('no source');
        return '41';
      },
      { clock, ttl: '1s', staleIfError: '1h' },
    );
    await group.get('k');
    clock.advance(2_000);
    fails = true;
    expect(await group.get('k')).toBe('41');

    await group.remove('k');

    await expect(group.get('k')).rejects.toThrow('no source');
  });

  it('runs two loads of a key at a time at most: who comes after two removals shares a third, which waits', async () => {
    const { group, loads } = createHeld();
    const first = group.get('k');
    await group.remove('k');
    const second = group.get('k');
    await group.remove('k');
    const third = [group.get('k'), group.get('k')];
    await reactions();
    expect(loads).toHaveLength(2);

    loads[0]!.resolve('1');
    await reactions();
    expect(loads).toHaveLength(3);
    loads[2]!.resolve('3');
    loads[1]!.resolve('2');

    expect(await first).toBe('1');
    expect(await second).toBe('2');
    expect(await Promise.all(third)).toEqual(['3', '3']);
    expect(group.peek('k')).toBe('3');
  });

  it('counts a load that was abandoned as one of the two', async () => {
    const { group, loads } = createHeld();
    const getters: AbortSignal[] = [];
    const aborting = createGroup((_key, { signal }) => {
      getters.push(signal);
      loads.push(deferred<string>());
      return loads.at(-1)!.promise;
    });
    for (let round = 0; round < 2; round++) {
      const controller = new AbortController();
      const got = aborting.get('k', { signal: controller.signal });
      controller.abort(new Error('gone'));
      await expect(got).rejects.toThrow('gone');
    }
    const third = aborting.get('k');
    await reactions();
    expect(getters).toHaveLength(2);

    loads[0]!.resolve('late');
    await reactions();
    loads[2]!.resolve('3');

    expect(await third).toBe('3');
    expect(group.stats.gets).toBe(0);
  });

  it('takes several out at once', async () => {
    const group = createGroup((key) => key);
    await group.getMany(['a', 'b', 'c']);

    await group.removeMany(['a', 'b']);

    expect(['a', 'b', 'c'].map((key) => group.peek(key))).toEqual([undefined, undefined, 'c']);
    expect(await group.removeMany([])).toMatchObject({ complete: true });
  });

  it('takes out once more after a while, where it is asked to', async () => {
    const clock = new ManualClock();
    let replica = 'old';
    const group = createGroup(() => replica, { clock });
    await group.get('k');

    await group.remove('k', { after: '2s' });
    expect(await group.get('k')).toBe('old');
    replica = 'new';
    clock.advance(2_000);

    expect(await group.get('k')).toBe('new');
  });

  it('refuses keys that are none, tags that are none, and options that are not acceptable', async () => {
    const group = createGroup((key) => key);

    await expect(group.remove(5 as never)).rejects.toThrow(InvalidKeyError);
    await expect(group.removeMany(['k', '\ud800'])).rejects.toThrow(InvalidKeyError);
    await expect(group.removeByTag(undefined as never)).rejects.toThrow(InvalidOptionError);
    await expect(group.remove('k', { timeout: '5 s' as never })).rejects.toThrow(InvalidOptionError);
    await expect(group.remove('k', { require: 'some' as never })).rejects.toThrow(InvalidOptionError);
    await expect(group.set('k', undefined as never)).rejects.toThrow(InvalidOptionError);
    expect(group.stats.invalidations).toBe(0);
  });

  it('rejects with whom it has reached, where all are wanted', async () => {
    const result: InvalidationResult = { complete: false, acknowledged: ['http://b'], pending: ['http://c'] };
    const group = createGroup((key) => key, { peers: { pickPeer: () => undefined, confirm: async () => result } });

    expect(await group.remove('k')).toEqual(result);
    const failure = await group.remove('k', { require: 'all' }).catch((error: unknown) => error);

    expect(failure).toBeInstanceOf(PartialRemovalError);
    expect(failure).toMatchObject({ result, message: expect.stringContaining('http://c') as string });
  });
});

describe('a group in a ring with Go peers', () => {
  const peers = { pickPeer: () => undefined, hasGoPeers: true };

  it('refuses what they would not know of', async () => {
    const group = createGroup((key) => key, { peers });

    await expect(group.remove('k')).rejects.toThrow('Go peers in the ring know of no removal');
    await expect(group.clear()).rejects.toThrow(InvalidOptionError);
    await expect(group.set('k', 'set')).rejects.toThrow(InvalidOptionError);
    expect(() => createGroup((key) => key, { peers, tags })).toThrow(InvalidOptionError);
  });

  it('removes where it is told that this will do', async () => {
    const group = createGroup((key) => key, { peers, tags, removesBesideGoPeers: true });
    await group.get('k');

    expect(await group.remove('k')).toMatchObject({ complete: true });
    expect(group.peek('k')).toBeUndefined();
  });
});

describe('Group.removeByTag', () => {
  it('takes out what has the tag, and nothing else', async () => {
    const group = createGroup((key) => key, { tags });
    const keys = ['a-1', 'a-b-2', 'b-3', '4'];
    await group.getMany(keys);

    await group.removeByTag('a');

    expect(keys.map((key) => group.peek(key))).toEqual([undefined, undefined, 'b-3', '4']);
  });

  it('does not keep what was being loaded and turns out to have it', async () => {
    const { group, loads } = createHeld({ tags });
    const early = [group.get('k'), group.get('other')];

    await group.removeByTag('a');
    const late = [group.get('k'), group.get('other')];
    loads[0]!.resolve('a-old');
    loads[1]!.resolve('b-1');
    await reactions();
    expect(loads).toHaveLength(3);
    loads[2]!.resolve('a-new');

    expect(await Promise.all(early)).toEqual(['a-old', 'b-1']);
    expect(await Promise.all(late)).toEqual(['a-new', 'b-1']);
    expect([group.peek('k'), group.peek('other')]).toEqual(['a-new', 'b-1']);
    expect(loads).toHaveLength(3);
  });

  it('tells peers that have joined a load the same', async () => {
    const { group, loads } = createHeld({ tags });
    const answers: unknown[] = [];
    const told = (reply: PeerReply): void => {
      answers.push(reply.outcome === 'value' && reply.value.toString());
    };
    group.serveByLoadTo('k', told);
    await group.removeByTag('a');
    group.serveByLoadTo('k', told);

    loads[0]!.resolve('a-old');
    await reactions();
    loads[1]!.resolve('a-new');
    await reactions();

    expect(answers).toEqual(['a-old', 'a-new']);
  });

  it('leaves unrelated values and no memory behind after a million tags', { timeout: 60_000 }, async () => {
    const group = createGroup((key) => `${key}-value`, { tags, cacheBytes: '1GiB' });
    const keys = Array.from({ length: 10_000 }, (_, index) => `key${index}`);
    await group.getMany(keys);
    const collect = (globalThis as { gc?: () => void }).gc!;
    for (let tag = 0; tag < 20_000; tag++) void group.removeByTag(`tag ${tag}`);
    await reactions();
    collect();
    const before = process.memoryUsage().heapUsed;

    for (let round = 0; round < 100; round++) {
      for (let tag = 0; tag < 10_000; tag++) void group.removeByTag(`${round} ${tag}`);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
    collect();

    expect(process.memoryUsage().heapUsed - before).toBeLessThan(1_000_000);
    expect(keys.filter((key) => group.peek(key) === undefined)).toHaveLength(0);
  });
});

describe('Group.clear', () => {
  it('takes out everything, and what is being loaded', async () => {
    const { group, loads } = createHeld();
    const early = group.get('k');
    loads[0]!.resolve('1');
    await early;
    const loading = group.get('other');

    await group.clear();
    loads[1]!.resolve('old');
    await loading;

    expect([group.peek('k'), group.peek('other')]).toEqual([undefined, undefined]);
  });

  it('leaves other groups alone', async () => {
    const log = createGroup((key) => key);
    await log.get('k');
    const other = new Group<string>('cities', (key) => key, { codec: textCodec });
    await other.get('k');

    await log.clear();

    expect(other.peek('k')).toBe('k');
  });
});

describe('Group.set', () => {
  it('takes the place of what is held and of what is being loaded', async () => {
    const { group, loads } = createHeld();
    const early = group.get('k');

    expect(await group.set('k', 'set')).toEqual({ stored: true, complete: true, acknowledged: [], pending: [] });
    loads[0]!.resolve('loaded');

    expect(await early).toBe('loaded');
    expect(await group.get('k')).toBe('set');
    expect(loads).toHaveLength(1);
  });

  it('gives the value the lifetime and the tags of a loaded one', async () => {
    const clock = new ManualClock();
    const group = createGroup((key) => `loaded ${key}`, { clock, ttl: '1s', tags });
    await group.set('k', 'a-1');
    await group.set('other', 'b-1');

    await group.removeByTag('a');
    expect([group.peek('k'), group.peek('other')]).toEqual([undefined, 'b-1']);
    clock.advance(1_000);

    expect(group.peek('other')).toBeUndefined();
  });

  it('is a removal where the owner can not be asked, or takes another one for the owner, and says so', async () => {
    const url = 'http://10.0.0.2:3000';
    const peer: PeerClient = { url, get: unreachable, set: unreachable };
    const group = createGroup(() => 'loaded', { peers: { pickPeer: () => peer } });
    const bare = createGroup(() => 'loaded', { peers: { pickPeer: () => ({ url, get: unreachable }) } });

    expect(await group.set('k', 'set')).toMatchObject({ stored: false, complete: true });
    expect(await bare.set('k', 'set')).toMatchObject({ stored: false });
    expect(await group.serveSet('k', ByteView.from('set'), 100)).toMatchObject({ stored: false });

    expect(await group.get('k')).toBe('loaded');
  });

  it('loads a value anew by refresh', async () => {
    let price = '41';
    const group = createGroup(() => price);
    await group.get('k');
    price = '42';

    expect(await group.refresh('k')).toBe('42');
    expect(group.peek('k')).toBe('42');
  });
});

describe('a copy of another peer’s value', () => {
  it('is taken out by key and by tag', async () => {
    const group = createCopying(async ({ key }) => `a-${key}`);
    await group.getMany(['k', 'l']);

    await group.remove('k');
    expect([group.peek('k'), group.peek('l')]).toEqual([undefined, 'a-l']);
    await group.removeByTag('a');

    expect(group.peek('l')).toBeUndefined();
  });

  it('is not kept if it was removed while it was on its way, and later gets ask again', async () => {
    const answers: Load[] = [];
    const group = createCopying(() => {
      answers.push(deferred<string>());
      return answers.at(-1)!.promise;
    });
    const early = group.get('k');
    await reactions();

    await group.remove('k');
    const late = group.get('k');
    await reactions();
    answers[0]!.resolve('a-old');
    expect(await early).toBe('a-old');
    expect(await stateOf(late)).toBe('pending');
    answers[1]!.resolve('a-new');

    expect(await late).toBe('a-new');
    expect(group.peek('k')).toBe('a-new');
  });

  it('is not kept if one of its tags was removed while it was on its way', async () => {
    const answer = deferred<string>();
    const group = createCopying(() => answer.promise);
    const early = group.get('k');
    await reactions();

    await group.removeByTag('a');
    answer.resolve('a-old');

    expect(await early).toBe('a-old');
    expect(group.peek('k')).toBeUndefined();
  });
});
