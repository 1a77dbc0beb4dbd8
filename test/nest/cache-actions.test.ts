import { Body, Controller, Injectable, Param, Patch, Scope, SetMetadata, type INestApplication } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import {
  Cached,
  CacheEvict,
  CachePut,
  defineGroup,
  GroupcacheModule,
  GroupService,
  HttpPool,
  InvalidOptionError,
  PartialRemovalError,
  promoteAlways,
  UncacheableMethodError,
  UnencodableValueError,
  UnknownGroupError,
} from 'nestjs-groupcache';
import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { deferred } from '../core/deferred.js';
import {
  closeApps,
  createApp,
  logged,
  moduleOf,
  platforms,
  startApp,
  startCluster,
  startContext,
  type AppSetUp,
} from './apps.js';

interface City {
  readonly id: number;
  readonly country: string;
  readonly name: string;
}

const Cities = defineGroup<[id: number], City>('cities');
const Countries = defineGroup<[country: string], string>('countries');

/** What all instances of a test read and write: the database. */
let rows: Map<number, City>;
let reads: unknown[];

function fill(): void {
  reads = [];
  rows = new Map(
    [
      { id: 1, country: 'DE', name: 'Berlin' },
      { id: 2, country: 'DE', name: 'Munich' },
      { id: 3, country: 'FR', name: 'Paris' },
    ].map((city) => [city.id, city]),
  );
}

@Injectable()
class Reader {
  @Cached(Cities, { promote: promoteAlways, tags: (city, id) => [city.country, `city ${id}`] })
  async city(id: number): Promise<City> {
    reads.push(id);
    return rows.get(id)!;
  }

  @Cached(Countries, { promote: promoteAlways, tags: (_names, country) => [country] })
  async country(country: string): Promise<string> {
    reads.push(country);
    return [...rows.values()]
      .filter((city) => city.country === country)
      .map(({ name }) => name)
      .join();
  }
}

@Injectable()
class Writer {
  @CacheEvict(Cities, { args: (city: City) => [city.id] })
  @CacheEvict(Countries, { tags: (city: City) => [city.country] })
  async rename(id: number, name: string): Promise<City> {
    const city = { ...rows.get(id)!, name };
    rows.set(id, city);
    if (name === '') throw new Error('a city has a name');
    return city;
  }

  @CachePut(Cities)
  async load(id: number): Promise<City | undefined> {
    return rows.get(id);
  }
}

/** A started application with a reader and what is told, and its parts. */
async function start(setUp: AppSetUp = {}) {
  const context = await startContext({ ...setUp, providers: [Reader, Writer, ...(setUp.providers ?? [])] });
  const groups = context.get(GroupService);
  return { context, groups, reader: context.get(Reader), writer: context.get(Writer), cities: groups.of(Cities) };
}

const Kind = (kind: string): MethodDecorator => SetMetadata('kind', kind);

const whichOne = (): never => {
  throw new Error('which one?');
};

const noTransaction = (): never => {
  throw new Error('no transaction');
};

afterEach(closeApps);
afterEach(() => vi.restoreAllMocks());

