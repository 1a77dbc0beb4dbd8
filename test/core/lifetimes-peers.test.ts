import { describe, expect, it } from 'vitest';
import {
  ByteView,
  Group,
  promoteAlways,
  promoteNever,
  textCodec,
  type Getter,
  type GroupOptions,
  type GroupStats,
  type PeerClient,
  type PeerReply,
} from '../../lib/core/index.js';
import { InMemoryNetwork } from '../../lib/testing/in-memory-network.js';
import { ManualClock } from '../../lib/testing/manual-clock.js';
import { deferred, reactions } from './deferred.js';

const value = (text: string, ttlMs?: number): PeerReply => ({
  outcome: 'value',
  value: ByteView.from(text),
  minuteQps: 0,
  ttlMs,
});

interface Given {
  readonly clock: ManualClock;
  readonly group: Group<string>;
  readonly questions: () => number;
  readonly runs: () => number;
}

type Asked = () => PeerReply | Promise<PeerReply>;

/** A group in a process that owns nothing and mirrors everything; the last of `replies` is given again and again. */
function createGroup(replies: Asked[], options: GroupOptions<string> = {}, getter?: Getter<string>): Given {
  const clock = new ManualClock();
  let [questions, runs] = [0, 0];
  const owner: PeerClient = {
    url: 'http://10.0.0.2:3000',
    get: async () => (replies[questions++] ?? replies.at(-1)!)(),
  };
  const counting: Getter<string> = (key, context) => (runs++, getter === undefined ? 'here' : getter(key, context));
  const group = new Group('prices', counting, {
    codec: textCodec,
    clock,
    promote: promoteAlways,
    peers: { pickPeer: () => owner },
    ...options,
  });
  return { clock, group, questions: () => questions, runs: () => runs };
}

const gone: Asked = () => Promise.reject(new Error('gone'));

function expectSums(stats: GroupStats): void {
  expect(stats.gets).toBe(stats.cacheHits + stats.loads);
  expect(stats.loadsDeduped).toBe(stats.peerLoads + stats.peerLoadErrs + stats.localLoads + stats.localLoadErrs);
  expect(stats.loadsDeduped).toBeLessThanOrEqual(stats.loads + stats.refreshes);
}

describe('a copy of another peer’s value', () => {
  it('lives as long as the owner says, counted from when it was asked', async () => {
    const reply = deferred<PeerReply>();
    const { clock, group, questions } = createGroup([() => reply.promise]);
    const get = group.get('k');
    await reactions();
    clock.advance(3_000);
    reply.resolve(value('there', 10_000));
    await get;

    clock.advance(6_999);
    expect(group.peek('k')).toBe('there');
    clock.advance(1);
    expect(group.peek('k')).toBeUndefined();
    await group.get('k');
    expect(questions()).toBe(2);
    expectSums(group.stats);
  });

  it('is not kept where its time was over on the way, or was none', async () => {
    const reply = deferred<PeerReply>();
    const { clock, group } = createGroup([() => reply.promise, () => value('stale there', 0)]);
    const get = group.get('k');
    await reactions();
    clock.advance(3_000);
    reply.resolve(value('there', 3_000));

    expect(await get).toBe('there');
    expect(await group.get('k')).toBe('stale there');
    expect(group.cacheStats('hot').items).toBe(0);
  });

  it.each([Number.NaN, -1, -1e300])('is not kept where a transport says that it lives for %d ms', async (ttlMs) => {
    const { group } = createGroup([() => value('there', ttlMs)]);

    expect(await group.get('k')).toBe('there');
    expect(group.cacheStats('hot').items).toBe(0);
  });

  it('lives for the group’s own ttl where the owner, as one in Go, does not say', async () => {
    const { clock, group } = createGroup([() => value('there')], { ttl: '1m' });
    await group.get('k');
    clock.advance(59_999);
    expect(group.peek('k')).toBe('there');
    clock.advance(1);

    expect(group.peek('k')).toBeUndefined();
  });

  it('has a cap of its own', async () => {
    const { clock, group } = createGroup([() => value('there', 60_000)], { hotTtl: '2s' });
    await group.get('k');
    clock.advance(2_000);

    expect(group.peek('k')).toBeUndefined();
  });

  it('is renewed by asking the owner, without asking the policy again', async () => {
    let asked = 0;
    const { clock, group, runs } = createGroup([() => value('old', 10_000), () => value('new', 10_000)], {
      staleWhileRevalidate: '5s',
      promote: () => asked++ === 0,
    });
    await group.get('k');
    clock.advance(10_000);

    expect(await group.get('k')).toBe('old');
    await reactions();
    expect(await group.get('k')).toBe('new');
    expect(runs()).toBe(0);
    expect(group.stats).toMatchObject({ peerLoads: 2, refreshes: 1, staleServed: 1 });
    expectSums(group.stats);
  });

  it('stays while the owner itself serves what it is just renewing', async () => {
    // All peers lost their copies at once, and asked the owner at every get, until each had been promoted anew.
    const { clock, group, questions } = createGroup(
      [() => value('old', 10_000), () => value('old', 0), () => value('new', 10_000)],
      { staleWhileRevalidate: '5s', promote: promoteAlways },
    );
    await group.get('k');
    clock.advance(10_000);
    for (let time = 0; time < 5; time++) {
      expect(await group.get('k')).toBe('old');
      await reactions();
    }
    expect(questions()).toBe(2);
    clock.advance(1_000);
    await group.get('k');
    await reactions();

    expect(group.peek('k')).toBe('new');
    expectSums(group.stats);
  });

  it('is gone once the owner says that there is no value', async () => {
    const { clock, group } = createGroup([() => value('old', 10_000), () => ({ outcome: 'notFound' })], {
      staleWhileRevalidate: '1h',
      staleIfError: '1h',
    });
    await group.get('k');
    clock.advance(10_000);
    await group.get('k');
    await reactions();

    expect(await group.get('k')).toBeUndefined();
    expect(group.cacheStats('hot').items).toBe(0);
  });

  it('is served where owner and own getter fail, and not before the own getter has been asked', async () => {
    // An expired copy was taken for one that had been loaded meanwhile: nobody's getter ran.
    const answers = ['mine'];
    const { clock, group, runs } = createGroup(
      [() => value('old', 10_000), gone],
      { staleIfError: '1h' },
      () => answers.shift() ?? Promise.reject(new Error('down')),
    );
    await group.get('k');
    clock.advance(10_000);
    expect(await group.get('k')).toBe('mine');
    expect(runs()).toBe(1);
    clock.advance(300_000);

    expect(await group.get('k')).toBe('mine');
    expect(runs()).toBe(2);
    expect(group.stats).toMatchObject({ peerErrors: 2, staleServed: 1, localLoads: 1, localLoadErrs: 1 });
    expectSums(group.stats);
  });

  it('is renewed by the own getter where the owner can’t be asked', async () => {
    const { clock, group } = createGroup([() => value('old', 10_000), gone], { staleWhileRevalidate: '1h' });
    await group.get('k');
    clock.advance(10_000);

    expect(await group.get('k')).toBe('old');
    await reactions();
    expect(group.peek('k')).toBe('here');
    expectSums(group.stats);
  });
});

