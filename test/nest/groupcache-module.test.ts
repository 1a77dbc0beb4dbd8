import { Injectable, Module, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  Cached,
  defineGroup,
  getGroupToken,
  GroupcacheModule,
  GroupService,
  HttpPool,
  InjectGroup,
  InvalidOptionError,
  TypedGroup,
  type GroupcacheOptions,
  type GroupcacheOptionsFactory,
} from 'nestjs-groupcache';
import { afterEach, describe, expect, it } from 'vitest';
import { closeApps, closeLater, createApp, moduleOf, peer, secret, startApp, startContext } from './apps.js';

const Squares = defineGroup<[number: number], number>('squares');

@Injectable()
class SquareService {
  runs = 0;

  @Cached(Squares)
  async square(number: number): Promise<number> {
    this.runs++;
    return number * number;
  }
}

const providers = [SquareService];

afterEach(closeApps);

async function runsOfTwoCalls(app: INestApplicationContext): Promise<number> {
  const service = app.get(SquareService);
  expect(await service.square(7)).toBe(49);
  expect(await service.square(7)).toBe(49);
  return service.runs;
}

describe('GroupcacheModule.forRoot', () => {
  it('is a working cache in one process without options', async () => {
    const app = await createApp({ imports: [GroupcacheModule.forRoot()], providers });
    await app.init();

    expect(await runsOfTwoCalls(app)).toBe(1);
    expect(app.get(GroupService).of(Squares).peek(7)).toBe(49);
  });

  it('is global: any module injects GroupService', async () => {
    @Injectable()
    class Reader {
      constructor(readonly groups: GroupService) {}
    }
    const app = await createApp({ groupcache: {}, imports: [moduleOf({ providers: [Reader] })] });

    expect(app.get(Reader, { strict: false }).groups).toBe(app.get(GroupService));
  });

  it('is not with isGlobal: false, and works where it is imported', async () => {
    @Injectable()
    class Reader {
      constructor(readonly groups: GroupService) {}
    }
    const readers = moduleOf({ providers: [Reader] });
    const groupcache = { isGlobal: false };

    await expect(createApp({ groupcache, imports: [readers] })).rejects.toThrow(/GroupService/);

    const app = await createApp({ groupcache, providers });
    await app.init();
    expect(await runsOfTwoCalls(app)).toBe(1);
  });

  it('just runs methods and keeps nothing with enabled: false, peers or not', async () => {
    const self = 'http://127.0.0.1:3000';
    const groupcache = { enabled: false, self, peers: [self, 'http://127.0.0.1:3001'], auth: { secret } };
    const app = await startApp({ groupcache, providers });

    expect(await runsOfTwoCalls(app)).toBe(2);
    const squares = app.get(GroupService).of(Squares);
    expect(await squares.get(7)).toBe(49);
    expect(squares.peek(7)).toBeUndefined();
    expect(app.get(HttpPool).peers).toEqual([]);
    expect(await fetch(`${await app.getUrl()}/_groupcache/squares/7`)).toMatchObject({ status: 404 });
  });

  it('gives defaults to groups that do not say otherwise', async () => {
    @Injectable()
    class Two {
      @Cached('default')
      async first(): Promise<{ readonly at: string }> {
        return { at: 'first' };
      }
      @Cached('own', { share: 'copy', cacheBytes: '1MiB' })
      async second(): Promise<{ readonly at: string }> {
        return { at: 'second' };
      }
    }
    const app = await createApp({ groupcache: { defaults: { cacheBytes: 0, share: 'frozen' } }, providers: [Two] });
    await app.init();
    const groups = app.get(GroupService);

    expect(Object.isFrozen(await app.get(Two).first())).toBe(true);
    expect(Object.isFrozen(await app.get(Two).second())).toBe(false);
    expect(groups.of<[], unknown>('default').peek()).toBeUndefined();
    expect(groups.of<[], unknown>('own').peek()).toEqual({ at: 'second' });
  });

  it('bounds all groups together by maxTotalBytes', async () => {
    const app = await createApp({ groupcache: { maxTotalBytes: '8KiB' } });
    const groups = app.get(GroupService);
    const texts = ['one', 'two', 'three'].map((name) => groups.define<string>(name, {}, () => 'x'.repeat(2000)));

    for (const text of texts) for (let key = 0; key < 10; key++) await text.get(String(key));

    const footprint = groups.groups.reduce((sum, group) => sum + group.footprint, 0);
    expect(footprint).toBeGreaterThan(0);
    expect(footprint).toBeLessThanOrEqual(8 * 1024);
  });
});