describe('CacheEvict', () => {
  it('removes values once the method has succeeded, and before it is answered', async () => {
    fill();
    const { cities, groups, reader, writer } = await start();
    await Promise.all([reader.city(1), reader.city(2), reader.country('DE'), reader.country('FR')]);

    await writer.rename(1, 'Spree-Athen');

    expect(cities.peek(1)).toBeUndefined();
    expect(cities.peek(2)).toBe(await reader.city(2));
    expect(groups.of(Countries).peek('DE')).toBeUndefined();
    expect(groups.of(Countries).peek('FR')).toBe('Paris');
    expect(await reader.city(1)).toMatchObject({ name: 'Spree-Athen' });
    expect(await reader.country('DE')).toBe('Spree-Athen,Munich');
  });

  it('removes nothing where the method throws', async () => {
    fill();
    const { cities, reader, writer } = await start();
    await reader.city(1);

    await expect(writer.rename(1, '')).rejects.toThrow('a city has a name');

    expect(cities.peek(1)).toMatchObject({ name: 'Berlin' });
  });

  it('removes by the method’s own arguments, several sets of them, tags, all, and on a condition', async () => {
    fill();
    @Injectable()
    class Many {
      @CacheEvict(Cities)
      async own(_id: number, _signal?: AbortSignal): Promise<void> {}
      @CacheEvict(Cities, { argsList: (_result: void, ids: readonly number[]) => ids.map((id): [number] => [id]) })
      async several(_ids: readonly number[]): Promise<void> {}
      @CacheEvict(Cities, { tags: ['city 2', 'FR'] })
      async tagged(): Promise<void> {}
      @CacheEvict(Cities, { all: true, when: (isAll: boolean, said: boolean) => isAll && said })
      async all(isAll: boolean): Promise<boolean> {
        return isAll;
      }
    }
    const { cities, context, reader } = await start({ providers: [Many] });
    const many = context.get(Many);
    const kept = async (act: () => Promise<unknown>): Promise<number[]> => {
      await Promise.all([1, 2, 3].map((id) => reader.city(id)));
      await act();
      return [1, 2, 3].filter((id) => cities.peek(id) !== undefined);
    };

    expect(await kept(() => many.own(1))).toEqual([2, 3]);
    expect(await kept(() => many.own(2, new AbortController().signal))).toEqual([1, 3]);
    expect(await kept(() => many.several([1, 3]))).toEqual([2]);
    expect(await kept(() => many.several([]))).toEqual([1, 2, 3]);
    expect(await kept(() => many.tagged())).toEqual([1]);
    expect(await kept(() => many.all(false))).toEqual([1, 2, 3]);
    expect(await kept(() => many.all(true))).toEqual([]);
  });

  it('gives the functions the arguments as the method got them', async () => {
    fill();
    @Injectable()
    class Changing {
      @CacheEvict(Cities, { args: (_result: void, id: number) => [id] })
      async change(...args: [id: number]): Promise<void> {
        args.pop();
      }
    }
    const { cities, context, reader } = await start({ providers: [Changing] });
    await reader.city(1);

    await context.get(Changing).change(1);

    expect(cities.peek(1)).toBeUndefined();
  });

  it('tells the caller what fails, although the method has succeeded, and does the rest all the same', async () => {
    fill();
    @Injectable()
    class Failing {
      @CacheEvict(Cities, { args: whichOne })
      async lost(): Promise<void> {
        rows.delete(1);
      }
      @CacheEvict('cities', { args: () => 'Berlin' as never })
      async text(): Promise<void> {}
      @CacheEvict(Cities, { all: true })
      @CacheEvict('cities', { args: () => [new Date(0)] })
      async half(): Promise<void> {}
    }
    const { cities, context, reader } = await start({ providers: [Failing] });
    const failing = context.get(Failing);
    await reader.city(2);

    await expect(failing.lost()).rejects.toThrow('which one?');
    expect(rows.has(1)).toBe(false);
    await expect(failing.text()).rejects.toThrow('Option "args" is a function; expected a list');
    await expect(failing.half()).rejects.toThrow(/argument 1/);
    expect(cities.peek(2)).toBeUndefined();
  });

  it('refuses options that say two things or nothing that it knows', () => {
    const evict = CacheEvict as (group: string, options: object) => unknown;

    expect(() => evict('cities', { all: true, tags: [] })).toThrow(InvalidOptionError);
    expect(() => evict('cities', { all: false })).toThrow('Option "all" is false');
    expect(() => evict('cities', { args: [1] })).toThrow('Option "args" is [1]; expected a function');
    expect(() => evict('cities', { argsList: [[1]] })).toThrow('Option "argsList" is [[1]]; expected a function');
    expect(() => evict('cities', { tags: 'DE' })).toThrow('Option "tags" is "DE"; expected a list');
    expect(() => evict('cities', { when: true })).toThrow('Option "when" is true; expected a function');
    expect(() => evict('cities', { require: 'some' })).toThrow('Option "require" is "some"');
    expect(() => (CachePut as typeof evict)('cities', { args: 1 })).toThrow('Option "args" is 1');
    expect(() => (CachePut as typeof evict)('cities', { timeout: 'soon' })).toThrow('Option "timeout" is "soon"');
  });
});

