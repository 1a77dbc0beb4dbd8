import { Injectable } from '@nestjs/common';
import {
  Cached,
  defineGroup,
  DuplicateGroupError,
  GroupService,
  InvalidOptionError,
  textCodec,
  TypedGroup,
  UnencodableArgumentError,
  UnknownGroupError,
} from 'nestjs-groupcache';
import { afterEach, describe, expect, it } from 'vitest';
import { closeApps, ownerAndOther, startCluster, startContext } from './apps.js';

const Sums = defineGroup<[one: number, other?: number], { readonly sum: number }>('sums');

@Injectable()
class SumService {
  runs: unknown[][] = [];
  @Cached(Sums, { tags: ({ sum }) => [sum % 2 === 0 ? 'even' : 'odd'] })
  async sum(one: number, other = 0): Promise<{ readonly sum: number }> {
    this.runs.push([one, other]);
    return { sum: one + other };
  }
}

async function start(): Promise<{ groups: GroupService; service: SumService }> {
  const context = await startContext({ providers: [SumService] });
  return { groups: context.get(GroupService), service: context.get(SumService) };
}

afterEach(closeApps);

describe('GroupService', () => {
  it('speaks in arguments: of', async () => {
    const { groups, service } = await start();
    const sums = groups.of(Sums);

    expect(sums).toBeInstanceOf(TypedGroup);
    expect(sums.name).toBe('sums');
    expect(await sums.get(1, 2)).toEqual({ sum: 3 });
    expect(await service.sum(1, 2)).toBe(sums.peek(1, 2));
    expect(service.runs).toEqual([[1, 2]]);
    expect(await groups.of<[number], unknown>('sums').get(5)).toEqual({ sum: 5 });
  });

  it('speaks in wire keys: get, getMany, getView, peek', async () => {
    const { groups } = await start();

    expect(groups.peek('sums', '[1]')).toBeUndefined();
    expect(await groups.get('sums', '[1]')).toEqual({ sum: 1 });
    expect(await groups.getMany<{ sum: number }>('sums', ['[1]', '[1,2]'])).toEqual([{ sum: 1 }, { sum: 3 }]);
    expect((await groups.getView('sums', '[1]'))!.toString()).toBe('{"sum":1}');
    expect(groups.peek<{ sum: number }>('sums', '[1,2]')).toEqual({ sum: 3 });
    expect(groups.group('sums').stats).toMatchObject({ gets: 4, localLoads: 2 });
  });

  it('changes values by arguments: set, remove, removeMany, removeByTag, clear, refresh', async () => {
    const { groups, service } = await start();
    const sums = groups.of(Sums);
    const none = { complete: true, acknowledged: [], pending: [] };
    await sums.getMany([[1], [2], [3, 4]]);

    expect(await sums.remove(3, 4)).toEqual(none);
    expect(sums.peek(3, 4)).toBeUndefined();
    expect(await sums.set([3, 4], { sum: 100 })).toEqual({ ...none, stored: true });
    expect(await sums.get(3, 4)).toEqual({ sum: 100 });
    await sums.removeMany([[1], [2]], { require: 'all' });
    expect([sums.peek(1), sums.peek(2), sums.peek(3, 4)]).toEqual([undefined, undefined, { sum: 100 }]);
    expect(await sums.refresh(3, 4)).toEqual({ sum: 7 });
    await sums.removeByTag('odd');
    expect(sums.peek(3, 4)).toBeUndefined();
    await sums.get(2);
    await sums.clear();
    expect(sums.peek(2)).toBeUndefined();
    expect(service.runs).toHaveLength(5);
    for (const refused of [sums.remove(1n as never), sums.set([1n as never], { sum: 0 }), sums.refresh(1n as never)]) {
      await expect(refused).rejects.toThrow(UnencodableArgumentError);
    }
  });

  it('changes values by wire keys, of the group and of the typed group', async () => {
    const { groups } = await start();
    const sums = groups.of(Sums);
    for (const by of [
      {
        set: () => groups.set('sums', '[1]', { sum: 100 }),
        remove: () => groups.remove('sums', '[1]'),
        removeMany: () => groups.removeMany('sums', ['[1]', '[2]']),
        refresh: () => groups.refresh('sums', '[1]'),
      },
      {
        set: () => sums.setByKey('[1]', { sum: 100 }),
        remove: () => sums.removeByKey('[1]'),
        removeMany: () => sums.removeManyByKey(['[1]', '[2]']),
        refresh: () => sums.refreshByKey('[1]'),
      },
    ]) {
      await by.set();
      expect(sums.peek(1)).toEqual({ sum: 100 });
      expect(await by.refresh()).toEqual({ sum: 1 });
      await by.remove();
      expect(sums.peek(1)).toBeUndefined();
      await sums.getMany([[1], [2]]);
      await by.removeMany();
      expect([sums.peek(1), sums.peek(2)]).toEqual([undefined, undefined]);
    }
    await sums.getMany([[1], [2]]);
    await groups.removeByTag('sums', 'odd');
    expect([sums.peek(1), sums.peek(2)]).toEqual([undefined, { sum: 2 }]);
    await groups.clear('sums');
    expect(sums.peek(2)).toBeUndefined();
  });

  it('tells the function that says the tags the arguments', async () => {
    const { groups } = await start();
    const asked: unknown[] = [];
    const Products = defineGroup<[one: number, other: number], number>('products');
    const products = groups.define(
      Products,
      {
        tags: (product, one, other) => {
          asked.push([product, one, other]);
          return [`of ${one}`, `of ${other}`];
        },
      },
      ([one, other]) => one * other,
    );
    await products.getMany([
      [2, 3],
      [3, 4],
    ]);

    await products.removeByTag('of 2');

    expect(asked).toEqual([
      [6, 2, 3],
      [12, 3, 4],
    ]);
    expect([products.peek(2, 3), products.peek(3, 4)]).toEqual([undefined, 12]);
  });

  it('ends the wait of a caller whose signal aborts', async () => {
    const { groups } = await start();
    groups.define('never', {}, () => new Promise<string>(() => undefined));
    const signal = AbortSignal.abort(new Error('gone'));

    await expect(groups.get('never', 'a', { signal })).rejects.toThrow('gone');
    await expect(groups.getMany('never', ['a'], { signal })).rejects.toThrow('gone');
    await expect(groups.getView('never', 'a', { signal })).rejects.toThrow('gone');
    await expect(groups.of<[string], string>('never').get('a', signal)).rejects.toThrow('gone');
    await expect(groups.of<[string], string>('never').getView('a', signal)).rejects.toThrow('gone');
    await expect(groups.of<[string], string>('never').getMany([['a']], { signal })).rejects.toThrow('gone');
  });

  it('lists the groups in the order in which they were defined', async () => {
    const { groups } = await start();
    groups.define('texts', { codec: textCodec }, ([key]) => key);

    expect(groups.groups.map(({ name }) => name)).toEqual(['sums', 'texts']);
  });

  it('throws an UnknownGroupError that lists those there are', async () => {
    const { groups } = await start();
    const message = 'No group "sum" is defined; there are: sums';

    expect(() => groups.of('sum')).toThrow(UnknownGroupError);
    expect(() => groups.group('sum')).toThrow(message);
    expect(() => groups.peek('sum', 'a')).toThrow(message);
    await expect(groups.get('sum', 'a')).rejects.toThrow(message);
    await expect(groups.getMany('sum', ['a'])).rejects.toThrow(message);
    await expect(groups.getView('sum', 'a')).rejects.toThrow(message);
    await expect(groups.set('sum', 'a', 1)).rejects.toThrow(message);
    await expect(groups.remove('sum', 'a')).rejects.toThrow(message);
    await expect(groups.removeMany('sum', ['a'])).rejects.toThrow(message);
    await expect(groups.removeByTag('sum', 'a')).rejects.toThrow(message);
    await expect(groups.clear('sum')).rejects.toThrow(message);
    await expect(groups.refresh('sum', 'a')).rejects.toThrow(message);
  });

  describe('define', () => {
    it('makes a group of a handle, whose loader gets the arguments as one list', async () => {
      const { groups } = await start();
      const loads: unknown[] = [];
      const Products = defineGroup<[one: number, other?: number], number>('products');
      const products = groups.define(Products, { cacheBytes: '1MiB' }, ([one, other = 1], context) => {
        loads.push([one, other, context.group, context.signal instanceof AbortSignal]);
        return one === 0 ? context.notFound() : one * other;
      });

      // Once the context came in the place of an argument that was not given.
      expect(await products.get(7)).toBe(7);
      expect(await products.get(7, 2)).toBe(14);
      expect(await products.get(0)).toBeUndefined();
      expect(loads).toEqual([
        [7, 1, 'products', true],
        [7, 2, 'products', true],
        [0, 1, 'products', true],
      ]);
      expect(groups.of(Products).peek(7)).toBe(7);
    });

    it('makes a group of a bare name, whose keys are wire keys whatever they look like', async () => {
      const { groups } = await start();
      const echo = groups.define<string>('echo', {}, async ([key]) => `<${key}>`);

      for (const key of ['', 'a', '[', '[1, 2]', '["a"]']) {
        expect(await echo.get(key)).toBe(`<${key}>`);
        expect(echo.keyOf(key)).toBe(key);
        expect(groups.of<[string], string>('echo').peek(key)).toBe(`<${key}>`);
      }
    });

    it('is asked from peers as well', async () => {
      const apps = await startCluster(2, {});
      const loads: string[] = [];
      for (const app of apps) {
        app.get(GroupService).define('upper', {}, ([key]) => {
          loads.push(key);
          return key.toUpperCase();
        });
      }
      const [, other] = ownerAndOther(apps, 'abc');

      expect(await other.get(GroupService).get('upper', 'abc')).toBe('ABC');
      expect(loads).toEqual(['abc']);
    });

    it('refuses a name that is taken, an empty one and a bad option', async () => {
      const { groups } = await start();

      expect(() => groups.define(Sums, {}, () => ({ sum: 0 }))).toThrow(DuplicateGroupError);
      expect(() => groups.define('', {}, () => 0)).toThrow(InvalidOptionError);
      expect(() => groups.define('a', { cacheBytes: -1 }, () => 0)).toThrow(/"cacheBytes"/);
      expect(() => defineGroup('')).toThrow(InvalidOptionError);
      expect(() => defineGroup(undefined as unknown as string)).toThrow(/"group" is missing/);
    });
  });
});

