import { AsyncLocalStorage } from 'node:async_hooks';
import {
  bytesCodec,
  ENTRY_OVERHEAD_BYTES,
  Group,
  InvalidKeyError,
  LoadAbandonedError,
  LoadTimeoutError,
  MemoryBudget,
  systemClock,
  textCodec,
  UndecodableValueError,
  UnencodableValueError,
  ValueTooLargeError,
  type Codec,
  type Getter,
  type GroupOptions,
  type GroupStats,
  type LoadContext,
} from '../../lib/core/index.js';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../lib/testing/manual-clock.js';
import { deferred, reactions, stateOf } from './deferred.js';

function createGroup<Value>(getter: Getter<Value>, options: GroupOptions<Value> = {}): Group<Value> {
  return new Group<Value>('prices', getter, { clock: new ManualClock(), ...options });
}

/** What must be true of a group without peers whenever no load is under way. */
function expectSums(stats: GroupStats): void {
  expect(stats.gets).toBe(stats.cacheHits + stats.loads);
  expect(stats.loadsDeduped).toBeLessThanOrEqual(stats.loads + stats.refreshes);
  expect(stats.loadsDeduped).toBe(stats.localLoads + stats.localLoadErrs);
  expect(stats.peerLoads + stats.peerErrors + stats.peerLoadErrs).toBe(0);
}

