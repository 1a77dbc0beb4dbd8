import {
  InvalidOptionError,
  MemoryBudget,
  jsonCodec,
  noPeers,
  promoteAlways,
  promoteByRate,
  promoteNever,
  promoteOneIn,
  systemClock,
  textCodec,
} from '../../lib/core/index.js';
import { describe, expect, it } from 'vitest';
import { toBytes } from '../../lib/core/byte-size.js';
import { deepFreeze } from '../../lib/core/deep-freeze.js';
import { toMilliseconds } from '../../lib/core/duration.js';
import { resolveGroupOptions } from '../../lib/core/group-options.js';

const candidate = { key: 'k', bytes: 1, minuteQps: 0 };
const fetched = (minuteQps: number): typeof candidate => ({ ...candidate, minuteQps });

describe('toMilliseconds', () => {
  it.each([
    [250, 250],
    [0.5, 0.5],
    ['250ms', 250],
    ['5s', 5000],
    ['10m', 600_000],
    ['1.5h', 5_400_000],
    ['1d', 86_400_000],
    [' 5s ', 5000],
  ] as const)('reads %j as %d ms', (duration, milliseconds) => {
    expect(toMilliseconds('ttl', duration as never)).toBe(milliseconds);
  });

  it.each([0, -1, Number.NaN, Infinity, 2 ** 31, '5', '5 s', 's', '-5s', '1e3s', '25d', '', null, {}, [5]])(
    'refuses %j',
    (duration) => {
      expect(() => toMilliseconds('ttl', duration as never)).toThrow(InvalidOptionError);
    },
  );

  it('names the option, the value and what is allowed', () => {
    expect(() => toMilliseconds('loadTimeout', 'soon' as never)).toThrow(
      /^Option "loadTimeout" is "soon"; expected milliseconds above 0/,
    );
  });
});

describe('toBytes', () => {
  it.each([
    [0, 0],
    [1024, 1024],
    ['10B', 10],
    ['1kB', 1000],
    ['1KB', 1000],
    ['64MB', 64_000_000],
    ['1GB', 1e9],
    ['1KiB', 1024],
    ['64MiB', 64 * 2 ** 20],
    ['1.5GiB', 1.5 * 2 ** 30],
  ] as const)('reads %j as %d bytes', (size, bytes) => {
    expect(toBytes('cacheBytes', size as never)).toBe(bytes);
  });

  it.each([-1, 1.5, Number.NaN, Infinity, 2 ** 53, '64', '64 MB', 'MB', '-1MB', '1TB', '1kiB', null, {}])(
    'refuses %j',
    (size) => {
      expect(() => toBytes('cacheBytes', size as never)).toThrow(/^Option "cacheBytes" is .*; expected whole bytes/);
    },
  );
});

describe('promoteOneIn', () => {
  it('mirrors when the die shows less than one in that many', () => {
    const rolls = [0, 0.0999, 0.1, 0.9];
    const promote = promoteOneIn(10, () => rolls.shift()!);

    expect([1, 2, 3, 4].map(() => promote(candidate))).toEqual([true, true, false, false]);
  });

  it('mirrors about one in ten by its own die', () => {
    const promote = promoteOneIn(10);
    let mirrored = 0;

    for (let n = 0; n < 20_000; n++) if (promote(candidate)) mirrored++;

    // Eleven standard deviations.
    expect(Math.abs(mirrored - 2000)).toBeLessThan(500);
  });

  it('has promoteAlways and promoteNever beside it', () => {
    expect(promoteAlways(candidate)).toBe(true);
    expect(promoteNever(candidate)).toBe(false);
  });
});

describe('promoteByRate', () => {
  it('mirrors what is asked for several times as often as the rest', () => {
    const promote = promoteByRate();
    for (let n = 0; n < 100; n++) promote(fetched(2));

    expect([promote(fetched(2)), promote(fetched(7)), promote(fetched(9))]).toEqual([false, false, true]);
  });

  it('mirrors nothing where all keys are asked for alike', () => {
    const promote = promoteByRate();

    expect(Array.from({ length: 100 }, () => promote(fetched(50)))).not.toContain(true);
  });

  it('goes by what has been fetched lately', () => {
    const promote = promoteByRate({ times: 3 });
    for (let n = 0; n < 1000; n++) promote(fetched(1000));
    expect(promote(fetched(100))).toBe(false);

    for (let n = 0; n < 5000; n++) promote(fetched(10));

    expect(promote(fetched(100))).toBe(true);
  });

  it.each([0, Number.NaN, Infinity, -1])('asks the other policy about a rate of %d', (minuteQps) => {
    const promote = promoteByRate({ whenUnknown: ({ key }) => key === 'k' });

    expect([promote(fetched(minuteQps)), promote({ ...fetched(minuteQps), key: 'other' })]).toEqual([true, false]);
  });

  it.each([0, -1, Number.NaN])('refuses %d times', (times) => {
    expect(() => promoteByRate({ times })).toThrow(InvalidOptionError);
  });
});

describe('resolveGroupOptions', () => {
  it('has the defaults that are documented', () => {
    expect(resolveGroupOptions({})).toMatchObject({
      cacheBytes: 64 * 2 ** 20,
      eviction: 'tinylfu',
      codec: jsonCodec,
      shares: true,
      loadTimeoutMs: 30_000,
      maxValueBytes: 16 * 2 ** 20,
      peers: noPeers,
      clock: systemClock,
    });
    expect(resolveGroupOptions({}).processBudget.maxBytes).toBe(Infinity);
  });

  it('reads an explicit undefined as absent', () => {
    const options = { cacheBytes: undefined, codec: undefined, share: undefined, loadTimeout: undefined };

    expect(resolveGroupOptions(options)).toMatchObject({
      cacheBytes: 64 * 2 ** 20,
      shares: true,
      loadTimeoutMs: 30_000,
    });
  });

  it('takes what is given', () => {
    const processBudget = new MemoryBudget(5);

    expect(
      resolveGroupOptions({ cacheBytes: '1MB', codec: textCodec, loadTimeout: '2s', maxValueBytes: 5, processBudget }),
    ).toMatchObject({ cacheBytes: 1e6, codec: textCodec, loadTimeoutMs: 2000, maxValueBytes: 5, processBudget });
  });

  it('shares frozen values only where the codec allows it and the group does not ask for copies', () => {
    expect(resolveGroupOptions({ share: 'frozen' }).shares).toBe(true);
    expect(resolveGroupOptions({ share: 'copy' }).shares).toBe(false);
    expect(resolveGroupOptions({ codec: { ...jsonCodec, freezable: false } }).shares).toBe(false);
  });

  it.each([
    ['cacheBytes', '64Mb'],
    ['codec', {}],
    ['codec', { encode: () => '' }],
    ['promote', 10],
    ['share', 'shared'],
    ['eviction', 'fifo'],
    ['loadTimeout', 0],
    ['maxValueBytes', -5],
    ['peers', {}],
  ])('refuses %s: %j, naming the option', (option, value) => {
    expect(() => resolveGroupOptions({ [option]: value })).toThrow(InvalidOptionError);
    expect(() => resolveGroupOptions({ [option]: value })).toThrow(`Option "${option}"`);
  });
});

describe('deepFreeze', () => {
  it('freezes plain data through and through', () => {
    const value = deepFreeze({ a: [{ b: 1 }], c: null, d: 'x' });

    expect(Object.isFrozen(value) && Object.isFrozen(value.a) && Object.isFrozen(value.a[0])).toBe(true);
    expect(deepFreeze(5)).toBe(5);
    expect(deepFreeze(null)).toBeNull();
  });
});