describe('CachePut', () => {
  it('makes what the method gives the value, which nobody loads', async () => {
    fill();
    const { reader, writer } = await start();
    expect(await reader.city(1)).toMatchObject({ name: 'Berlin' });
    rows.set(1, { id: 1, country: 'DE', name: 'Spree-Athen' });

    const put = await writer.load(1);

    expect(put).toBe(rows.get(1));
    expect(await reader.city(1)).toEqual(put);
    expect(reads).toEqual([1]);
  });

  it('takes the value away where the method gives undefined', async () => {
    fill();
    const { cities, reader, writer } = await start();
    await reader.city(1);
    rows.delete(1);

    await writer.load(1);

    expect(cities.peek(1)).toBeUndefined();
  });

  it('puts by arguments that a function gives, on a condition', async () => {
    fill();
    @Injectable()
    class Making {
      @CachePut(Cities, { args: (city: City) => [city.id], when: (city: City) => city.country === 'DE' })
      async make(city: City): Promise<City> {
        return city;
      }
    }
    const { cities, context } = await start({ providers: [Making] });

    await context.get(Making).make({ id: 7, country: 'DE', name: 'Bonn' });
    await context.get(Making).make({ id: 8, country: 'FR', name: 'Lyon' });

    expect(cities.peek(7)).toEqual({ id: 7, country: 'DE', name: 'Bonn' });
    expect(cities.peek(8)).toBeUndefined();
  });

  it('removes the old value where the new one can not be kept, and says so', async () => {
    fill();
    @Injectable()
    class Bad {
      @CachePut('cities')
      async put(_id: number): Promise<unknown> {
        return { at: new Date(0) };
      }
    }
    const { cities, context, reader } = await start({ providers: [Bad] });
    await reader.city(1);

    await expect(context.get(Bad).put(1)).rejects.toThrow(UnencodableValueError);

    expect(cities.peek(1)).toBeUndefined();
  });
});

