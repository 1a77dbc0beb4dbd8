import {
  Body,
  Controller,
  Get,
  Injectable,
  Post,
  type BeforeApplicationShutdown,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type INestApplication,
  type NestInterceptor,
  type OnModuleDestroy,
} from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { GroupcacheModule, GroupService, HttpPool, textCodec } from 'nestjs-groupcache';
import { once } from 'node:events';
import { Agent, createServer, request as httpRequest, type IncomingMessage, type RequestListener } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Observable } from 'rxjs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { deferred } from '../core/deferred.js';
import { localhostCertificate } from '../peers/localhost-certificate.js';
import { ask, sendRaw, valueIn } from '../peers/raw-http.js';
import {
  closeApps,
  closeLater,
  createApp,
  keyOwnedBy,
  logged,
  ownerAndOther,
  peer,
  platforms,
  startApp,
  startCluster,
  type AppSetUp,
} from './apps.js';

afterEach(closeApps);

const raw = { ...peer, mount: 'raw', link: false } as const;

@Controller('notes')
class NoteController {
  @Get()
  get(): string {
    return 'a note';
  }
  @Post()
  add(@Body() note: object): object {
    return note;
  }
}

function defineTexts(apps: readonly INestApplication[]): void {
  for (const app of apps) app.get(GroupService).define('texts', { codec: textCodec }, ([key]) => `<${key}>`);
}

/** One peer whom anybody may ask, and a list that has it and one that nobody is behind. */
async function startOpen(setUp: AppSetUp): Promise<{ app: INestApplication; url: string; port: number }> {
  const app = await startApp({ ...setUp, groupcache: { ...raw, auth: 'none', ...setUp.groupcache } });
  const pool = app.get(HttpPool);
  await vi.waitFor(() => expect(pool.self).toBeDefined());
  pool.set(pool.self!, 'http://127.0.0.1:1');
  defineTexts([app]);
  return { app, url: pool.self!, port: Number(new URL(pool.self!).port) };
}