describe('Group.get', () => {
  it('loads a key once and answers from memory after that', async () => {
    const keys: string[] = [];
    const group = createGroup((key) => {
      keys.push(key);
      return { price: key.length };
    });

    expect(await group.get('ACME')).toEqual({ price: 4 });
    expect(await group.get('ACME')).toEqual({ price: 4 });
    expect(keys).toEqual(['ACME']);
    expect(group.stats).toMatchObject({ gets: 2, cacheHits: 1, loads: 1, loadsDeduped: 1, localLoads: 1 });
  });

  it('runs the getter once for a thousand who ask at the same time', async () => {
    const load = deferred<number>();
    let runs = 0;
    const group = createGroup(() => (runs++, load.promise));

    const answers = Promise.all(Array.from({ length: 1000 }, () => group.get('ACME')));
    load.resolve(41);

    expect(new Set(await answers)).toEqual(new Set([41]));
    expect(runs).toBe(1);
    expect(group.stats).toMatchObject({ gets: 1000, cacheHits: 0, loads: 1000, loadsDeduped: 1, localLoads: 1 });
    expectSums(group.stats);
  });

  it('has the value in memory before the load’s callers go on', async () => {
    const group = createGroup(() => Promise.resolve('41'));

    await group.get('ACME').then(() => expect(group.peek('ACME')).toBe('41'));
  });

  it('caches null as a value', async () => {
    let runs = 0;
    const group = createGroup<null>(() => (runs++, null));

    expect(await group.get('ACME')).toBeNull();
    expect(await group.get('ACME')).toBeNull();
    expect(group.peek('ACME')).toBeNull();
    expect(runs).toBe(1);
  });

  it.each<[string, Getter<string>]>([
    ['returns undefined', () => undefined],
    ['resolves to undefined', () => Promise.resolve(undefined)],
    ['calls context.notFound()', (_key, context) => context.notFound()],
    ['calls context.notFound() later', async (_key, context) => (await reactions(), context.notFound())],
  ])('resolves to undefined, and remembers nothing, when the getter %s', async (_how, getter) => {
    let runs = 0;
    const group = createGroup<string>((key, context) => (runs++, getter(key, context)));

    expect(await group.get('none')).toBeUndefined();
    expect(await group.getView('none')).toBeUndefined();
    expect(group.peek('none')).toBeUndefined();
    expect(runs).toBe(2);
    expect(group.cacheStats('main').items).toBe(0);
    expect(group.stats).toMatchObject({ localLoads: 2, localLoadErrs: 0 });
  });

  it.each<[string, Getter<string>]>([
    [
      'throws',
      () => {
        throw new Error('database is down');
      },
    ],
    ['rejects', () => Promise.reject(new Error('database is down'))],
  ])('rejects with what the getter %s, and does not cache it', async (_how, failing) => {
    const getters: Getter<string>[] = [failing, () => 'up again'];
    const group = createGroup<string>((key, context) => getters.shift()!(key, context));

    await expect(group.get('ACME')).rejects.toThrow('database is down');
    expect(await group.get('ACME')).toBe('up again');
    expect(group.stats).toMatchObject({ localLoads: 1, localLoadErrs: 1 });
    expectSums(group.stats);
  });

  it('passes on errors as they are, and things that are no errors', async () => {
    const error = new RangeError('mine');
    const group = createGroup((key) => Promise.reject(key === 'error' ? error : 'text')); // oxlint-disable-line prefer-promise-reject-errors

    await expect(group.get('error')).rejects.toBe(error);
    await expect(group.get('text')).rejects.toBe('text');
  });

  it('tells the getter its group and a signal', async () => {
    let seen: LoadContext | undefined;
    const group = createGroup((_key, context) => ((seen = context), 1));

    await group.get('ACME');

    expect(seen?.group).toBe('prices');
    expect(seen?.signal.aborted).toBe(false);
  });

  it.each([[undefined], [null], [5], [{}]])('refuses %j as a key', async (key) => {
    const group = createGroup(() => 1);

    await expect(group.get(key as string)).rejects.toThrow(InvalidKeyError);
    await expect(group.get(key as string)).rejects.toThrow('is not a string but');
    expect(group.stats.gets).toBe(group.stats.cacheHits + group.stats.loads);
  });

  it('refuses a key with a lone surrogate, and takes an empty one', async () => {
    const group = createGroup((key) => `<${key}>`);

    await expect(group.get('\ud800')).rejects.toThrow('holds a lone surrogate');
    expect(await group.get('')).toBe('<>');
  });

  it('never names the key or the value in an error of its own', async () => {
    const group = createGroup(() => ({ secret: 1n }));

    await expect(group.get('private\ud800')).rejects.not.toThrow('private');
    await expect(group.get('private')).rejects.toThrow('the result.secret is a bigint');
  });

  it('refuses what the codec can’t carry, and loads afresh next time', async () => {
    const values: unknown[] = [new Date(), 'fine'];
    const group = createGroup<unknown>(() => values.shift());

    await expect(group.get('ACME')).rejects.toThrow(UnencodableValueError);
    expect(await group.get('ACME')).toBe('fine');
    expectSums(group.stats);
  });

  it('refuses a value that is larger than maxValueBytes, and keeps none of it', async () => {
    const group = createGroup((key) => 'x'.repeat(Number(key)), { codec: textCodec, maxValueBytes: 10 });

    expect(await group.get('10')).toHaveLength(10);
    await expect(group.get('11')).rejects.toThrow(ValueTooLargeError);
    await expect(group.get('11')).rejects.toThrow('has 11 bytes; "maxValueBytes" allows 10');
    expect(group.cacheStats('main').items).toBe(1);
    expectSums(group.stats);
  });

  it('caches nothing with cacheBytes 0, and still shares loads', async () => {
    const load = deferred<string>();
    let runs = 0;
    const group = createGroup(() => (runs++, load.promise), { cacheBytes: 0 });
    const both = Promise.all([group.get('ACME'), group.get('ACME')]);
    load.resolve('41');

    expect(await both).toEqual(['41', '41']);
    expect(await group.get('ACME')).toBe('41');
    expect(runs).toBe(2);
    expect(group.peek('ACME')).toBeUndefined();
    expect(group.footprint).toBe(0);
    expect(group.stats).toMatchObject({ gets: 3, cacheHits: 0, loads: 3, loadsDeduped: 2 });
  });

  it('accounts for every byte of keys and values', async () => {
    const group = createGroup((key) => `value of ${key}`, { codec: textCodec });

    await group.getMany(['a', 'é']);

    const bytes = 1 + Buffer.byteLength('value of a') + 2 + Buffer.byteLength('value of é');
    expect(group.cacheStats('main')).toEqual({ bytes, items: 2, gets: 2, hits: 0, evictions: 0 });
    expect(group.cacheStats('hot')).toEqual({ bytes: 0, items: 0, gets: 2, hits: 0, evictions: 0 });
    expect(group.footprint).toBeGreaterThanOrEqual(bytes + 2 * ENTRY_OVERHEAD_BYTES);
  });
});

