import { describe, expect, it, vi } from 'vitest';
import {
  Group,
  GroupRegistry,
  InvalidOptionError,
  textCodec,
  type Getter,
  type GroupOptions,
  type GroupStats,
} from '../../lib/core/index.js';
import { ManualClock } from '../../lib/testing/manual-clock.js';
import { deferred, reactions, stateOf } from './deferred.js';

interface Given {
  readonly clock: ManualClock;
  readonly group: Group<string>;
  /** Runs of the getter so far. */
  readonly runs: () => number;
}

/** A group of texts that live for ten seconds; the getter says which run it is, unless there is another one. */
function createGroup(options: GroupOptions<string> = {}, getter?: Getter<string>): Given {
  const clock = new ManualClock();
  let runs = 0;
  const counting: Getter<string> = (key, context) => {
    runs++;
    return getter === undefined ? `run ${runs}` : getter(key, context);
  };
  const ttl = options.forever === true ? undefined : '10s';
  const group = new Group('prices', counting, { codec: textCodec, clock, ttl, ...options });
  return { clock, group, runs: () => runs };
}

/** What must be true of a group without peers whenever no load is under way. */
function expectSums(stats: GroupStats): void {
  expect(stats.gets).toBe(stats.cacheHits + stats.loads);
  expect(stats.loadsDeduped).toBe(stats.localLoads + stats.localLoadErrs);
  expect(stats.loadsDeduped).toBeLessThanOrEqual(stats.loads + stats.refreshes);
  expect(stats.staleServed).toBeLessThanOrEqual(stats.gets);
}

const absent: Getter<string> = () => undefined;

/** A getter that gives `first`, and fails from then on. */
function failing(first: string): Getter<string> {
  const answers = [Promise.resolve(first)];
  return () => answers.shift() ?? Promise.reject(new Error('down'));
}

/** A group whose getter gives "old", and then what `load` comes to. */
function createSlow(): Given & { readonly load: ReturnType<typeof deferred<string>>; signals: AbortSignal[] } {
  const load = deferred<string>();
  const signals: AbortSignal[] = [];
  const given = createGroup({ staleIfError: '1h', softTimeout: '1s' }, (_key, { signal }) => {
    signals.push(signal);
    return signals.length === 1 ? 'old' : load.promise;
  });
  return { ...given, load, signals };
}

describe('Group.get of a value with a ttl', () => {
  it('answers from memory up to its end, and loads again from there on', async () => {
    const { clock, group, runs } = createGroup();
    await group.get('k');

    clock.advance(9_999);
    expect(await group.get('k')).toBe('run 1');
    clock.advance(1);

    expect(group.peek('k')).toBeUndefined();
    expect(await group.get('k')).toBe('run 2');
    expect(runs()).toBe(2);
    expectSums(group.stats);
  });

  it('counts the ttl from when the load ends', async () => {
    const load = deferred<string>();
    const { clock, group } = createGroup({}, () => load.promise);
    const get = group.get('k');
    clock.advance(8_000);
    load.resolve('41');
    await get;

    clock.advance(9_999);
    expect(group.peek('k')).toBe('41');
  });

  it('keeps a value for five minutes if nothing is said, and for ever only in so many words', async () => {
    const clock = new ManualClock();
    const byDefault = new Group('prices', () => '41', { clock });
    const lasting = new Group('cities', () => 'Oslo', { clock, forever: true });
    await Promise.all([byDefault.get('k'), lasting.get('k')]);

    clock.advance(299_999);
    expect(byDefault.peek('k')).toBe('41');
    clock.advance(1);
    expect(byDefault.peek('k')).toBeUndefined();
    clock.advance(1e12);
    expect(lasting.peek('k')).toBe('Oslo');
  });

  it('gives each value the ttl that its function says', async () => {
    const { clock, group } = createGroup({ ttl: (value, key) => (key === 'brief' ? 1_000 : `${value.length}m`) });
    await group.getMany(['brief', 'long']);

    clock.advance(1_000);
    expect([group.peek('brief'), group.peek('long')]).toEqual([undefined, 'run 2']);
  });

  it('hands out, and does not keep, what its function gives no time, nor what was kept before', async () => {
    const ttls = [10_000, 0, -5];
    const { clock, group, runs } = createGroup({ ttl: () => ttls.shift()!, staleIfError: '1h' });
    await group.get('k');
    clock.advance(10_000);

    expect(await group.get('k')).toBe('run 2');
    expect(group.cacheStats('main').items).toBe(0);
    expect(await group.get('k')).toBe('run 3');
    expect(runs()).toBe(3);
    expectSums(group.stats);
  });

  it('fails the load, and keeps nothing, where the function throws or says what is no duration', async () => {
    const says: (() => number)[] = [
      () => {
        throw new Error('no ttl');
      },
      () => Number.NaN,
    ];
    const { group } = createGroup({ ttl: () => says.shift()!() });

    await expect(group.get('k')).rejects.toThrow('no ttl');
    await expect(group.get('k')).rejects.toThrow(InvalidOptionError);
    expect(group.cacheStats('main').items).toBe(0);
    expect(group.stats).toMatchObject({ localLoads: 0, localLoadErrs: 2 });
    expectSums(group.stats);
  });

  it('is wrong about no clock: one that starts at 0, and one past what 32 bits hold', async () => {
    for (const startMs of [0, 2 ** 31 - 5_000, 2 ** 40]) {
      const clock = new ManualClock(startMs);
      const group = new Group('prices', () => '41', { clock, ttl: '10s' });
      await group.get('k');
      clock.advance(9_999);
      expect(group.peek('k')).toBe('41');
      clock.advance(1);
      expect(group.peek('k')).toBeUndefined();
    }
  });
});

