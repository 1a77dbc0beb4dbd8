import { Controller, Get, Injectable, Scope, SetMetadata, type Provider } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import {
  Cached,
  defineGroup,
  DuplicateGroupError,
  GroupcacheModule,
  GroupService,
  HttpPool,
  InvalidKeyError,
  LoadAbandonedError,
  UncacheableMethodError,
  UnencodableArgumentError,
  UnencodableValueError,
} from 'nestjs-groupcache';
import { ManualClock } from 'nestjs-groupcache/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { deferred } from '../core/deferred.js';
import { closeApps, createApp, keyOwnedBy, moduleOf, ownerAndOther, startCluster, startContext } from './apps.js';

/** Records how a method is called, at the place where it stands. */
function Recorded(calls: string[]): MethodDecorator {
  return (_target, _name, descriptor: TypedPropertyDescriptor<any>) => {
    const original = descriptor.value as (...args: unknown[]) => unknown;
    descriptor.value = function (this: unknown, ...args: unknown[]) {
      calls.push(String(args[0]));
      return original.apply(this, args);
    };
  };
}

const Kind = (kind: string): MethodDecorator => SetMetadata('kind', kind);
const Shade = (shade: string): MethodDecorator => SetMetadata('shade', shade);

/** A started application of `provider`, and its instance. */
async function start<Instance>(provider: Provider & (new (...args: any[]) => Instance)): Promise<Instance> {
  const context = await startContext({ providers: [provider] });
  return context.get(provider);
}

afterEach(closeApps);