describe('Group.get with a signal', () => {
  it('lets the first caller go without failing the others', async () => {
    const load = deferred<string>();
    const first = new AbortController();
    let seen: AbortSignal | undefined;
    const group = createGroup((_key, context) => ((seen = context.signal), load.promise));
    const leaving = group.get('ACME', { signal: first.signal });
    const staying = group.get('ACME');

    first.abort(new Error('request was closed'));

    await expect(leaving).rejects.toThrow('request was closed');
    expect(seen?.aborted).toBe(false);
    load.resolve('41');
    expect(await staying).toBe('41');
  });

  it('stops the load when the last caller leaves, drops its late result and counts it once', async () => {
    const clock = new ManualClock();
    const loads = [deferred<string>(), deferred<string>()];
    const signals: AbortSignal[] = [];
    const group = createGroup<string>(
      (_key, context) => {
        signals.push(context.signal);
        return loads[signals.length - 1]!.promise;
      },
      { clock, forever: true },
    );
    const caller = new AbortController();
    const early = group.get('ACME', { signal: caller.signal });
    caller.abort();
    await expect(early).rejects.toThrow();
    expect(signals[0]?.reason).toBeInstanceOf(LoadAbandonedError);

    const late = group.get('ACME');
    loads[0]!.resolve('old');
    await reactions();
    expect(await stateOf(late)).toBe('pending');
    expect(group.peek('ACME')).toBeUndefined();
    loads[1]!.resolve('new');

    expect(await late).toBe('new');
    expect(group.peek('ACME')).toBe('new');
    expect(group.stats).toMatchObject({ loads: 2, loadsDeduped: 2, localLoads: 1, localLoadErrs: 1 });
    expect(clock.pending).toBe(0);
    expectSums(group.stats);
  });

  it('answers from memory whatever the signal says, and turns away a dead one on a miss', async () => {
    const group = createGroup(() => 1);
    const signal = AbortSignal.abort(new Error('dead'));

    await expect(group.get('ACME', { signal })).rejects.toThrow('dead');
    expect(group.stats).toMatchObject({ loads: 1, loadsDeduped: 0 });
    await group.get('ACME');

    expect(await group.get('ACME', { signal })).toBe(1);
  });
});