describe('Group.get with negativeTtl', () => {
  it('remembers "not found" for so long, wherever it is asked for', async () => {
    const { clock, group, runs } = createGroup({ negativeTtl: '2s' }, absent);
    await group.get('k');

    expect(await group.get('k')).toBeUndefined();
    expect(group.peek('k')).toBeUndefined();
    expect(await group.getView('k')).toBeUndefined();
    expect(await group.getInto('k', new Uint8Array(4))).toBeUndefined();
    expect(await group.serve('k')).toEqual({ outcome: 'notFound', ttlMs: 2_000 });
    expect(runs()).toBe(1);
    clock.advance(2_000);
    await group.get('k');

    expect(runs()).toBe(2);
    expectSums(group.stats);
  });

  it('takes its memory out of the budget, and gives it back', async () => {
    const { group } = createGroup({ negativeTtl: '2s', eviction: 'lru' }, absent);
    await group.get('key');

    expect(group.footprint).toBeGreaterThan(3);
    group.dropMemory();
    expect(group.footprint).toBe(0);
  });

  it('never serves "not found" past its time, whatever may be served of values', async () => {
    const answers: Getter<string>[] = [absent, () => Promise.reject(new Error('down'))];
    const { clock, group } = createGroup(
      { negativeTtl: '2s', staleWhileRevalidate: '1h', staleIfError: '1h' },
      (key, context) => answers.shift()!(key, context),
    );
    await group.get('k');
    clock.advance(2_000);

    await expect(group.get('k')).rejects.toThrow('down');
  });

  it('lets "not found" take the place of a value that might still be served', async () => {
    const answers = ['41', undefined, undefined];
    const { clock, group } = createGroup({ staleIfError: '1h' }, () => answers.shift());
    await group.get('k');
    clock.advance(10_000);

    expect(await group.get('k')).toBeUndefined();
    expect(group.cacheStats('main').items).toBe(0);
  });
});

describe('Group.get with staleWhileRevalidate', () => {
  it('serves the old value at once, and has one load renew it', async () => {
    const loads = [Promise.resolve('old')];
    const renewal = deferred<string>();
    const { clock, group, runs } = createGroup({ staleWhileRevalidate: '5s' }, () => loads.shift() ?? renewal.promise);
    await group.get('k');
    clock.advance(10_000);

    expect(await Promise.all([group.get('k'), group.get('k'), group.getView('k')])).toMatchObject(['old', 'old', {}]);
    expect(runs()).toBe(2);
    expect(group.peek('k')).toBeUndefined();
    renewal.resolve('new');
    await reactions();

    expect(await group.get('k')).toBe('new');
    expect(group.stats).toMatchObject({ gets: 5, cacheHits: 4, loads: 1, staleServed: 3, refreshes: 1 });
    expectSums(group.stats);
  });

  it('waits for the load once that time is over, too', async () => {
    const { clock, group } = createGroup({ staleWhileRevalidate: '5s' });
    await group.get('k');
    clock.advance(15_000);

    expect(await group.get('k')).toBe('run 2');
    expect(group.stats).toMatchObject({ staleServed: 0, refreshes: 0 });
  });

  it('tries again after a second, not at every get, while renewing fails', async () => {
    const answers = [Promise.resolve('old')];
    const { clock, group, runs } = createGroup(
      { staleWhileRevalidate: '5s' },
      () => answers.shift() ?? Promise.reject(new Error('down')),
    );
    await group.get('k');
    clock.advance(10_000);

    for (let time = 0; time < 10; time++) {
      expect(await group.get('k')).toBe('old');
      await reactions();
    }
    expect(runs()).toBe(2);
    clock.advance(1_000);
    expect(await group.get('k')).toBe('old');
    await reactions();

    expect(runs()).toBe(3);
    expect(group.stats).toMatchObject({ staleServed: 11, refreshes: 2, localLoadErrs: 2 });
    expectSums(group.stats);
  });

  it('is not stopped by a caller who leaves: nobody in particular waits for the renewal', async () => {
    const signals: AbortSignal[] = [];
    const renewal = deferred<string>();
    const { clock, group } = createGroup({ staleWhileRevalidate: '5s' }, (_key, { signal }) => {
      signals.push(signal);
      return signals.length === 1 ? 'old' : renewal.promise;
    });
    await group.get('k');
    clock.advance(10_000);
    const caller = new AbortController();

    expect(await group.get('k', { signal: caller.signal })).toBe('old');
    caller.abort();
    expect(signals[1]?.aborted).toBe(false);
    renewal.resolve('new');
    await reactions();

    expect(group.peek('k')).toBe('new');
  });

  it('loses the old value with the memory, and does not serve it again', async () => {
    const { clock, group } = createGroup({ staleWhileRevalidate: '5s' });
    await group.get('k');
    clock.advance(10_000);
    group.dropMemory();

    expect(await group.get('k')).toBe('run 2');
  });

  it('runs the getter under the same deadline as any load', async () => {
    const answers = [Promise.resolve('old')];
    const { clock, group, runs } = createGroup(
      { staleWhileRevalidate: '1h', loadTimeout: '3s' },
      () => answers.shift() ?? new Promise(() => undefined),
    );
    await group.get('k');
    clock.advance(10_000);
    await group.get('k');
    clock.advance(2_999);
    await group.get('k');
    expect(runs()).toBe(2);
    clock.advance(1);
    await reactions();
    await group.get('k');

    expect(runs()).toBe(3);
    expect(group.stats).toMatchObject({ localLoadErrs: 1, refreshes: 2 });
  });
});