describe('GroupcacheModule.forRootAsync', () => {
  const options: GroupcacheOptions = { defaults: { cacheBytes: 0 } };

  @Injectable()
  class OptionsFactory implements GroupcacheOptionsFactory {
    static made = 0;
    constructor() {
      OptionsFactory.made++;
    }
    async createGroupcacheOptions(): Promise<GroupcacheOptions> {
      return options;
    }
  }

  @Module({
    providers: [OptionsFactory, { provide: 'options', useValue: options }],
    exports: [OptionsFactory, 'options'],
  })
  class ConfigModule {}

  it.each([
    ['useFactory', { imports: [ConfigModule], inject: ['options'], useFactory: (given: GroupcacheOptions) => given }],
    ['an async useFactory', { useFactory: async () => options }],
    ['useClass', { useClass: OptionsFactory }],
    ['useExisting', { imports: [ConfigModule], useExisting: OptionsFactory }],
  ])('takes its options from %s', async (_name, definition) => {
    const app = await createApp({ imports: [GroupcacheModule.forRootAsync(definition)], providers });
    await app.init();

    expect(await runsOfTwoCalls(app)).toBe(2);
  });

  it('does not make the class of useExisting again', async () => {
    OptionsFactory.made = 0;
    const definition = { imports: [ConfigModule], useExisting: OptionsFactory };
    await createApp({ imports: [GroupcacheModule.forRootAsync(definition)] });

    expect(OptionsFactory.made).toBe(1);
  });

  it('takes what is fixed before options are known beside them', async () => {
    const module = GroupcacheModule.forRootAsync({ useFactory: () => peer, basePath: '/peers/', isGlobal: false });
    const app = await startApp({ imports: [module] });
    const pool = app.get(HttpPool);
    pool.set(pool.self!, 'http://127.0.0.1:1');

    expect(pool.basePath).toBe('/peers/');
    expect(await fetch(`${pool.self}/peers/a/b`)).toMatchObject({ status: 401 });
  });
});