describe('Group.get past its deadline', () => {
  it('rejects with a LoadTimeoutError when the getter never settles, and loads afresh next time', async () => {
    const clock = new ManualClock();
    const getters: Getter<string>[] = [() => new Promise(() => undefined), () => 'second'];
    const group = createGroup<string>((key, context) => getters.shift()!(key, context), {
      clock,
      forever: true,
      loadTimeout: '5s',
    });
    const wedged = Promise.allSettled([group.get('ACME'), group.get('ACME')]);

    clock.advance(4999);
    expect(await stateOf(wedged)).toBe('pending');
    clock.advance(1);

    for (const outcome of await wedged) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: new LoadTimeoutError('prices', 5000) });
    }
    expect(await group.get('ACME')).toBe('second');
    expect(clock.pending).toBe(0);
    expectSums(group.stats);
  });

  it('aborts the getter’s signal and drops its late result', async () => {
    const clock = new ManualClock();
    const load = deferred<string>();
    let signal: AbortSignal | undefined;
    const group = createGroup((_key, context) => ((signal = context.signal), load.promise), { clock });
    const get = group.get('ACME');

    clock.advance(30_000);
    await expect(get).rejects.toThrow(LoadTimeoutError);
    load.resolve('late');
    await reactions();

    expect(signal?.reason).toBeInstanceOf(LoadTimeoutError);
    expect(group.peek('ACME')).toBeUndefined();
  });

  it.each([
    ['resolves', (load: ReturnType<typeof deferred<string>>) => load.resolve('late')],
    ['rejects', (load: ReturnType<typeof deferred<string>>) => load.reject(new Error('late'))],
  ])('counts a load once that times out and %s later', async (_how, settle) => {
    // Once counted as two failures: at the deadline, and when the getter settled at last.
    const clock = new ManualClock();
    const load = deferred<string>();
    const group = createGroup(() => load.promise, { clock });
    const get = group.get('ACME');
    clock.advance(30_000);
    await expect(get).rejects.toThrow(LoadTimeoutError);

    settle(load);
    await reactions();

    expect(group.stats).toMatchObject({ loads: 1, loadsDeduped: 1, localLoads: 0, localLoadErrs: 1 });
    expectSums(group.stats);
  });

  it('ends a getter that asks its own group for its own key', async () => {
    const clock = new ManualClock();
    const group: Group<string> = createGroup<string>((key) => group.get(key), { clock });
    const get = group.get('ACME');

    await reactions();
    clock.advance(30_000);

    await expect(get).rejects.toThrow(LoadTimeoutError);
  });

  it('needs no timer once the load has settled', async () => {
    const clock = new ManualClock();
    const group = createGroup((key) => (key === 'bad' ? Promise.reject(new Error('no')) : 1), {
      clock,
      forever: true,
    });

    await Promise.allSettled([group.get('good'), group.get('bad')]);

    expect(clock.pending).toBe(0);
  });

  it('has a deadline by the system clock too', async () => {
    const group = new Group<string>('prices', () => new Promise(() => undefined), {
      loadTimeout: 1,
      clock: systemClock,
    });
    const hold = setInterval(() => undefined, 1000); // the group's own timer does not keep a process alive

    await expect(group.get('ACME')).rejects.toThrow(LoadTimeoutError);
    clearInterval(hold);
  });
});

describe('Group.getMany', () => {
  it('answers in the order of the keys, with one load for a key given twice', async () => {
    let runs = 0;
    const group = createGroup((key) => (runs++, key === 'none' ? undefined : key.toUpperCase()));

    expect(await group.getMany(['b', 'none', 'a', 'b'])).toEqual(['B', undefined, 'A', 'B']);
    expect(runs).toBe(3);
    expect(await group.getMany([])).toEqual([]);
  });

  it('has a thousand under way at a time at most, of very many', async () => {
    let running = 0;
    let most = 0;
    const group = createGroup(async (key) => {
      most = Math.max(most, ++running);
      await Promise.resolve();
      running--;
      return key;
    });
    const keys = Array.from({ length: 2_500 }, (_, number) => String(number));

    expect(await group.getMany(keys)).toEqual(keys);
    expect(most).toBe(1_000);
  });

  it('rejects if one of them does, also by the signal', async () => {
    const group = createGroup((key) => (key === 'bad' ? Promise.reject(new Error('no')) : 1));

    await expect(group.getMany(['a', 'bad'])).rejects.toThrow('no');
    await expect(group.getMany(['c'], { signal: AbortSignal.abort(new Error('dead')) })).rejects.toThrow('dead');
  });
});

describe('Group.peek', () => {
  it('looks into memory and asks nobody', async () => {
    let runs = 0;
    const group = createGroup(() => ++runs);

    expect(group.peek('ACME')).toBeUndefined();
    await group.get('ACME');

    expect(group.peek('ACME')).toBe(1);
    expect(runs).toBe(1);
    expect(group.stats).toMatchObject({ gets: 1, cacheHits: 0 });
    expect(group.cacheStats('main')).toMatchObject({ gets: 1, hits: 0 });
  });

  it('is a use as far as eviction goes', async () => {
    const entry = 1 + 1 + ENTRY_OVERHEAD_BYTES;
    const group = createGroup(() => 'x', { codec: textCodec, cacheBytes: 2 * entry, eviction: 'lru' });
    await group.getMany(['a', 'b']);

    group.peek('a');
    await group.get('c');

    expect([group.peek('a'), group.peek('b'), group.peek('c')]).toEqual(['x', undefined, 'x']);
  });
});