describe('Group.get with refreshAhead', () => {
  it('starts one load in the background past that share of the ttl, and serves what is held', async () => {
    const answers = ['old', 'new'];
    const { clock, group, runs } = createGroup({ refreshAhead: 0.8 }, () => answers.shift());
    await group.get('k');
    clock.advance(7_999);
    await group.get('k');
    expect(runs()).toBe(1);
    clock.advance(1_001);

    expect(await group.get('k')).toBe('old');
    expect(await group.get('k')).toBe('new');
    clock.advance(5_000);
    expect(group.peek('k')).toBe('new');
    expect(group.stats).toMatchObject({ loads: 1, refreshes: 1, staleServed: 0, localLoads: 2 });
    expectSums(group.stats);
  });

  it('tries it once: a failure is no reason to hurry while the value is fresh', async () => {
    const answers = [Promise.resolve('old')];
    const { clock, group, runs } = createGroup(
      { refreshAhead: 0.5 },
      () => answers.shift() ?? Promise.reject(new Error('down')),
    );
    await group.get('k');
    clock.advance(9_000);
    for (let time = 0; time < 3; time++) {
      expect(await group.get('k')).toBe('old');
      await reactions();
    }

    expect(runs()).toBe(2);
    clock.advance(1_000);
    await expect(group.get('k')).rejects.toThrow('down');
    expectSums(group.stats);
  });

  it('starts none beside one that is under way', async () => {
    const renewal = deferred<string>();
    const answers: Promise<string>[] = [Promise.resolve('old')];
    const { clock, group, runs } = createGroup({ refreshAhead: 0.5 }, () => answers.shift() ?? renewal.promise);
    await group.get('k');
    clock.advance(9_000);
    await Promise.all([group.get('k'), group.get('k')]);
    clock.advance(1_000);
    const late = group.get('k');
    renewal.resolve('new');

    expect(await late).toBe('new');
    expect(runs()).toBe(2);
  });
});

