import {
  ByteView,
  DuplicateGroupError,
  Group,
  GroupRegistry,
  InvalidOptionError,
  promoteAlways,
  textCodec,
  UnknownGroupError,
} from '../../lib/core/index.js';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../lib/testing/manual-clock.js';

describe('GroupRegistry', () => {
  it('finds groups by the names under which they were defined', async () => {
    const registry = new GroupRegistry();

    const prices = registry.define('prices', () => 1);
    const cities = registry.define('cities', () => 2);

    expect(registry.get('prices')).toBe(prices);
    expect(registry.find('cities')).toBe(cities);
    expect(registry.find('none')).toBeUndefined();
    expect(registry.groups).toEqual([prices, cities]);
    expect(await registry.get<number>('cities').get('k')).toBe(2);
  });

  it('names the groups that there are when asked for another', () => {
    const registry = new GroupRegistry();
    expect(() => registry.get('x')).toThrow(new UnknownGroupError('x', []));
    registry.define('prices', () => 1);
    registry.define('cities', () => 1);

    expect(() => registry.get('price')).toThrow('No group "price" is defined; there are: prices, cities');
  });

  it('refuses a name that is taken', () => {
    const registry = new GroupRegistry();
    registry.define('prices', () => 1);

    expect(() => registry.define('prices', () => 2)).toThrow(DuplicateGroupError);
  });

  it.each(['', '\ud800', undefined, 5, 'x'.repeat(1_001)])('refuses the name %j', (name) => {
    expect(() => new GroupRegistry().define(name as string, () => 1)).toThrow(InvalidOptionError);
    expect(() => new Group(name as string, () => 1)).toThrow(InvalidOptionError);
  });

  it('does not keep a group whose options are refused', () => {
    const registry = new GroupRegistry();

    expect(() => registry.define('prices', () => 1, { share: 'x' as never })).toThrow(InvalidOptionError);

    expect(registry.find('prices')).toBeUndefined();
  });

  it('is one application’s own: two never meet', () => {
    const [one, other] = [new GroupRegistry(), new GroupRegistry()];

    one.define('prices', () => 1);
    other.define('prices', () => 2);

    expect(one.get('prices')).not.toBe(other.get('prices'));
  });

  it('gives its peers, its clock and its defaults to every group; an explicit undefined hides none', async () => {
    const registry = new GroupRegistry({
      peers: {
        pickPeer: () => ({
          url: 'http://peer',
          get: () => Promise.resolve({ outcome: 'value', value: ByteView.from('there'), minuteQps: 0 }),
        }),
      },
      clock: new ManualClock(),
      defaults: { promote: promoteAlways, cacheBytes: 0 },
    });
    const byDefault = registry.define('a', () => 'here', { codec: textCodec, cacheBytes: undefined });
    const own = registry.define('b', () => 'here', { codec: textCodec, cacheBytes: '1MB' });

    expect(await byDefault.get('k')).toBe('there');
    expect(await own.get('k')).toBe('there');

    expect(byDefault.peek('k')).toBeUndefined();
    expect(own.peek('k')).toBe('there');
  });

  it('bounds all groups together by maxTotalBytes', async () => {
    const registry = new GroupRegistry({ maxTotalBytes: 1000 });
    const groups = ['a', 'b'].map((name) => registry.define(name, () => 'x'.repeat(100), { codec: textCodec }));

    for (let n = 0; n < 20; n++) for (const group of groups) await group.get(String(n));

    expect(registry.footprint).toBeLessThanOrEqual(1000);
    expect(registry.footprint).toBe(groups[0]!.footprint + groups[1]!.footprint);
    for (const group of groups) expect(group.cacheStats('main').items).toBeGreaterThan(0);
  });

  it('takes groups out, with their memory', async () => {
    const registry = new GroupRegistry();
    for (const name of ['a', 'b', 'c']) await registry.define(name, () => 1).get('k');
    const each = registry.footprint / 3;

    registry.remove('a');
    registry.remove('none');
    expect(registry.footprint).toBe(2 * each);
    expect(registry.find('a')).toBeUndefined();
    registry.close();

    expect(registry.groups).toEqual([]);
    expect(registry.footprint).toBe(0);
  });
});