describe('Group.getView and Group.getInto', () => {
  it('hand out the bytes as encoded, once loaded and from memory', async () => {
    const group = createGroup(() => ({ a: 'é' }));

    const loaded = await group.getView('k');

    expect(loaded?.toString()).toBe('{"a":"é"}');
    expect(await group.getView('k')).toBe(loaded);
    expect(group.stats).toMatchObject({ gets: 2, cacheHits: 1 });
  });

  it('copy as much as fits', async () => {
    const group = createGroup((key) => (key === 'none' ? undefined : 'ECHO:short'), { codec: textCodec });
    const target = Buffer.alloc(6);

    expect(await group.getInto('k', target)).toBe(6);
    expect(target.toString()).toBe('ECHO:s');
    expect(await group.getInto('k', Buffer.alloc(100))).toBe(10);
    expect(await group.getInto('none', target)).toBeUndefined();
    await expect(group.getInto('x', target, { signal: AbortSignal.abort(new Error('dead')) })).rejects.toThrow('dead');
  });
});

describe('share', () => {
  it("'frozen' hands everybody one value that nobody can change, decoded once", async () => {
    let decoded = 0;
    const codec: Codec<{ list: number[] }> = {
      name: 'counting',
      freezable: true,
      encode: (value) => JSON.stringify(value),
      decode: (view) => (decoded++, JSON.parse(view.toString()) as { list: number[] }),
    };
    const source = { list: [1] };
    const group = createGroup(() => source, { codec });

    const [first, second] = await group.getMany(['k', 'k']);
    const third = await group.get('k');

    expect(first).toBe(second);
    expect(group.peek('k')).toBe(third);
    expect(first).toBe(third);
    expect(decoded).toBe(1);
    expect(() => first!.list.push(2)).toThrow(TypeError);
    expect(first).not.toBe(source);
    expect(Object.isFrozen(source)).toBe(false);
  });

  it("'copy' hands everybody a value of his own", async () => {
    const group = createGroup(() => ({ list: [1] }), { share: 'copy' });

    const [first, second] = await group.getMany(['k', 'k']);
    first!.list.push(2);

    expect(second).toEqual({ list: [1] });
    expect(group.peek('k')).toEqual({ list: [1] });
  });

  it('copies what can’t be frozen, whatever is asked for', async () => {
    const group = createGroup(() => Buffer.from('abc'), { codec: bytesCodec, share: 'frozen' });

    (await group.get('k'))!.fill(0);

    expect((await group.get('k'))!.toString()).toBe('abc');
  });

  it('gives the loading process what its peers get: the round trip through the codec', async () => {
    class Quote {
      constructor(
        readonly symbol: string,
        readonly note: string | undefined,
      ) {}
    }
    const group = createGroup<object>((key) => new Quote(key, undefined));

    const quote = await group.get('ACME');

    expect(quote).not.toBeInstanceOf(Quote);
    expect(Object.keys(quote!)).toEqual(['symbol']);
  });
});

describe('undecodable bytes', () => {
  const breakable: Codec<string> = {
    name: 'breakable',
    encode: (value) => value,
    decode(view) {
      if (view.toString() === 'broken') throw new SyntaxError('unexpected token');
      return view.toString();
    },
  };

  it('reject with an UndecodableValueError that keeps the cause, and do not wedge their key', async () => {
    const values = ['broken', 'whole'];
    const group = createGroup(() => values.shift()!, { codec: breakable });

    const error: unknown = await group.get('k').catch((reason: unknown) => reason);

    expect(error).toBeInstanceOf(UndecodableValueError);
    expect((error as Error).cause).toBeInstanceOf(SyntaxError);
    expect(await group.get('k')).toBe('whole');
  });

  it('reject a get from memory, and throw from peek', async () => {
    const group = createGroup(() => 'broken', { codec: breakable });

    await group.getView('k');
    await expect(group.get('k')).rejects.toThrow(UndecodableValueError);
    expect(group.peek('k')).toBeUndefined();
    await group.getView('k');

    expect(() => group.peek('k')).toThrow(UndecodableValueError);
    expect(group.cacheStats('main').items).toBe(0);
  });
});