describe('CachePut and CacheEvict', () => {
  it('just run the method without the module, as it is', async () => {
    fill();
    class Service {
      @CacheEvict('cities', { all: true })
      sync(): any {
        return 7;
      }
    }
    expect(await new Writer().rename(1, 'B')).toMatchObject({ name: 'B' });
    expect(new Service().sync()).toBe(7);
    expect(Reflect.apply(Service.prototype.sync, undefined, [])).toBe(7);
  });

  it('just run the method where nothing is cached', async () => {
    fill();
    const run = vi.fn();
    const { writer } = await start({ groupcache: { enabled: false, afterCommit: run } });

    expect(await writer.rename(1, 'B')).toMatchObject({ name: 'B' });
    expect(run).not.toHaveBeenCalled();
  });

  it('keep the name, the length and the metadata of the method', () => {
    class Service {
      @CacheEvict(Cities, { all: true })
      @Kind('below')
      async rename(_id: number, _name: string): Promise<void> {}
    }

    const { rename } = Service.prototype;
    expect([rename.name, rename.length]).toEqual(['rename', 2]);
    expect(new Reflector().get('kind', rename)).toBe('below');
  });

  it('act for inherited methods, and for what a subclass calls by super', async () => {
    fill();
    @Injectable()
    class Sub extends Writer {}
    @Injectable()
    class Overriding extends Writer {
      @CacheEvict(Countries, { all: true })
      override async rename(id: number, name: string): Promise<City> {
        return super.rename(id, `${name}!`);
      }
    }
    const { cities, groups, context, reader } = await start({ providers: [Sub, Overriding] });

    for (const writer of [context.get(Sub), context.get(Overriding)]) {
      await Promise.all([reader.city(1), reader.country('FR')]);
      await writer.rename(1, 'B');
      expect(cities.peek(1)).toBeUndefined();
    }
    expect(groups.of(Countries).peek('FR')).toBeUndefined();
  });

  it('name the group by the instance of a generic base class', async () => {
    class Repository {
      readonly values = new Map<string, number>();
      constructor(readonly name: string) {}
      @Cached((self: Repository) => self.name)
      async find(key: string): Promise<number | undefined> {
        return this.values.get(key);
      }
      @CachePut((self: Repository) => self.name, { args: (_value: number, key: string) => [key] })
      async save(key: string, value: number): Promise<number> {
        this.values.set(key, value);
        return value;
      }
    }
    const instances = ['ones', 'others'].map((name) => new Repository(name)) as [Repository, Repository];
    const providers = instances.map((useValue) => ({ provide: useValue.name, useFactory: () => useValue }));
    const { groups } = await start({ providers });
    await instances[0].save('k', 1);
    await instances[1].save('k', 2);

    expect([groups.peek('ones', 'k'), groups.peek('others', 'k')]).toEqual([1, 2]);
  });

  it('act in providers of every scope, and in controllers of every scope', async () => {
    fill();
    @Injectable({ scope: Scope.REQUEST })
    class Requested extends Writer {}
    @Injectable({ scope: Scope.TRANSIENT })
    class Transient extends Writer {}
    @Controller('one')
    class Static {
      constructor(private readonly transient: Transient) {}
      @Patch(':id')
      @CacheEvict(Cities, { args: (_city: City, id: string) => [Number(id)] })
      async patch(@Param('id') id: string, @Body('name') name: string): Promise<City> {
        rows.set(Number(id), { ...rows.get(Number(id))!, name });
        return rows.get(Number(id))!;
      }
      @Patch('transient/:id')
      byTransient(@Param('id') id: string, @Body('name') name: string): Promise<City> {
        return this.transient.rename(Number(id), name);
      }
    }
    @Controller('other')
    class Dynamic {
      constructor(private readonly requested: Requested) {}
      @Patch(':id')
      @CacheEvict(Cities, { args: (_city: City, id: string) => [Number(id)] })
      async patch(@Param('id') id: string, @Body('name') name: string): Promise<City> {
        rows.set(Number(id), { ...rows.get(Number(id))!, name });
        return rows.get(Number(id))!;
      }
      @Patch('requested/:id')
      byRequested(@Param('id') id: string, @Body('name') name: string): Promise<City> {
        return this.requested.rename(Number(id), name);
      }
    }
    for (const [, adapter] of platforms) {
      const app = await startApp({
        adapter,
        groupcache: {},
        providers: [Reader, Requested, Transient],
        controllers: [Static, Dynamic],
      });
      for (const path of ['one/1', 'one/transient/1', 'other/1', 'other/requested/1']) {
        await app.get(Reader).city(1);
        const response = await patch(app, path, path);
        expect([response.status, await response.json()]).toEqual([200, { id: 1, country: 'DE', name: path }]);
        expect(app.get(GroupService).of(Cities).peek(1), path).toBeUndefined();
      }
    }
  });

  it('refuse a request-scoped provider whose module can not see the cache', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Requested extends Writer {}
    const cache = GroupcacheModule.forRoot({ isGlobal: false });
    const blind = moduleOf({ providers: [Requested] });
    const seeing = moduleOf({ imports: [cache], providers: [Requested] });
    const readers = moduleOf({ imports: [cache], providers: [Reader] });
    const handingOn = moduleOf({ imports: [readers, cache], exports: [cache] });
    const behind = moduleOf({ imports: [handingOn], providers: [Requested] });

    await expect(createApp({ imports: [readers, blind] }).then((app) => app.init())).rejects.toThrow(
      /^Writer\.\w+ can't be @\w+: its provider is request-scoped, and its module can't see the cache/,
    );
    for (const module of [seeing, behind]) {
      await expect(createApp({ imports: [readers, module] }).then((app) => app.init())).resolves.toBeDefined();
    }
  });

  it('act in providers of modules that do not import the cache, where there is one instance', async () => {
    fill();
    const cache = GroupcacheModule.forRoot({ isGlobal: false });
    const app = await createApp({
      imports: [moduleOf({ imports: [cache], providers: [Reader] }), moduleOf({ providers: [Writer] })],
    });
    await app.init();
    await app.get(Reader, { strict: false }).city(1);

    await app.get(Writer, { strict: false }).rename(1, 'B');

    expect(await app.get(Reader, { strict: false }).city(1)).toMatchObject({ name: 'B' });
  });

  it('fail at start where their group is not there', async () => {
    @Injectable({ scope: Scope.REQUEST })
    class Requested extends Writer {}
    await expect(startContext({ providers: [Writer] })).rejects.toThrow(UnknownGroupError);
    await expect(startContext({ providers: [Requested] })).rejects.toThrow(UnknownGroupError);
    class Defining {
      constructor(private readonly groups: GroupService) {}
      onModuleInit(): void {
        this.groups.define(Cities, {}, ([id]) => rows.get(id));
        this.groups.define(Countries, {}, ([country]) => country);
      }
    }
    const providers = [
      Writer,
      { provide: Defining, inject: [GroupService], useFactory: (g: GroupService) => new Defining(g) },
    ];
    await expect(startContext({ providers })).resolves.toBeDefined();
  });

  it('refuse static methods, accessors, and an instance that two applications share', async () => {
    const decorate = CacheEvict('anything', { all: true }) as (...args: unknown[]) => unknown;
    class Service {
      static load(): void {}
      get value(): number {
        return 1;
      }
    }
    expect(() => decorate(Service, 'load', Object.getOwnPropertyDescriptor(Service, 'load'))).toThrow(
      /^Service\.load can't be @CacheEvict: it is static/,
    );
    expect(() =>
      decorate(Service.prototype, 'value', Object.getOwnPropertyDescriptor(Service.prototype, 'value')),
    ).toThrow(/it is an accessor/);

    const shared = { provide: 'writer', useValue: new Writer() };
    await start({ providers: [shared] });
    await expect(start({ providers: [shared] })).rejects.toThrow(UncacheableMethodError);
  });

  it('give methods back to themselves when the application closes', async () => {
    fill();
    const run = vi.fn((act: () => Promise<void>) => act());
    const { context, writer } = await start({ groupcache: { afterCommit: run } });
    await writer.rename(1, 'B');
    await context.close();

    await writer.rename(1, 'C');

    expect(run).toHaveBeenCalledTimes(1);
  });

  it('answer a caller whose method has ended after the application was closed', async () => {
    fill();
    const held = deferred<void>();
    @Injectable()
    class Slow {
      @CacheEvict(Cities, { all: true })
      async slow(): Promise<string> {
        await held.promise;
        return 'written';
      }
    }
    const { context } = await start({ providers: [Slow] });
    const slow = context.get(Slow).slow();
    await context.close();
    held.resolve();

    expect(await slow).toBe('written');
  });

  it('act beside @Cached: above it after each call, below it after each load', async () => {
    fill();
    const run = vi.fn((act: () => Promise<void>) => act());
    @Injectable()
    class Both {
      @CacheEvict(Cities, { all: true })
      @Cached('above')
      async above(id: number): Promise<number> {
        return id;
      }
      @Cached('below')
      @CacheEvict(Cities, { all: true })
      async below(id: number): Promise<number> {
        return id;
      }
    }
    const { context } = await start({ providers: [Both], groupcache: { afterCommit: run } });
    const both = context.get(Both);

    expect([await both.above(1), await both.above(1)]).toEqual([1, 1]);
    expect(run).toHaveBeenCalledTimes(2);
    expect([await both.below(1), await both.below(1)]).toEqual([1, 1]);
    expect(run).toHaveBeenCalledTimes(3);
  });
});