describe('GroupcacheModule.forFeature', () => {
  @Injectable()
  class Exchange {
    asked: unknown[][] = [];
    quote(symbol: string, deep: boolean | undefined): string {
      this.asked.push([symbol, deep]);
      return `${symbol}!`;
    }
  }
  @Module({ providers: [Exchange], exports: [Exchange] })
  class ExchangeModule {}

  const Quotes = defineGroup<[symbol: string, deep?: boolean], string>('quotes');

  @Injectable()
  class Reader {
    constructor(@InjectGroup(Quotes) readonly quotes: TypedGroup<[symbol: string, deep?: boolean], string>) {}
    @InjectGroup('lengths') readonly lengths!: TypedGroup<[key: string], number>;
  }

  const feature = GroupcacheModule.forFeature([
    {
      group: Quotes,
      imports: [ExchangeModule],
      inject: [Exchange],
      useFactory:
        (exchange: Exchange) =>
        ([symbol, deep]) =>
          exchange.quote(symbol, deep),
    },
    {
      group: 'lengths',
      options: { cacheBytes: 0 },
      useFactory:
        async () =>
        ([key]: [string]) =>
          key.length,
    },
  ]);

  it('makes groups whose loaders use other providers, injected by @InjectGroup', async () => {
    const app = await createApp({ groupcache: {}, imports: [moduleOf({ imports: [feature], providers: [Reader] })] });
    const { quotes, lengths } = app.get(Reader, { strict: false });

    expect(await Promise.all([quotes.get('ACME'), quotes.get('ACME', true), quotes.get('ACME')])).toEqual(
      Array(3).fill('ACME!'),
    );
    expect(app.get(Exchange, { strict: false }).asked).toEqual([
      ['ACME', undefined],
      ['ACME', true],
    ]);
    expect(await lengths.get('[not json')).toBe(9);
    expect(lengths.peek('[not json')).toBeUndefined();
  });

  it('provides them under getGroupToken, for modules that import it', async () => {
    const app = await createApp({
      groupcache: {},
      imports: [feature],
      providers: [{ provide: 'reader', inject: [getGroupToken(Quotes)], useFactory: (group: unknown) => ({ group }) }],
    });

    expect(app.get<{ group: unknown }>('reader').group).toBeInstanceOf(TypedGroup);
  });

  it('fails at start where a group is defined twice', async () => {
    @Injectable()
    class Cacher {
      @Cached('lengths')
      async length(key: string): Promise<number> {
        return key.length;
      }
    }
    const app = await createApp({ groupcache: {}, imports: [feature], providers: [Cacher] });

    await expect(app.init()).rejects.toThrow(
      'Group "lengths" is defined twice: by forFeature or GroupService.define and by Cacher.length',
    );
    await expect(
      createApp({
        groupcache: {},
        imports: [feature, GroupcacheModule.forFeature([{ group: 'lengths', useFactory: () => () => 0 }])],
      }),
    ).rejects.toThrow('Group "lengths" is defined twice');
  });
});

describe('the start', () => {
  const self = 'http://10.0.0.5:3000';
  const peers = [self, 'http://10.0.0.6:3000'];
  const auth = { secret };

  it.each<[string, object, string]>([
    ['a secret is short', { auth: { secret: 'short' }, self, peers }, 'auth.secret'],
    ['auth is missing with peers', { self, peers }, 'auth'],
    ['self is missing with peers', { auth, peers }, 'self'],
    ['self is not among peers', { auth, peers, self: 'http://10.0.0.7:3000' }, 'self'],
    ['self is no URL', { self: '10.0.0.5' }, 'self'],
    ['a peer is no URL', { auth, self, peers: [self, 'ten'] }, 'peers'],
    ['peers is no list', { auth, self, peers: self }, 'peers'],
    ['a client has a self', { auth, self, peers, role: 'client' }, 'self'],
    ['role is unknown', { role: 'server' }, 'role'],
    ['enabled is no boolean', { enabled: 'no' }, 'enabled'],
    ['a port is out of range', { listen: { port: 70_000 } }, 'listen.port'],
    ['there is no such mount', { mount: 'middleware' }, 'mount'],
    ['a raw mount has a port of its own', { mount: 'raw', listen: { port: 0 } }, 'mount'],
    ['a default is no size', { defaults: { cacheBytes: '64 megs' } }, 'defaults.cacheBytes'],
    ['a default has no such policy', { defaults: { share: 'clone' } }, 'defaults.share'],
    ['maxTotalBytes is negative', { maxTotalBytes: -1 }, 'maxTotalBytes'],
    ['drainTimeout is no duration', { drainTimeout: 'soon' }, 'drainTimeout'],
    ['maxConcurrentRequests is 0', { maxConcurrentRequests: 0 }, 'maxConcurrentRequests'],
    ['tls is nothing', { auth: 'none', tls: null }, 'tls'],
    ['a certificate is not there', { tls: { key: { file: '/nowhere' }, cert: 'PEM' } }, 'tls.key'],
    ['a peer is asked in the clear beside tls', { auth, self, peers, tls: {} }, 'peers'],
    ['some peers are asked in the clear', { auth, self, peers: [self, 'https://10.0.0.6:3000'] }, 'peers'],
    ['Go peers are on a ring that they do not know', { goPeers: true, ring: 'balanced' }, 'ring'],
  ])('fails when %s, naming the option', async (_case, groupcache, option) => {
    const starting = createApp({ groupcache });

    await expect(starting).rejects.toThrow(InvalidOptionError);
    await expect(starting).rejects.toMatchObject({ option });
    await expect(starting).rejects.not.toThrow(secret);
  });

  it('says what to do about a raw mount with a port of its own', async () => {
    const starting = createApp({ groupcache: { mount: 'raw', listen: { port: 0 } } });

    await expect(starting).rejects.toThrow(/Option "mount" is "raw"; .*"listen".*leave out one of the two/);
  });

  it.each(['_groupcache', '/', 'peers/', '/a b/', '/a/../b/', '/:id/', 7])('refuses the basePath %j', (basePath) => {
    expect(() => GroupcacheModule.forRoot({ basePath: basePath as string })).toThrow(/"basePath"/);
  });

  it('names the option when a group has a bad one', async () => {
    @Injectable()
    class Cacher {
      @Cached('lengths', { cacheBytes: '64 megs' as '64MB' })
      async length(key: string): Promise<number> {
        return key.length;
      }
    }
    const app = await createApp({ groupcache: {}, providers: [Cacher] });

    await expect(app.init()).rejects.toThrow('Option "cacheBytes" is "64 megs"');
  });

  it('fails when a later list has a foreign peer and auth is not said', async () => {
    const app = await startApp({ groupcache: { self: peer.self } });
    const pool = app.get(HttpPool);

    expect(() => pool.set(pool.self!, 'http://10.0.0.6:3000')).toThrow(/"auth" is missing/);
    expect(pool.hasPeers).toBe(false);
  });
});