describe('TypedGroup', () => {
  it('gets many sets of arguments in their order', async () => {
    const { groups, service } = await start();

    expect(await groups.of(Sums).getMany([[3], [1, 2], [3]])).toEqual([{ sum: 3 }, { sum: 3 }, { sum: 3 }]);
    expect(service.runs).toEqual([
      [3, 0],
      [1, 2],
    ]);
  });

  it('tells the wire key of arguments, and takes it', async () => {
    const { groups } = await start();
    const sums = groups.of(Sums);
    const key = sums.keyOf(1, 2);

    expect(key).toBe('[1,2]');
    expect(sums.peekByKey(key)).toBeUndefined();
    expect(await sums.getByKey(key)).toEqual({ sum: 3 });
    expect(sums.peekByKey(key)).toBe(sums.peek(1, 2));
    expect(sums.group.peek(key)).toBe(sums.peek(1, 2));
  });

  it('hands out the encoded bytes', async () => {
    const { groups } = await start();

    expect((await groups.of(Sums).getView(1, 2))!.toString()).toBe('{"sum":3}');
    expect((await groups.of(Sums).getView(1, 2, new AbortController().signal))!.toString()).toBe('{"sum":3}');
  });

  it('peeks without loading', async () => {
    const { groups, service } = await start();

    expect(groups.of(Sums).peek(1)).toBeUndefined();
    expect(service.runs).toEqual([]);
  });

  it('rejects, and does not throw, what can not be a key', async () => {
    const { groups } = await start();
    const sums = groups.of(Sums);

    await expect(sums.get(Number.NaN)).rejects.toThrow(UnencodableArgumentError);
    await expect(sums.getView(Number.NaN)).rejects.toThrow(UnencodableArgumentError);
    await expect(sums.getMany([[Number.NaN]])).rejects.toThrow(UnencodableArgumentError);
    expect(() => sums.peek(Number.NaN)).toThrow(UnencodableArgumentError);
    expect(() => sums.keyOf(Number.NaN)).toThrow(UnencodableArgumentError);
  });
});