describe('"not found" of another peer', () => {
  it('is remembered as long as the owner says, and not where it says nothing', async () => {
    const { clock, group, questions } = createGroup([
      () => ({ outcome: 'notFound', ttlMs: 2_000 }),
      () => ({ outcome: 'notFound' }),
    ]);
    await group.get('k');
    expect(await group.get('k')).toBeUndefined();
    expect(await group.getView('k')).toBeUndefined();
    expect(questions()).toBe(1);
    clock.advance(2_000);
    await group.get('k');
    await group.get('k');

    expect(questions()).toBe(3);
    expect(group.cacheStats('hot').items).toBe(0);
    expectSums(group.stats);
  });
});

describe('a peer’s question', () => {
  it('never has another peer asked, not even to renew what it is answered with', async () => {
    const { clock, group, questions, runs } = createGroup([() => value('old', 10_000)], {
      staleWhileRevalidate: '5s',
      refreshAhead: 0.5,
    });
    await group.get('k');
    clock.advance(9_000);
    expect(await group.serve('k')).toMatchObject({ outcome: 'value', ttlMs: 1_000 });
    clock.advance(1_000);
    expect(await group.serve('k')).toMatchObject({ outcome: 'value', ttlMs: 0 });
    await reactions();
    expect([questions(), runs()]).toEqual([1, 0]);

    // And a get right after it does renew.
    await group.get('k');
    expect(questions()).toBe(2);
  });

  it('has what this process owns renewed in the background', async () => {
    const clock = new ManualClock();
    let runs = 0;
    const group = new Group('prices', () => `run ${++runs}`, {
      codec: textCodec,
      clock,
      ttl: '10s',
      staleWhileRevalidate: '5s',
    });
    await group.serve('k');
    clock.advance(10_000);

    expect(await group.serve('k')).toMatchObject({ outcome: 'value', ttlMs: 0, value: ByteView.from('run 1') });
    expect(await group.serve('k')).toMatchObject({ outcome: 'value', ttlMs: 10_000, value: ByteView.from('run 2') });
  });
});

describe('a lifetime', () => {
  it('is decided once, by the owner, for all that hold a copy', async () => {
    const clock = new ManualClock();
    const network = new InMemoryNetwork();
    const peers = ['http://a', 'http://b', 'http://c'].map((url) => network.addPeer(url, { clock }));
    const asked: string[] = [];
    const groups = peers.map(({ url, groups: registry }) =>
      registry.define('prices', () => `from ${url}`, {
        codec: textCodec,
        promote: promoteAlways,
        ttl: (text) => (asked.push(text), '10s'),
      }),
    );
    const key = ['k', 'l', 'm', 'n', 'o', 'p'].find((one) => network.ownerOf(one) === 'http://a')!;
    const [owner, early, late] = groups as [Group<string>, Group<string>, Group<string>];
    await early.get(key);
    clock.advance(4_000);
    await late.get(key);

    expect(asked).toEqual(['from http://a']);
    clock.advance(5_999);
    expect([owner, early, late].map((group) => group.peek(key))).toEqual(Array(3).fill('from http://a'));
    clock.advance(1);
    expect([owner, early, late].map((group) => group.peek(key))).toEqual(Array(3).fill(undefined));
  });

  it('is asked of nobody for a value that is only handed on', async () => {
    let asked = 0;
    const { group } = createGroup([() => value('there', 10_000)], {
      promote: promoteNever,
      ttl: () => (asked++, '1m'),
    });
    await group.get('k');

    expect(asked).toBe(0);
  });
});
