import { describe, expect, it } from 'vitest';
import { CacheEntry, LATE_TIMES_BYTES } from '../../lib/core/cache-entry.js';
import { ByteView, InvalidOptionError } from '../../lib/core/index.js';
import { Lifetimes, resolveLifetimes, type LifetimeSettings } from '../../lib/core/lifetimes.js';
import { ManualClock } from '../../lib/testing/manual-clock.js';

const MINUTE = 60_000;

function createLifetimes(
  settings: LifetimeSettings<string>,
  { clock = new ManualClock(), random = 0 } = {},
): Lifetimes<string> {
  return new Lifetimes(resolveLifetimes(settings), clock, () => random);
}

function createEntry(view: ByteView | undefined = ByteView.from('41')): CacheEntry {
  return new CacheEntry(view, 2, 252);
}

/** When an entry of ten seconds, loaded at 1,000, is to be refreshed. */
function dueAt(random: number): number {
  const entry = createEntry();
  createLifetimes({ ttl: '10s', refreshAhead: 0.8 }, { random }).begin(entry, 10_000, 1_000);
  return entry.dueMs;
}

describe('resolveLifetimes', () => {
  it('gives values five minutes, and nothing past that, if nothing is said', () => {
    expect(resolveLifetimes({})).toEqual({
      ttl: 5 * MINUTE,
      staleWhileRevalidateMs: 0,
      staleIfErrorMs: 0,
      softTimeoutMs: 0,
      refreshAhead: 1,
      jitter: 0,
      negativeTtlMs: 0,
      hotTtlMs: Number.POSITIVE_INFINITY,
    });
  });

  it('takes all in milliseconds or with a unit, also longer than a timer can be set for', () => {
    expect(
      resolveLifetimes({
        ttl: '30d',
        staleWhileRevalidate: '10s',
        staleIfError: '60d',
        softTimeout: 250,
        negativeTtl: '5s',
        hotTtl: '1m',
      }),
    ).toMatchObject({
      ttl: 30 * 24 * 60 * MINUTE,
      staleWhileRevalidateMs: 10_000,
      staleIfErrorMs: 60 * 24 * 60 * MINUTE,
      softTimeoutMs: 250,
      negativeTtlMs: 5_000,
      hotTtlMs: MINUTE,
    });
  });

  it('takes 0, and 1 for refreshAhead, for "none": a group may do without what the defaults say', () => {
    const none = { staleWhileRevalidate: 0, staleIfError: 0, softTimeout: 0, negativeTtl: 0, refreshAhead: 1 } as const;

    expect(resolveLifetimes(none)).toEqual(resolveLifetimes({}));
  });

  it.each<[keyof LifetimeSettings<string>, unknown]>([
    ['ttl', 0],
    ['ttl', -1],
    ['ttl', Number.NaN],
    ['ttl', Number.POSITIVE_INFINITY],
    ['ttl', '4000d'],
    ['ttl', 'soon'],
    ['forever', 'yes'],
    ['staleWhileRevalidate', -1],
    ['staleIfError', '5'],
    ['negativeTtl', Number.NaN],
    ['hotTtl', 0],
    ['softTimeout', '25d'],
    ['refreshAhead', 0],
    ['refreshAhead', 1.1],
    ['refreshAhead', Number.NaN],
    ['jitter', 1],
    ['jitter', -0.1],
    ['jitter', Number.NaN],
  ])('refuses %s: %j', (option, given) => {
    expect(() => resolveLifetimes({ staleIfError: '1h', [option]: given })).toThrow(
      expect.objectContaining({ constructor: InvalidOptionError, message: expect.stringContaining(`"${option}"`) }),
    );
  });

  it('refuses a ttl beside forever, and a softTimeout with nothing to serve then', () => {
    expect(() => resolveLifetimes({ ttl: '1m', forever: true })).toThrow(InvalidOptionError);
    expect(() => resolveLifetimes({ softTimeout: '1s' })).toThrow(/"staleIfError"/);
  });
});