describe('afterCommit', () => {
  /** A transaction manager, as there are several: what is to happen at its commit. */
  class Transactions {
    readonly #open = new AsyncLocalStorage<(() => unknown)[]>();
    readonly afterCommit = (run: () => Promise<void>): Promise<void> | void => {
      const atCommit = this.#open.getStore();
      if (atCommit === undefined) return run();
      atCommit.push(run);
    };
    run<Result>(work: () => Promise<Result>): Promise<Result> {
      const atCommit: (() => unknown)[] = [];
      return this.#open.run(atCommit, async () => {
        const result = await work();
        for (const act of atCommit) await act();
        return result;
      });
    }
  }

  it('has values removed once the transaction is committed, and not at all where it is rolled back', async () => {
    fill();
    const transactions = new Transactions();
    const { cities, reader, writer } = await start({ groupcache: transactions });
    await reader.city(1);

    await transactions.run(async () => {
      await writer.rename(1, 'B');
      expect(cities.peek(1)).toMatchObject({ name: 'Berlin' });
    });
    expect(cities.peek(1)).toBeUndefined();

    await reader.city(1);
    const rolledBack = transactions.run(async () => {
      await writer.rename(1, 'C');
      throw new Error('no');
    });
    await expect(rolledBack).rejects.toThrow('no');
    expect(cities.peek(1)).toMatchObject({ name: 'B' });
  });

  it('has them removed before the caller is answered where no transaction is open', async () => {
    fill();
    const { cities, reader, writer } = await start({ groupcache: new Transactions() });
    await reader.city(1);

    await writer.rename(1, 'B');

    expect(cities.peek(1)).toBeUndefined();
  });

  it('waits for what has been called, whether the hook hands it back or not', async () => {
    fill();
    const held = deferred<void>();
    const { cities, reader, writer } = await start({
      groupcache: {
        afterCommit: async (run) => {
          await held.promise;
          void run();
        },
      },
    });
    await reader.city(1);
    const renamed = writer.rename(1, 'B');
    await expect(Promise.race([renamed, Promise.resolve('waits')])).resolves.toBe('waits');
    expect(cities.peek(1)).toBeDefined();

    held.resolve();
    await renamed;

    expect(cities.peek(1)).toBeUndefined();
  });

  it('logs what fails after the caller has been answered, and never has the hook’s caller see it', async () => {
    fill();
    let commit!: () => Promise<void>;
    const { groups, writer } = await start({ groupcache: { afterCommit: (run) => void (commit = run) } });
    await writer.rename(1, 'B');
    vi.spyOn(groups.group('cities'), 'removeMany').mockRejectedValue(new Error('out of order'));

    await expect(commit()).resolves.toBeUndefined();

    expect(logged('error')).toEqual(['After a commit, a cache could not be changed: Error: out of order']);
  });

  it('removes at once where the hook throws, whose error the caller sees', async () => {
    fill();
    const { cities, reader, writer } = await start({ groupcache: { afterCommit: noTransaction } });
    await reader.city(1);

    await expect(writer.rename(1, 'B')).rejects.toThrow('no transaction');

    expect(cities.peek(1)).toBeUndefined();
  });

  it('is refused where it is no function', async () => {
    await expect(start({ groupcache: { afterCommit: true as never } })).rejects.toThrow('Option "afterCommit" is true');
  });
});