describe('Group.get with staleIfError', () => {
  it('serves the old value where the load fails, as long as it may', async () => {
    const { clock, group } = createGroup({ staleIfError: '1h' }, failing('old'));
    await group.get('k');
    clock.advance(10_000);

    expect(await group.get('k')).toBe('old');
    expect(group.stats).toMatchObject({ loads: 2, localLoadErrs: 1, staleServed: 1, refreshes: 0 });
    clock.advance(3_600_000);
    await expect(group.get('k')).rejects.toThrow('down');
    expectSums(group.stats);
  });

  it('does not serve what has been dropped while the load ran', async () => {
    const load = deferred<string>();
    const answers = [Promise.resolve('old')];
    const { clock, group } = createGroup({ staleIfError: '1h' }, () => answers.shift() ?? load.promise);
    await group.get('k');
    clock.advance(10_000);
    const get = group.get('k');
    group.dropMemory();
    load.reject(new Error('down'));

    await expect(get).rejects.toThrow('down');
    expect(group.stats.staleServed).toBe(0);
  });

  it('does not serve what has grown too old while the load ran', async () => {
    const load = deferred<string>();
    const answers = [Promise.resolve('old')];
    const { clock, group } = createGroup({ staleIfError: '5s' }, () => answers.shift() ?? load.promise);
    await group.get('k');
    clock.advance(14_000);
    const get = group.get('k');
    clock.advance(1_000);
    load.reject(new Error('down'));

    await expect(get).rejects.toThrow('down');
  });

  it('rejects a caller who has left with the reason of its signal', async () => {
    const answers = [Promise.resolve('old')];
    const { clock, group } = createGroup({ staleIfError: '1h' }, () => answers.shift() ?? new Promise(() => undefined));
    await group.get('k');
    clock.advance(10_000);
    const caller = new AbortController();
    const get = group.get('k', { signal: caller.signal });
    caller.abort(new Error('gone'));

    await expect(get).rejects.toThrow('gone');
    expect(group.stats.staleServed).toBe(0);
  });

  it('tells an asking peer the old value, not to be kept', async () => {
    const { clock, group } = createGroup({ staleIfError: '1h' }, failing('old'));
    await group.serve('k');
    clock.advance(10_000);

    expect(await group.serve('k')).toMatchObject({ outcome: 'value', ttlMs: 0 });
  });
});

describe('Group.get with softTimeout', () => {
  it('serves the old value when the load takes longer, and lets the load go on', async () => {
    const { clock, group, load, runs } = createSlow();
    await group.get('k');
    clock.advance(10_000);
    const get = group.get('k');
    clock.advance(999);
    expect(await stateOf(get)).toBe('pending');
    clock.advance(1);

    expect(await get).toBe('old');
    load.resolve('new');
    await reactions();
    expect(group.peek('k')).toBe('new');
    expect(runs()).toBe(2);
    expect(group.stats).toMatchObject({ loads: 2, staleServed: 1, localLoads: 2 });
    expectSums(group.stats);
  });

  it('lets it go on when the caller, who has been served, goes away', async () => {
    const { clock, group, load, signals } = createSlow();
    await group.get('k');
    clock.advance(10_000);
    const caller = new AbortController();
    const get = group.get('k', { signal: caller.signal });
    clock.advance(1_000);
    expect(await get).toBe('old');
    caller.abort();

    expect(signals[1]?.aborted).toBe(false);
    load.resolve('new');
    await reactions();
    expect(group.peek('k')).toBe('new');
    expectSums(group.stats);
  });

  it('waits for the load where there is nothing to serve, and leaves no timer when it is in time', async () => {
    const { clock, group, load } = createSlow();
    await group.get('k');
    group.dropMemory();
    const get = group.get('k');
    clock.advance(5_000);
    expect(await stateOf(get)).toBe('pending');
    load.resolve('new');
    expect(await get).toBe('new');
    clock.advance(10_000);
    const before = clock.pending;
    await group.get('k');

    expect(clock.pending).toBe(before);
  });

  it('leaves no rejection unhandled, and counts once, when the load fails after all', async () => {
    const unhandled = vi.fn<() => void>();
    process.on('unhandledRejection', unhandled);
    const { clock, group, load } = createSlow();
    await group.get('k');
    clock.advance(10_000);
    const get = group.get('k', { signal: new AbortController().signal });
    clock.advance(1_000);
    await get;
    load.reject(new Error('down'));
    await reactions();
    await reactions();
    process.off('unhandledRejection', unhandled);

    expect(unhandled).not.toHaveBeenCalled();
    expect(group.stats).toMatchObject({ staleServed: 1, localLoadErrs: 1 });
    expectSums(group.stats);
  });
});

describe('GroupRegistry.define with lifetimes', () => {
  it('puts a group’s ttl in the place of the defaults’ forever, and the other way round', async () => {
    const clock = new ManualClock();
    const lasting = new GroupRegistry({ clock, defaults: { forever: true } });
    const brief = new GroupRegistry({ clock, defaults: { ttl: '1s', softTimeout: '1s', staleIfError: '2s' } });
    const groups = [
      lasting.define('own ttl', () => 1, { ttl: '1s' }),
      lasting.define('not for ever', () => 1, { forever: false }),
      lasting.define('for ever', () => 1),
      brief.define('for ever', () => 1, { forever: true }),
      brief.define('by default', () => 1, { ttl: undefined, staleIfError: 0, softTimeout: 0 }),
    ];
    await Promise.all(groups.map((group) => group.get('k')));

    clock.advance(1_000);
    expect(groups.map((group) => group.peek('k'))).toEqual([undefined, 1, 1, 1, undefined]);
    clock.advance(300_000);
    expect(groups.map((group) => group.peek('k'))).toEqual([undefined, undefined, 1, 1, undefined]);
  });
});