describe('Lifetimes', () => {
  it('shortens a lifetime by jitter, at most by that share', () => {
    expect(createLifetimes({ ttl: '10s', jitter: 0.2 }, { random: 0 }).ofLoaded('41', 'k')).toBe(10_000);
    expect(createLifetimes({ ttl: '10s', jitter: 0.2 }, { random: 0.5 }).ofLoaded('41', 'k')).toBe(9_000);
    expect(createLifetimes({ forever: true, jitter: 0.2 }).ofLoaded('41', 'k')).toBe(Number.POSITIVE_INFINITY);
  });

  it('asks a function by value and key, and takes a time that is over for "not to be kept"', () => {
    const asked: unknown[] = [];
    const lifetimes = createLifetimes({ ttl: (value, key) => (asked.push([value, key]), Number(value)) });

    expect([lifetimes.ofLoaded('41', 'k'), lifetimes.ofLoaded('0', 'k'), lifetimes.ofLoaded('-5', 'k')]).toEqual([
      41, 0, 0,
    ]);
    expect(asked[0]).toEqual(['41', 'k']);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, 1e300, 'soon', undefined, null, {}, true])(
    'throws where a function says %j',
    (said) => {
      const lifetimes = createLifetimes({ ttl: () => said as never });

      expect(() => lifetimes.ofLoaded('41', 'k')).toThrow(InvalidOptionError);
    },
  );

  it('does not tell what a function has said, which may be the value', () => {
    const lifetimes = createLifetimes({ ttl: (value) => value as never });

    expect(() => lifetimes.ofLoaded('a secret', 'k')).toThrow(
      expect.objectContaining({ value: 'string', message: expect.not.stringContaining('secret') }),
    );
  });

  it('spreads refreshes from the share on over half of the rest of the ttl', () => {
    expect([dueAt(0), dueAt(0.5), dueAt(0.999)]).toEqual([9_000, 9_500, 9_999]);
  });

  it('tells by age what may be done with an entry', () => {
    const lifetimes = createLifetimes({ ttl: '10s', staleWhileRevalidate: '5s', staleIfError: '20s' });
    const entry = createEntry();
    lifetimes.begin(entry, 10_000, 0);

    expect(
      [0, 9_999, 10_000, 14_999, 15_000, 29_999, 30_000].map((nowMs) => lifetimes.freshness(entry, nowMs)),
    ).toEqual(['fresh', 'fresh', 'stale', 'stale', 'last-resort', 'last-resort', 'dead']);
  });

  it('has no use for "not found" past its time', () => {
    const lifetimes = createLifetimes({ staleWhileRevalidate: '5s', staleIfError: '20s', negativeTtl: '1s' });
    const entry = new CacheEntry(undefined, 1, 251);
    lifetimes.begin(entry, lifetimes.ofNotFound, 0);

    expect([lifetimes.freshness(entry, 999), lifetimes.freshness(entry, 1_000)]).toEqual(['fresh', 'dead']);
  });

  it('says what is left in milliseconds, and nothing of what lives for ever', () => {
    const clock = new ManualClock();
    const lifetimes = createLifetimes({}, { clock });
    const [brief, lasting] = [createEntry(), createEntry()];
    lifetimes.begin(brief, 1_000, 0);
    lifetimes.begin(lasting, Number.POSITIVE_INFINITY, 0);

    clock.advance(400);
    expect([lifetimes.remainingMs(brief), lifetimes.remainingMs(lasting)]).toEqual([600, undefined]);
    clock.advance(5_000);
    expect([lifetimes.remainingMs(brief), lifetimes.isFresh(brief), lifetimes.isFresh(lasting)]).toEqual([
      0,
      false,
      true,
    ]);
  });

  it('tells an entry that is over at the clock’s very start from one that lives for ever', () => {
    const lifetimes = createLifetimes({});
    const entry = createEntry();
    lifetimes.begin(entry, 0.5, 0);

    expect(entry.expiresMs).toBe(1);
    expect(lifetimes.freshness(entry, 1)).toBe('dead');
  });

  it('counts the memory that times past 24 days take', () => {
    const lifetimes = createLifetimes({});
    const [early, late] = [createEntry(), createEntry()];
    lifetimes.begin(early, 1_000, 0);
    lifetimes.begin(late, 1_000, 2 ** 31);

    expect(late.footprint - early.footprint).toBe(LATE_TIMES_BYTES);
  });

  it.each([
    [{ ttl: '1m' }, 10_000, 10_000],
    [{ ttl: '1m' }, undefined, MINUTE],
    [{ ttl: '1m', hotTtl: '5s' }, 10_000, 5_000],
    [{ ttl: '1m', hotTtl: '5s' }, 1_000, 1_000],
    [{ forever: true }, undefined, Number.POSITIVE_INFINITY],
    [{ forever: true, hotTtl: '5s' }, undefined, 5_000],
    [{ forever: true }, 10_000, 10_000],
    [{ ttl: (): number => 1 }, undefined, 5 * MINUTE],
  ] as [LifetimeSettings<string>, number | undefined, number][])(
    'has a copy live by its owner’s word, the group’s if there is none, and its own cap: %j, %j',
    (settings, said, expected) => {
      expect(createLifetimes(settings).ofCopy(said)).toBe(expected);
    },
  );
});