describe.each(platforms)('in a cluster on %s', (_platform, adapter) => {
  @Controller('cities')
  class CitiesController {
    constructor(
      private readonly reader: Reader,
      private readonly writer: Writer,
    ) {}
    @Patch(':id')
    rename(@Param('id') id: string, @Body('name') name: string): Promise<City> {
      return this.writer.rename(Number(id), name);
    }
    both(id: number): Promise<[City, string]> {
      return Promise.all([this.reader.city(id), this.reader.country('DE')]);
    }
  }
  const controllers = [CitiesController];
  const setUp: AppSetUp = { adapter, controllers, providers: [Reader, Writer] };
  const seen = (apps: readonly INestApplication[]): Promise<[City, string][]> =>
    Promise.all(apps.map((app) => app.get(CitiesController).both(1)));

  it('all peers show the new value at once after a write at any of them', async () => {
    fill();
    const apps = await startCluster(3, setUp);
    await seen(apps);

    for (const [index, app] of apps.entries()) {
      const name = `name ${index}`;
      expect((await patch(app, 'cities/1', name)).status).toBe(200);
      expect(await seen(apps)).toEqual(apps.map(() => [{ id: 1, country: 'DE', name }, `${name},Munich`]));
    }
    expect(reads.filter((read) => read === 1)).toHaveLength(4);
  });

  it('a put value is at its owner at once, and nobody loads it', async () => {
    fill();
    const apps = await startCluster(3, setUp);
    await seen(apps);
    rows.set(1, { id: 1, country: 'DE', name: 'Spree-Athen' });

    await apps[1]!.get(Writer).load(1);

    const cities = await Promise.all(apps.map((app) => app.get(Reader).city(1)));
    expect(cities).toEqual(apps.map(() => rows.get(1)));
    expect(reads.filter((read) => read === 1)).toHaveLength(1);
  });

  it('a caller who requires all peers is told of those that have not confirmed', async () => {
    fill();
    @Injectable()
    class Strict {
      @CacheEvict(Cities, { require: 'all', timeout: '10s' })
      async patient(_id: number): Promise<string> {
        return 'written';
      }
      @CacheEvict(Cities, { require: 'all', timeout: 30 })
      async strict(_id: number): Promise<string> {
        return 'written';
      }
      @CacheEvict(Cities, { timeout: 30 })
      async lenient(_id: number): Promise<string> {
        return 'written';
      }
    }
    const apps = await startCluster(2, { ...setUp, providers: [Reader, Writer, Strict] });
    const [one, other] = apps as [INestApplication, INestApplication];
    const strict = one.get(Strict);
    expect(await strict.patient(1)).toBe('written');
    const gone = other.get(HttpPool).self!;
    await other.close();

    const error = await strict.strict(1).catch((reason: unknown) => reason);

    expect(error).toBeInstanceOf(PartialRemovalError);
    expect((error as PartialRemovalError).result.pending).toEqual([gone]);
    expect(await strict.lenient(1)).toBe('written');
  });
});

async function patch(app: INestApplication, path: string, name: string): Promise<Response> {
  return fetch(`${await app.getUrl()}/${path}`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name }),
  });
}