describe('an application without an HTTP server', () => {
  it('can not have a self, and says what to do', async () => {
    await expect(startContext({ groupcache: { ...peer } })).rejects.toThrow(/"listen" is missing.*role: 'client'/);
    await expect(startContext({ groupcache: { ...peer, mount: 'raw' } })).rejects.toThrow(/"listen" is missing/);
  });

  it('is a cache of its own without one', async () => {
    const context = await startContext({ providers });

    expect(await runsOfTwoCalls(context)).toBe(1);
  });

  it('is a peer with listen', async () => {
    const groupcache = { ...peer, listen: { port: 0, host: '127.0.0.1' } };
    const contexts = [await startContext({ groupcache, providers }), await startContext({ groupcache, providers })];
    const pools = contexts.map((context) => context.get(HttpPool));
    for (const pool of pools) pool.set(...pools.map((each) => each.self!));

    const squares = contexts.flatMap((context) =>
      [1, 2, 3, 4].map((number) => context.get(SquareService).square(number)),
    );

    expect(await Promise.all(squares)).toEqual([1, 4, 9, 16, 1, 4, 9, 16]);
    expect(contexts.reduce((sum, context) => sum + context.get(SquareService).runs, 0)).toBe(4);
  });

  it('asks peers and owns nothing as a client', async () => {
    const owner = await startApp({ groupcache: { ...peer }, providers });
    const { self } = owner.get(HttpPool);
    // A peer serves nobody before it has peers of its own.
    owner.get(HttpPool).set(self!, 'http://127.0.0.1:1');
    const client = await startContext({ groupcache: { role: 'client', peers: [self!], auth: { secret } }, providers });

    expect(await client.get(SquareService).square(9)).toBe(81);
    expect(client.get(SquareService).runs).toBe(0);
    expect(client.get(HttpPool).self).toBeUndefined();
  });

  it('does not take peers from an application whose port is in use', async () => {
    const first = await startContext({ groupcache: { ...peer, listen: { port: 0, host: '127.0.0.1' } } });
    const port = Number(new URL(first.get(HttpPool).self!).port);
    const second = moduleOf({
      imports: [GroupcacheModule.forRoot({ ...peer, listen: { port, host: '127.0.0.1' } })],
    });

    const starting = NestFactory.createApplicationContext(second, { logger: false, abortOnError: false });

    await expect(starting.then(closeLater)).rejects.toThrow(/EADDRINUSE/);
  });
});