describe('Cached', () => {
  it('serves calls from outside and through this', async () => {
    @Injectable()
    class Service {
      runs = 0;
      @Cached('twice')
      async twice(text: string): Promise<string> {
        this.runs++;
        return text + text;
      }
      async fourTimes(text: string): Promise<string> {
        return (await this.twice(text)) + (await this.twice(text));
      }
    }
    const service = await start(Service);

    expect(await service.twice('a')).toBe('aa');
    expect(await service.fourTimes('a')).toBe('aaaa');
    expect(service.runs).toBe(1);
  });

  it('gives each value the ttl that a function of it and of the arguments says', async () => {
    const clock = new ManualClock();
    const asked: unknown[] = [];
    @Injectable()
    class Service {
      runs = 0;
      @Cached('quotes', {
        ttl: (quote: { readonly price: number }, symbol: string, depth: number) => {
          asked.push([quote, symbol, depth]);
          return depth > 1 ? '1s' : '1m';
        },
      })
      async quote(symbol: string, _depth: number): Promise<{ readonly price: number }> {
        this.runs++;
        return { price: symbol.length };
      }
    }
    const context = await startContext({ providers: [Service], groupcache: { clock } });
    const service = context.get(Service);
    await Promise.all([service.quote('ACME', 1), service.quote('ACME', 2)]);

    expect(asked).toEqual([
      [{ price: 4 }, 'ACME', 1],
      [{ price: 4 }, 'ACME', 2],
    ]);
    clock.advance(1_000);
    await Promise.all([service.quote('ACME', 1), service.quote('ACME', 2)]);
    expect(service.runs).toBe(3);
  });

  it('just runs the method without the module', async () => {
    class Service {
      runs = 0;
      @Cached('days')
      // An argument that no key could hold.
      async day(at: any): Promise<number> {
        this.runs++;
        return (at as Date).getTime();
      }
    }
    const service = new Service();

    expect([await service.day(new Date(1)), await service.day(new Date(1))]).toEqual([1, 1]);
    expect(service.runs).toBe(2);
  });

  it('keeps the name and the length of the method', () => {
    class Service {
      @Cached('sums')
      async sum(one: number, other: number): Promise<number> {
        return one + other;
      }
    }

    const { sum } = Service.prototype;
    expect([sum.name, sum.length]).toEqual(['sum', 2]);
  });

  it('gives methods back to themselves when the application closes', async () => {
    class Service {
      runs = 0;
      @Cached('numbers')
      async number(): Promise<number> {
        return ++this.runs;
      }
    }
    const instance = new Service();
    const providers = [{ provide: Service, useValue: instance }];
    const first = await startContext({ providers });
    await instance.number();
    await first.close();

    expect([await instance.number(), await instance.number()]).toEqual([2, 3]);
    await startContext({ providers });
    expect([await instance.number(), await instance.number()]).toEqual([4, 4]);
  });

  describe('in class hierarchies', () => {
    class Base {
      runs: string[] = [];
      @Cached('names')
      async name(id: string): Promise<string> {
        this.runs.push(`base ${id}`);
        return `name of ${id}`;
      }
    }

    it('is inherited', async () => {
      @Injectable()
      class Inheriting extends Base {}
      const service = await start(Inheriting);

      expect([await service.name('7'), await service.name('7')]).toEqual(['name of 7', 'name of 7']);
      expect(service.runs).toEqual(['base 7']);
    });

    it('stands behind super where a subclass overrides the method', async () => {
      @Injectable()
      class Overriding extends Base {
        override async name(id: string): Promise<string> {
          this.runs.push(`override ${id}`);
          return (await super.name(id)).toUpperCase();
        }
      }
      const service = await start(Overriding);

      expect([await service.name('7'), await service.name('7')]).toEqual(['NAME OF 7', 'NAME OF 7']);
      expect(service.runs).toEqual(['override 7', 'base 7', 'override 7']);
    });

    it("gives way to the subclass's own decoration", async () => {
      @Injectable()
      class Redecorating extends Base {
        @Cached('loud names')
        override async name(id: string): Promise<string> {
          this.runs.push(`override ${id}`);
          return (await super.name(id)).toUpperCase();
        }
      }
      const context = await startContext({ providers: [Redecorating] });
      const service = context.get(Redecorating);

      expect([await service.name('7'), await service.name('7')]).toEqual(['NAME OF 7', 'NAME OF 7']);
      expect(service.runs).toEqual(['override 7', 'base 7']);
      expect(context.get(GroupService).groups.map(({ name }) => name)).toEqual(['loud names']);
    });

    it('names the group by the instance of a generic base class', async () => {
      abstract class Repository<Entity> {
        abstract readonly table: string;
        runs = 0;
        @Cached((self: Repository<unknown>) => `${self.table} by id`)
        async byId(id: number): Promise<Entity | undefined> {
          this.runs++;
          return this.load(id);
        }
        protected abstract load(id: number): Entity;
      }
      @Injectable()
      class Cities extends Repository<{ city: number }> {
        readonly table = 'cities';
        protected load = (city: number) => ({ city });
      }
      @Injectable()
      class Rivers extends Repository<{ river: number }> {
        readonly table = 'rivers';
        protected load = (river: number) => ({ river });
      }
      const context = await startContext({ providers: [Cities, Rivers] });
      const [cities, rivers] = [context.get(Cities), context.get(Rivers)];

      expect([await cities.byId(1), await rivers.byId(1), await rivers.byId(1)]).toEqual([
        { city: 1 },
        { river: 1 },
        { river: 1 },
      ]);
      expect([cities.runs, rivers.runs]).toEqual([1, 1]);
      expect(context.get(GroupService).groups.map(({ name }) => name)).toEqual(['cities by id', 'rivers by id']);
    });

    it('fails at start where two subclasses share a name, naming both', async () => {
      @Injectable()
      class One extends Base {}
      @Injectable()
      class Other extends Base {}
      const starting = startContext({ providers: [One, Other] });

      await expect(starting).rejects.toThrow(DuplicateGroupError);
      await expect(starting).rejects.toThrow('by One.name (inherited as Base.name) and by Other.name');
    });
  });

  describe('among other decorators', () => {
    const above: string[] = [];
    const below: string[] = [];

    @Injectable()
    class Service {
      @Kind('above')
      @Recorded(above)
      @Cached('lengths')
      @Recorded(below)
      async length(text: string): Promise<number> {
        return text.length;
      }

      @Kind('above')
      @Cached('noted')
      @Shade('below')
      async noted(text: string): Promise<string> {
        return text;
      }
    }

    it('lets what stands above run on every call and what stands below with the load', async () => {
      const service = await start(Service);
      above.length = below.length = 0;

      await service.length('abc');
      await service.length('abc');

      expect([above, below]).toEqual([['abc', 'abc'], ['abc']]);
    });

    it('runs what stands below on the owner', async () => {
      const apps = await startCluster(2, { providers: [Service] });
      const [owner, other] = ownerAndOther(apps, 'abc');
      above.length = below.length = 0;

      expect(await other.get(Service).length('abc')).toBe(3);

      expect([above, below]).toEqual([['abc'], ['abc']]);
      expect(owner.get(GroupService).peek('lengths', 'abc')).toBe(3);
    });

    it('passes on metadata from below', () => {
      const reflector = new Reflector();

      expect(reflector.get('kind', Service.prototype.noted)).toBe('above');
      expect(reflector.get('shade', Service.prototype.noted)).toBe('below');
    });
  });

  describe('on providers of every kind', () => {
    class Lengths {
      runs = 0;
      @Cached('lengths')
      async length(text: string): Promise<number> {
        this.runs++;
        return text.length;
      }
    }

    it.each<[string, Provider]>([
      ['useClass', { provide: 'service', useClass: Lengths }],
      ['useFactory', { provide: 'service', useFactory: () => new Lengths() }],
      ['an async useFactory', { provide: 'service', useFactory: async () => new Lengths() }],
      ['useValue', { provide: 'service', useValue: new Lengths() }],
    ])('finds those of %s', async (_kind, provider) => {
      const context = await startContext({ providers: [provider] });
      const service = context.get<Lengths>('service');

      await service.length('abc');
      await service.length('abc');

      expect(service.runs).toBe(1);
    });

    it('counts an instance under several tokens once', async () => {
      const aliases = ['one', 'other'].map((provide) => ({ provide, useExisting: Lengths }));
      const context = await startContext({ providers: [Lengths, ...aliases] });
      const service = context.get<Lengths>('other');

      await service.length('abc');
      await context.get(Lengths).length('abc');

      expect(service.runs).toBe(1);
    });

    it('passes by what is no instance of a class', async () => {
      const values: unknown[] = [Object.create(null), null, undefined, 7, 'text', () => 0, new Proxy({}, {})];
      const providers = values.map((useValue, index) => ({ provide: `value ${index}`, useValue }));

      await expect(startContext({ providers: [...providers, Lengths] })).resolves.toBeDefined();
    });

    it('does not touch getters', async () => {
      const touched: string[] = [];
      class Touchy {
        get ready(): boolean {
          touched.push('ready');
          throw new Error('not yet');
        }
        @Cached('touchy')
        async length(text: string): Promise<number> {
          return text.length;
        }
      }
      const service = await start(Touchy);

      expect(await service.length('abc')).toBe(3);
      expect(touched).toEqual([]);
    });

    it('refuses a request-scoped provider, one that depends on one, and a transient one', async () => {
      @Injectable({ scope: Scope.REQUEST })
      class Requested {
        @Cached('requested')
        async get(): Promise<number> {
          return 1;
        }
      }
      @Injectable({ scope: Scope.REQUEST })
      class Tenant {}
      @Injectable()
      class Depending {
        constructor(readonly tenant: Tenant) {}
        @Cached('depending')
        async get(): Promise<number> {
          return 1;
        }
      }
      @Injectable({ scope: Scope.TRANSIENT })
      class Transient {
        @Cached('transient')
        async get(): Promise<number> {
          return 1;
        }
      }

      await expect(startContext({ providers: [Requested] })).rejects.toThrow(/^Requested\.get .*request-scoped/);
      await expect(startContext({ providers: [Tenant, Depending] })).rejects.toThrow(
        /^Depending\.get .*request-scoped/,
      );
      await expect(startContext({ providers: [Transient] })).rejects.toThrow(/^Transient\.get .*transient/);
    });

    it('refuses a route handler, with the reason', async () => {
      @Controller()
      class Routes {
        @Get()
        @Cached('routes')
        async get(): Promise<number> {
          return 1;
        }
      }
      const app = await createApp({ groupcache: {}, controllers: [Routes] });

      await expect(app.init()).rejects.toThrow(UncacheableMethodError);
      await expect(createApp({ groupcache: {}, controllers: [Routes] }).then((again) => again.init())).rejects.toThrow(
        /^Routes\.get can't be @Cached: it is in a controller, and Nest has bound its routes/,
      );
    });

    it('refuses static methods and accessors when the class is made', () => {
      const decorate = Cached('anything') as (...args: unknown[]) => unknown;
      class Service {
        static load(): void {}
        get value(): number {
          return 1;
        }
      }

      expect(() => decorate(Service, 'load', Object.getOwnPropertyDescriptor(Service, 'load'))).toThrow(
        /^Service\.load .*it is static/,
      );
      expect(() =>
        decorate(Service.prototype, 'value', Object.getOwnPropertyDescriptor(Service.prototype, 'value')),
      ).toThrow(/^Service\.value .*it is an accessor/);
    });

    it('fails at start where two methods would define one group, naming both', async () => {
      @Injectable()
      class Twice {
        @Cached('same')
        async one(): Promise<number> {
          return 1;
        }
        @Cached('same')
        async other(): Promise<number> {
          return 2;
        }
      }

      await expect(startContext({ providers: [Twice] })).rejects.toThrow(
        'Group "same" is defined twice: by Twice.one and by Twice.other',
      );
    });
  });

  describe('in two applications of one process', () => {
    it('has a group in each, by instance', async () => {
      @Injectable()
      class Service {
        runs = 0;
        @Cached('lengths')
        async length(text: string): Promise<number> {
          this.runs++;
          return text.length;
        }
      }
      const contexts = [await startContext({ providers: [Service] }), await startContext({ providers: [Service] })];
      const services = contexts.map((context) => context.get(Service));

      for (const service of [...services, ...services]) await service.length('abc');

      expect(services.map(({ runs }) => runs)).toEqual([1, 1]);
      await contexts[0]!.close();
      await services[1]!.length('abc');
      expect(services[1]!.runs).toBe(1);
    });

    it('refuses an instance that they share', async () => {
      class Service {
        @Cached('lengths')
        async length(text: string): Promise<number> {
          return text.length;
        }
      }
      const providers = [{ provide: Service, useValue: new Service() }];
      await startContext({ providers });

      await expect(startContext({ providers })).rejects.toThrow(/cached by another application/);
    });
  });

  describe('arguments', () => {
    class QueryDto {
      readonly text!: string;
      // Class fields: own properties that are undefined.
      readonly from?: number;
      readonly deep?: boolean;
    }

    @Injectable()
    class Service {
      runs: unknown[][] = [];
      @Cached('searches')
      async search(query: QueryDto, page?: number): Promise<string> {
        this.runs.push([query, page]);
        return `${query.text} ${page ?? 1}`;
      }
      @Cached('anything')
      async anything(...args: any[]): Promise<number> {
        this.runs.push(args);
        return args.length;
      }
    }

    it('count as the same where a trailing one or a property is undefined', async () => {
      const service = await start(Service);
      const query = Object.assign(new QueryDto(), { text: 'a' });

      await service.search(query);
      await service.search(query, undefined);
      await service.search({ text: 'a', deep: undefined });
      await service.search({ text: 'a' }, 2);

      expect(service.runs).toEqual([
        [{ text: 'a' }, undefined],
        [{ text: 'a' }, 2],
      ]);
    });

    it('reach the method as plain objects, on the owner itself too', async () => {
      const service = await start(Service);

      await service.search(Object.assign(new QueryDto(), { text: 'a' }));

      const [[query]] = service.runs as [[object]];
      expect(Object.getPrototypeOf(query)).toBe(Object.prototype);
      expect(Object.keys(query)).toEqual(['text']);
    });

    it.each<[string, unknown, string]>([
      ['a Date', new Date(), 'argument 2 is a Date'],
      ['a Map', new Map(), 'argument 2 is a Map'],
      ['a bigint', 1n, 'argument 2 is a bigint'],
      ['NaN', Number.NaN, 'argument 2 is NaN'],
      ['a function', () => 0, 'argument 2 is a function'],
      ['a nested Date', { spans: [{ from: new Date() }] }, 'argument 2.spans[0].from is a Date'],
      ['an undefined in an array', [undefined], 'argument 2[0] is undefined'],
    ])('are refused with the method and the place: %s', async (_what, argument, message) => {
      const service = await start(Service);
      const asking = service.anything('first', argument);

      await expect(asking).rejects.toThrow(UnencodableArgumentError);
      await expect(asking).rejects.toThrow(`Service.anything can't be cached by this call: ${message}`);
      await expect(asking).rejects.toThrow('or give @Cached a "key" codec');
      expect(service.runs).toEqual([]);
    });

    it('go through a key codec of the own', async () => {
      @Injectable()
      class Calendar {
        asked: unknown[] = [];
        @Cached('days', { key: { encode: (at: Date) => at.toISOString(), decode: (key) => [new Date(key)] } })
        async day(at: Date): Promise<number> {
          this.asked.push(at);
          return at.getUTCDate();
        }
      }
      const context = await startContext({ providers: [Calendar] });
      const calendar = context.get(Calendar);

      expect([await calendar.day(new Date(0)), await calendar.day(new Date(0))]).toEqual([1, 1]);
      expect(calendar.asked).toEqual([new Date(0)]);
      expect(context.get(GroupService).peek('days', '1970-01-01T00:00:00.000Z')).toBe(1);
    });

    it('are refused where a key codec breaks its word', async () => {
      @Injectable()
      class Broken {
        @Cached('numbers', { key: { encode: (id: any) => id as string, decode: (key) => key as unknown as [any] } })
        async number(id: any): Promise<any> {
          return id;
        }
      }
      const service = await start(Broken);

      await expect(service.number(7)).rejects.toThrow(UnencodableArgumentError);
      // Once a string was spread into its characters.
      await expect(service.number('abc')).rejects.toThrow(InvalidKeyError);
      await expect(service.number('abc')).rejects.toThrow('the "key" codec of Broken.number made no array of');
    });
  });

  describe('results', () => {
    @Injectable()
    class Service {
      runs = 0;
      result: unknown;
      @Cached('results')
      async load(_id: string): Promise<any> {
        this.runs++;
        return this.result;
      }
    }

    it('are kept when they are null and not when they are undefined', async () => {
      const service = await start(Service);

      service.result = null;
      expect([await service.load('a'), await service.load('a')]).toEqual([null, null]);
      expect(service.runs).toBe(1);
      service.result = undefined;
      expect([await service.load('b'), await service.load('b')]).toEqual([undefined, undefined]);
      expect(service.runs).toBe(3);
    });

    it('can not be changed by who gets them', async () => {
      const service = await start(Service);
      const given = { list: [{ price: 1 }] };
      service.result = given;
      const value = (await service.load('a')) as typeof given;

      expect(() => value.list.push({ price: 2 })).toThrow(TypeError);
      expect(() => (value.list[0]!.price = 2)).toThrow(TypeError);
      given.list[0]!.price = 3;
      expect(await service.load('a')).toEqual({ list: [{ price: 1 }] });
    });

    it.each<[string, unknown, string]>([
      ['a Date', { rows: [{ at: new Date() }] }, 'the result.rows[0].at is a Date'],
      ['a Map', new Map(), 'the result is a Map'],
      ['a bigint', { id: 1n }, 'the result.id is a bigint'],
      [
        'a class with methods',
        new (class Money {
          plus(): void {}
        })(),
        'the result is an instance of Money',
      ],
    ])('are refused with the place: %s', async (_what, result, message) => {
      const service = await start(Service);
      service.result = result;

      await expect(service.load('a')).rejects.toThrow(UnencodableValueError);
      await expect(service.load('a')).rejects.toThrow(message);
    });
  });

  describe('with a trailing AbortSignal', () => {
    const Slow = defineGroup<[id: string, deep?: boolean], string>('slow');

    @Injectable()
    class Service {
      loads: { readonly args: unknown[]; readonly signal: AbortSignal | undefined }[] = [];
      release = deferred<string>();
      began = deferred<void>();
      @Cached(Slow)
      async load(id: string, deep?: boolean, signal?: AbortSignal): Promise<string> {
        this.loads.push({ args: [id, deep], signal });
        this.began.resolve();
        return this.release.promise;
      }
    }

    it("takes the caller's on the call and gives the load's to the method", async () => {
      const service = await start(Service);
      const [one, other] = [new AbortController(), new AbortController()];
      const callers = [service.load('a', undefined, one.signal), service.load('a', undefined, other.signal)];
      await service.began.promise;

      one.abort(new Error('one has gone'));
      await expect(callers[0]).rejects.toThrow('one has gone');
      const signal = service.loads[0]!.signal!;
      expect(signal).toBeInstanceOf(AbortSignal);
      expect([one.signal, other.signal]).not.toContain(signal);
      expect(signal.aborted).toBe(false);
      service.release.resolve('late');

      expect(await callers[1]).toBe('late');
      expect(service.loads.map(({ args }) => args)).toEqual([['a', undefined]]);
    });

    it("aborts the load's once nobody waits", async () => {
      const service = await start(Service);
      const caller = new AbortController();
      const asking = service.load('a', true, caller.signal);
      await service.began.promise;

      caller.abort(new Error('gone'));

      await expect(asking).rejects.toThrow('gone');
      expect(service.loads[0]!.signal!.reason).toBeInstanceOf(LoadAbandonedError);
    });

    it('leaves the signal out of the key', async () => {
      const context = await startContext({ providers: [Service] });
      const service = context.get(Service);
      service.release.resolve('value');

      await service.load('a', true, new AbortController().signal);

      expect(context.get(GroupService).of(Slow).peek('a', true)).toBe('value');
      expect(context.get(GroupService).of(Slow).keyOf('a', true)).toBe('["a",true]');
    });
  });

  it('runs once in a cluster, in the process of the owner, with the arguments that the key decodes to', async () => {
    @Injectable()
    class Service {
      runs: unknown[][] = [];
      constructor(readonly pool: HttpPool) {}
      @Cached('sums')
      async sum(one: number, other: { readonly of: number }): Promise<{ sum: number; by: string }> {
        this.runs.push([one, other]);
        return { sum: one + other.of, by: this.pool.self! };
      }
      @Cached('texts')
      async text(id: string): Promise<string> {
        this.runs.push([id]);
        return id;
      }
    }
    const apps = await startCluster(3, { imports: [moduleOf({ providers: [Service] })] });
    const services = apps.map((app) => app.get(Service, { strict: false }));
    const owner = apps[0]!.get(HttpPool).ownerOf('[1,{"of":2}]');

    const sums = await Promise.all(
      services.flatMap((service) => [service.sum(1, { of: 2 }), service.sum(1, { of: 2 })]),
    );

    expect(sums).toEqual(Array.from({ length: 6 }, () => ({ sum: 3, by: owner })));
    expect(services.flatMap(({ runs }) => runs)).toEqual([[1, { of: 2 }]]);
    const keys = apps.map((app) => keyOwnedBy(app));
    await Promise.all(services.map((service) => Promise.all(keys.map((key) => service.text(key)))));
    for (const [index, service] of services.entries()) expect(service.runs).toContainEqual([keys[index]]);
  });

  it('works in a module that is imported before the cache is', async () => {
    @Injectable()
    class Service {
      runs = 0;
      @Cached('lengths')
      async length(text: string): Promise<number> {
        this.runs++;
        return text.length;
      }
    }
    const app = await createApp({ imports: [moduleOf({ providers: [Service] }), GroupcacheModule.forRoot()] });
    await app.init();
    const service = app.get(Service, { strict: false });

    await service.length('abc');
    await service.length('abc');

    expect(service.runs).toBe(1);
  });
});