describe.each(platforms)("mount: 'raw' on %s", (platform, adapter) => {
  it('lets peers ask each other past all that stands before routes, which sees nothing of it', async () => {
    const seen: string[] = [];
    @Injectable()
    class Watching implements CanActivate, NestInterceptor {
      canActivate(context: ExecutionContext): boolean {
        seen.push(`guard ${context.getClass().name}`);
        return false;
      }
      intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
        seen.push('interceptor');
        return next.handle();
      }
    }
    const apps = await startCluster(2, {
      adapter,
      controllers: [NoteController],
      groupcache: raw,
      configure: (app) => {
        const watching = new Watching();
        app.setGlobalPrefix('api');
        app.useGlobalGuards(watching).useGlobalInterceptors(watching);
        app.use((request: IncomingMessage, _response: unknown, next: () => void) => {
          seen.push(`middleware ${request.url}`);
          next();
        });
        const fastify: unknown = app.getHttpAdapter().getInstance();
        if (app.getHttpAdapter() instanceof FastifyAdapter) {
          (fastify as { addHook(name: string, hook: (...args: unknown[]) => void): void }).addHook(
            'onRequest',
            (...args) => {
              seen.push('hook');
              (args.at(-1) as () => void)();
            },
          );
        }
      },
    });
    defineTexts(apps);

    const values = await Promise.all(
      ['one', 'two', 'three'].map((key) => ownerAndOther(apps, key)[1].get(GroupService).get('texts', key)),
    );

    expect(values).toEqual(['<one>', '<two>', '<three>']);
    await vi.waitFor(() => expect(logged('log').filter((message) => message.includes('joined'))).toHaveLength(2));
    expect([seen, logged('error'), logged('warn')]).toEqual([[], [], []]);
    // They are there, for all others.
    expect((await fetch(`${apps[0]!.get(HttpPool).self}/api/notes`)).status).toBe(403);
    expect(seen).toEqual(
      expect.arrayContaining([expect.stringMatching(/^middleware \/api\/notes/), 'guard NoteController']),
    );
    expect(seen.includes('hook')).toBe(platform === 'Fastify');
  });

  it.each([
    ['', ''],
    ['/', '/'],
    ['//', '//'],
    ['..', '..'],
    ['../../notes', '../../notes'],
    ['./a', './a'],
    ['%2F', '/'],
    ['%252F', '%2F'],
    ['%2e%2e', '..'],
    ['a%20b+c%2Bd', 'a b c+d'],
    ['%F0%9F%A6%8A', '🦊'],
    ['a;b=c', 'a;b=c'],
    ['a?b', 'a'],
  ])('reads the raw target %s', async (target, key) => {
    const { app, url } = await startOpen({ adapter });
    const loads: string[] = [];
    app.get(GroupService).define('keys', { codec: textCodec }, ([one]) => (loads.push(one), one));

    const { status } = await ask(url, `/_groupcache/keys/${target}`);

    expect([status, loads]).toEqual([200, [key]]);
  });

  it('shares a connection with the application, request by request', async () => {
    const { url, port } = await startOpen({ adapter, controllers: [NoteController] });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    closeLater({ close: async () => agent.destroy() });
    const sockets = new Set<Socket>();
    const send = async (method: string, path: string, body?: object): Promise<string> => {
      const request = httpRequest(url + path, { agent, method, headers: { 'content-type': 'application/json' } });
      request.on('socket', (socket) => sockets.add(socket));
      request.end(body === undefined ? undefined : JSON.stringify(body));
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      return `${response.statusCode} ${Buffer.concat(chunks).toString('latin1')}`;
    };

    for (let round = 0; round < 3; round++) {
      expect(await send('GET', '/notes')).toBe('200 a note');
      expect(valueIn((await send('GET', `/_groupcache/texts/${round}`)).slice(4))).toBe(`<${round}>`);
      expect(await send('POST', '/notes', { text: 'x' })).toBe('201 {"text":"x"}');
      expect(await send('POST', '/_groupcache/texts/a', { text: 'read by nobody' })).toMatch(/^405 /);
      expect(await send('GET', '/_groupcache')).toMatch(/^404 .*"Cannot GET \/_groupcache"/);
      expect(await send('GET', '/_groupcaches/a')).toMatch(/^404 .*"Cannot GET \/_groupcaches\/a"/);
    }
    expect(sockets.size).toBe(1);

    const pipelined = await sendRaw(
      port,
      ['/notes', '/_groupcache/texts/a', '/notes', '/_groupcache/texts/b']
        .map((path, index) => `GET ${path} HTTP/1.1\r\nhost: a\r\n${index === 3 ? 'connection: close\r\n' : ''}\r\n`)
        .join(''),
    );
    expect(pipelined.match(/a note|<[ab]>/g)).toEqual(['a note', '<a>', 'a note', '<b>']);
  });

  it('is there once the application is initialised, whoever has its server listen, and when', async () => {
    const groupcache = { ...raw, auth: 'none' } as const;
    const listens = [
      async (app: INestApplication) => (await app.init(), await app.listen(0, '127.0.0.1')),
      async (app: INestApplication) => (await app.init(), app.getHttpServer().listen(0, '127.0.0.1')),
      async (app: INestApplication) => (app.getHttpServer().listen(0, '127.0.0.1'), await app.init()),
    ];
    for (const listen of listens) {
      const app = await createApp({ adapter, groupcache });
      await listen(app);
      const pool = app.get(HttpPool);
      await vi.waitFor(() => expect(pool.self).toBeDefined());
      pool.set(pool.self!, 'http://127.0.0.1:1');
      defineTexts([app]);

      expect(valueIn((await ask(pool.self!, '/_groupcache/texts/a')).body)).toBe('<a>');
    }
  });

  it('answers by options that are made later', async () => {
    const options = { ...raw, auth: 'none' } as const;
    const app = await startApp({
      adapter,
      imports: [GroupcacheModule.forRootAsync({ useFactory: async () => options })],
      configure: (one) => one.useGlobalGuards({ canActivate: () => false }),
    });
    await vi.waitFor(() => expect(app.get(HttpPool).self).toBeDefined());
    const { self } = app.get(HttpPool);
    app.get(HttpPool).set(self!, 'http://127.0.0.1:1');
    defineTexts([app]);

    expect(valueIn((await ask(self!, '/_groupcache/texts/a')).body)).toBe('<a>');
  });

  it('answers by https as well', async () => {
    const { key, cert } = localhostCertificate;
    const https = { key, cert };
    const app = await startApp({
      adapter: platform === 'Fastify' ? () => new FastifyAdapter({ https }) : adapter,
      httpsOptions: https,
      controllers: [NoteController],
      groupcache: { ...raw, auth: 'none', self: ({ port }) => `https://localhost:${port}` },
    });
    const pool = app.get(HttpPool);
    await vi.waitFor(() => expect(pool.self).toBeDefined());
    pool.set(pool.self!, 'https://localhost:1');
    defineTexts([app]);
    const { port } = app.getHttpServer().address() as AddressInfo;
    const get = async (path: string): Promise<string> => {
      const request = httpsRequest({ host: '127.0.0.1', port, path, servername: 'localhost', ca: cert, agent: false });
      const [response] = (await once(request.end(), 'response')) as [IncomingMessage];
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      return Buffer.concat(chunks).toString('latin1');
    };

    expect(valueIn(await get('/_groupcache/texts/a'))).toBe('<a>');
    expect(await get('/notes')).toBe('a note');
  });

  it('sends peers elsewhere until the server is closed, and lets loads for them end', async () => {
    // As a routed request, which gets there as long as there is a server.
    const [destroying, shuttingDown] = [deferred<void>(), deferred<void>()];
    const [onDestroy, onShutdown] = [deferred<void>(), deferred<void>()];
    @Injectable()
    class Slow implements OnModuleDestroy, BeforeApplicationShutdown {
      onModuleDestroy(): Promise<void> {
        destroying.resolve();
        return onDestroy.promise;
      }
      beforeApplicationShutdown(): Promise<void> {
        shuttingDown.resolve();
        return onShutdown.promise;
      }
    }
    const { app, url } = await startOpen({ adapter, providers: [Slow] });
    const [begun, load] = [deferred<void>(), deferred<string>()];
    app.get(GroupService).define('slow', { codec: textCodec }, () => (begun.resolve(), load.promise));
    const key = keyOwnedBy(app);
    const asking = ask(url, `/_groupcache/slow/${key}`);
    await begun.promise;
    const expectRefusal = async (): Promise<void> => {
      const { status, headers } = await ask(url, `/_groupcache/slow/${key}`);
      expect([status, headers.get('x-groupcache-failure'), headers.get('connection')]).toEqual([
        503,
        'draining',
        'close',
      ]);
    };

    const closing = app.close();
    try {
      await expectRefusal();
      load.resolve('late');
      expect(valueIn((await asking).body)).toBe('late');
      await destroying.promise;
      await expectRefusal();
      onDestroy.resolve();
      await shuttingDown.promise;
      await expectRefusal();
    } finally {
      for (const held of [onDestroy, onShutdown]) held.resolve();
      await closing;
    }

    await expect(fetch(url)).rejects.toThrow();
    expect(Object.hasOwn(app.getHttpServer() as object, 'emit')).toBe(false);
  });

  it.each([
    ['a client', { role: 'client', mount: 'raw', auth: 'none' } as const],
    ['a process without a cache', { mount: 'raw', enabled: false, auth: 'none' } as const],
  ])('mounts nothing in %s, nor does a controller answer', async (_what, groupcache) => {
    const app = await startApp({ adapter, groupcache });
    const url = await app.getUrl();

    const [asked, unknown] = [await ask(url, '/_groupcache/texts/a'), await ask(url, '/elsewhere/a')];

    expect(asked.status).toBe(404);
    expect(asked.body.replace('/_groupcache/texts/a', '/elsewhere/a')).toBe(unknown.body);
  });

  it('is not in a server that hands its requests to the application by itself', async () => {
    const { app } = await startOpen({ adapter });
    const instance = app.getHttpAdapter().getInstance() as RequestListener & { routing?: RequestListener };
    const server = createServer(instance.routing ?? instance).listen(0, '127.0.0.1');
    await once(server, 'listening');
    closeLater({ close: async () => void server.close() });

    const answer = await ask(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, '/_groupcache/texts/a');

    expect([answer.status, answer.headers.has('x-groupcache')]).toEqual([404, false]);
    expect(answer.body).toContain('Cannot GET /_groupcache/texts/a');
  });
});