describe('Group.serve', () => {
  it('answers by the own getter and from memory, and counts', async () => {
    const group = createGroup((key) => (key === 'none' ? undefined : key), {
      codec: textCodec,
      forever: true,
    });

    const loaded = await group.serve('k');
    const remembered = await group.serve('k');

    expect(loaded).toMatchObject({ outcome: 'value', minuteQps: 1 });
    expect(remembered).toMatchObject({ outcome: 'value', minuteQps: 2 });
    for (const reply of [loaded, remembered]) expect(reply.outcome === 'value' && reply.value.equals('k')).toBe(true);
    expect(await group.serve('none')).toEqual({ outcome: 'notFound' });
    expect(group.stats).toMatchObject({ gets: 3, cacheHits: 1, loads: 2, serverRequests: 3, localLoads: 2 });
    expectSums(group.stats);
  });

  it('never asks a peer', async () => {
    const group = createGroup((key) => key, {
      peers: {
        pickPeer() {
          throw new Error('was asked');
        },
      },
    });

    expect(await group.serve('k')).toMatchObject({ outcome: 'value' });
  });

  it('gives a failure of the getter as an answer, made an Error where it is none', async () => {
    const error = new RangeError('no');
    const group = createGroup((key) => Promise.reject(key === 'error' ? error : 'text')); // oxlint-disable-line prefer-promise-reject-errors

    expect(await group.serve('error')).toEqual({ outcome: 'failed', error });
    expect(await group.serve('text')).toEqual({ outcome: 'failed', error: new Error('text') });
  });

  it('rejects with the reason of its signal, and shares a load with the own callers', async () => {
    const load = deferred<string>();
    let runs = 0;
    const group = createGroup(() => (runs++, load.promise));
    const asker = new AbortController();
    const served = group.serve('k', { signal: asker.signal });
    const own = group.get('k');

    asker.abort(new Error('peer hung up'));
    await expect(served).rejects.toThrow('peer hung up');
    load.resolve('41');

    expect(await own).toBe('41');
    expect(runs).toBe(1);
  });
});

describe('the async context of a load', () => {
  it('is nobody’s request: it is the one in which the group was made', async () => {
    const tenant = new AsyncLocalStorage<string>();
    const seen: (string | undefined)[] = [];
    const getter = async (): Promise<string> => {
      seen.push(tenant.getStore());
      await reactions();
      seen.push(tenant.getStore());
      return 'value';
    };
    const group = createGroup(getter);
    const startup = tenant.run('start-up', () => createGroup(getter));

    await tenant.run('tenant 7', () => group.get('k'));
    await tenant.run('tenant 7', () => group.serve('k2'));
    await tenant.run('tenant 7', () => startup.get('k'));

    expect(seen).toEqual([undefined, undefined, undefined, undefined, 'start-up', 'start-up']);
  });

  it('is the caller’s own again once he has the value', async () => {
    const tenant = new AsyncLocalStorage<string>();
    const load = deferred<string>();
    const group = createGroup(() => load.promise);
    const ask = async (): Promise<string | undefined> => (await group.get('k'), tenant.getStore());

    const both = Promise.all([tenant.run('a', ask), tenant.run('b', ask)]);
    load.resolve('x');

    expect(await both).toEqual(['a', 'b']);
  });
});

describe('Group.dropMemory and Group.close', () => {
  it('drop everything; the group can still be asked', async () => {
    const processBudget = new MemoryBudget(Infinity);
    let runs = 0;
    const group = createGroup(() => ++runs, { processBudget });

    await group.get('k');
    group.dropMemory();
    expect(await group.get('k')).toBe(2);
    expect(group.peek('k')).toBe(2);
    group.close();

    expect(processBudget.footprint).toBe(0);
    expect(await group.get('k')).toBe(3);
    expect(group.footprint).toBe(0);
  });
});

describe('Group.stats', () => {
  it('is a copy, not a view', async () => {
    const group = createGroup(() => 1);
    const before = group.stats;

    await group.get('k');

    expect(before.gets).toBe(0);
    expect(group.stats.gets).toBe(1);
  });
});
