import {
  Controller,
  Get,
  HttpException,
  Injectable,
  Post,
  Body,
  SetMetadata,
  ValidationPipe,
  Version,
  VersioningType,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type INestApplication,
  type NestInterceptor,
} from '@nestjs/common';
import { APP_GUARD, Reflector } from '@nestjs/core';
import { minutes, SkipThrottle, ThrottlerGuard, ThrottlerModule } from '@nestjs/throttler';
import { IsString } from 'class-validator';
import compression from 'compression';
import helmet from 'helmet';
import { GroupService, HttpPool, textCodec } from 'nestjs-groupcache';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { map, type Observable } from 'rxjs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  closeApps,
  introduce,
  logged,
  mounts,
  ownerAndOther,
  peer,
  platforms,
  startApp,
  startCluster,
  type AppSetUp,
} from './apps.js';

const oddKeys = [
  '',
  ' ',
  'a b',
  '+',
  'a+b',
  '%',
  '%41',
  '%2F',
  '/',
  '//',
  '/a/',
  '.',
  '..',
  '../a',
  './a',
  'a/../b',
  'a?b#c',
  'a;b=c',

  '*',
  "!'()",
  '\\',
  '"',
  '\u0000',
  '\n',
  'ä€',
  '😀👩‍👩‍👧',
  '[',
  '["a"]',
  'k'.repeat(2048),
];

class NoteDto {
  @IsString()
  text!: string;
}

@Controller('notes')
class NoteController {
  @Get()
  get(): object {
    return { note: 'x'.repeat(5000) };
  }
  @Post()
  add(@Body() note: NoteDto): object {
    return note;
  }
  @Version('2')
  @Get('second')
  second(): object {
    return { second: true };
  }
}

const Public = (): ClassDecorator => SetMetadata('public', true);

/** Lets nobody in but where it says Public. */
@Injectable()
class LoginGuard implements CanActivate {
  readonly #reflector = new Reflector();
  canActivate(context: ExecutionContext): boolean {
    return this.#reflector.getAllAndOverride<boolean>('public', [context.getHandler(), context.getClass()]) ?? false;
  }
}

/** Wraps every response, as many applications do. */
@Injectable()
class EnvelopeInterceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((data: unknown) => ({ data, ok: true })));
  }
}

/** One peer, made by `setUp`, and a list that has it and one that nobody is behind. */
async function startBesideNobody(setUp: AppSetUp): Promise<INestApplication> {
  const app = await startApp({ ...setUp, groupcache: { ...peer, ...setUp.groupcache } });
  const pool = app.get(HttpPool);
  pool.set(pool.self!, 'http://127.0.0.1:1');
  return app;
}

/** Two peers with a group of texts, each the other's only source. */
async function startTexts(setUp: AppSetUp): Promise<INestApplication[]> {
  const apps = await startCluster(2, setUp);
  for (const app of apps) app.get(GroupService).define('texts', { codec: textCodec }, ([key]) => `<${key}>`);
  return apps;
}

/** Gets keys that the other one owns, at both, and sees that the owner's answer was taken. */
async function expectExchange(apps: readonly INestApplication[]): Promise<void> {
  for (let number = 0; number < 10; number++) {
    const [, asker] = ownerAndOther(apps, `key ${number}`);
    expect(await asker.get(GroupService).get('texts', `key ${number}`)).toBe(`<key ${number}>`);
  }
  const stats = apps.map((app) => app.get(GroupService).group('texts').stats);
  expect(stats.reduce((sum, { peerLoads }) => sum + peerLoads, 0)).toBe(10);
  expect(stats.reduce((sum, { peerErrors }) => sum + peerErrors, 0)).toBe(0);
}

/** A GET of a raw target, which no URL parser has touched. */
async function rawGet(url: string, target: string, method = 'GET'): Promise<IncomingMessage & { body: Buffer }> {
  const { hostname, port } = new URL(url);
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const headers = { 'accept-encoding': 'gzip, br' };
    httpRequest({ hostname, port, path: target, method, headers, agent: false }, resolve).on('error', reject).end();
  });
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Object.assign(response, { body: Buffer.concat(chunks) });
}

afterEach(closeApps);

describe.each(mounts)('mount: %j on %s', (mount, _platform, adapter) => {
  it('brings every key to its owner as it is', async () => {
    const loads: [self: string | undefined, key: string][] = [];
    // By GETs: a link would soon take them over.
    const apps = await startCluster(2, { adapter, groupcache: { mount, link: false } });
    for (const app of apps) {
      app.get(GroupService).define('odd', { codec: textCodec }, ([key]) => {
        loads.push([app.get(HttpPool).self, key]);
        return `<${key}>`;
      });
    }

    for (const key of oddKeys) {
      const [owner, asker] = ownerAndOther(apps, key);
      expect(await asker.get(GroupService).get('odd', key)).toBe(`<${key}>`);
      expect(loads.at(-1)).toEqual([owner.get(HttpPool).self, key]);
    }

    expect(loads).toHaveLength(oddKeys.length);
  });

  it.each(['/', '..', 'a b', '😀', '%', 'a/b'])('finds a group called %j', async (name) => {
    const apps = await startCluster(2, { adapter, groupcache: { mount } });
    for (const app of apps) app.get(GroupService).define(name, {}, ([key]) => key.length);
    const [, asker] = ownerAndOther(apps, '');

    expect(await asker.get(GroupService).get(name, '')).toBe(0);
    expect(asker.get(GroupService).group(name).stats).toMatchObject({ peerLoads: 1, peerErrors: 0 });
  });

  const pipelines: Record<string, Omit<AppSetUp, 'adapter'>> = {
    'a global prefix': { configure: (app) => app.setGlobalPrefix('api') },
    'a global prefix that excludes routes': {
      configure: (app) => app.setGlobalPrefix('api', { exclude: ['notes'] }),
    },
    'a base path of its own': { groupcache: { basePath: '/internal/peers.v1/' } },
    'versions in the URI': { configure: (app) => app.enableVersioning({ type: VersioningType.URI }) },
    'a global prefix and a default version in the URI': {
      configure: (app) => {
        app.setGlobalPrefix('api');
        app.enableVersioning({ type: VersioningType.URI, defaultVersion: '1' });
      },
    },
    'versions in a header': {
      configure: (app) =>
        app.enableVersioning({ type: VersioningType.HEADER, header: 'x-version', defaultVersion: '1' }),
    },
    'a global guard that lets it through': {
      groupcache: { controllerDecorators: [Public()] },
      configure: (app) => app.useGlobalGuards(new LoginGuard()),
    },
    'a global validation pipe': {
      configure: (app) =>
        app.useGlobalPipes(new ValidationPipe({ whitelist: true, forbidNonWhitelisted: true, transform: true })),
    },
    'a global interceptor that maps responses': {
      configure: (app) => app.useGlobalInterceptors(new EnvelopeInterceptor()),
    },
    'a throttler that skips it': {
      imports: [ThrottlerModule.forRoot([{ ttl: minutes(1), limit: 1 }])],
      providers: [{ provide: APP_GUARD, useClass: ThrottlerGuard }],
      groupcache: { controllerDecorators: [SkipThrottle()] },
    },
    CORS: { configure: (app) => app.enableCors() },
  };
  it.each(Object.entries(pipelines))('works beside %s', async (_what, setUp) => {
    const groupcache = { mount, ...setUp.groupcache };
    const apps = await startTexts({ ...setUp, adapter, groupcache, controllers: [NoteController] });

    await expectExchange(apps);
    await vi.waitFor(() => expect(logged('log').filter((message) => message.includes('joined'))).toHaveLength(2));
    expect([...logged('error'), ...logged('warn')]).toEqual([]);
  });

  it("leaves the application's own routes as they are", async () => {
    const [app] = await startTexts({
      adapter,
      groupcache: { mount },
      controllers: [NoteController],
      configure: (one) => {
        one.setGlobalPrefix('api');
        one.enableVersioning({ type: VersioningType.URI });
        one.useGlobalInterceptors(new EnvelopeInterceptor());
        one.useGlobalPipes(new ValidationPipe());
      },
    });
    const url = await app!.getUrl();
    const post = async (body: object): Promise<Response> =>
      fetch(`${url}/api/notes`, {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      });

    expect(await (await fetch(`${url}/api/v2/notes/second`)).json()).toEqual({ data: { second: true }, ok: true });
    expect(await (await post({ text: 'a' })).json()).toEqual({ data: { text: 'a' }, ok: true });
    expect((await post({ text: 7 })).status).toBe(400);
    expect((await fetch(`${url}/api/_groupcache/texts/a`)).status).toBe(404);
  });

  it('answers with the bytes themselves, whatever encodings are accepted', async () => {
    const app = await startBesideNobody({ adapter, groupcache: { mount, auth: 'none' } });
    app.get(GroupService).define('large', { codec: textCodec }, () => 'x'.repeat(5000));

    const response = await rawGet(await app.getUrl(), '/_groupcache/large/key');

    expect(response.statusCode).toBe(200);
    expect(response.headers['content-encoding']).toBeUndefined();
    expect(response.headers['content-length']).toBe(String(response.body.length));
    // Field 1, the value: its tag, its length in two bytes.
    expect(response.body.subarray(0, 3)).toEqual(Buffer.from([0x0a, 0x88, 0x27]));
    expect(response.body.subarray(3, 5003).toString()).toBe('x'.repeat(5000));
  });

  it('refuses what is no question of a peer', async () => {
    const app = await startBesideNobody({ adapter, groupcache: { mount } });
    const url = await app.getUrl();
    app.get(GroupService).define('texts', {}, ([key]) => key);

    const statuses = async (...requests: [target: string, method?: string][]): Promise<unknown[]> =>
      Promise.all(requests.map(async ([target, method]) => (await rawGet(url, target, method)).statusCode));

    expect(
      await statuses(
        ['/_groupcache/texts/a'],
        ['/_groupcache/'],
        ['/_groupcache/texts/a', 'POST'],
        ['/_groupcache/a/b', 'PUT'],
      ),
    ).toEqual([401, 401, 405, 405]);
  });

  it('shows nothing of itself while there are no peers', async () => {
    const app = await startApp({ adapter, groupcache: { ...peer, mount } });

    const response = await rawGet(await app.getUrl(), '/_groupcache/texts/a');

    expect(response.statusCode).toBe(404);
    expect(Object.keys(response.headers).filter((name) => name.includes('groupcache'))).toEqual([]);
  });
});

describe('peers of every mount and platform', () => {
  it('ask each other', async () => {
    const apps: INestApplication[] = [];
    for (const [mount, , adapter] of mounts) {
      apps.push(await startApp({ adapter, groupcache: { ...peer, mount, link: false } }));
    }
    introduce(apps);
    for (const app of apps) app.get(GroupService).define('texts', { codec: textCodec }, ([key]) => `<${key}>`);

    await expectExchange(apps);
  });
});

describe.each(platforms)('the peer controller on %s', (_platform, adapter) => {
  it('answers nobody where peers have a listen port of their own', async () => {
    // Once peers were served on the public port as well.
    const groupcache = { ...peer, auth: 'none' as const, listen: { port: 0, host: '127.0.0.1' } };
    const apps = await startTexts({ adapter, groupcache });

    await expectExchange(apps);
    const publicUrl = await apps[0]!.getUrl();
    const { self } = apps[0]!.get(HttpPool);
    expect((await rawGet(self!, '/_groupcache/texts/a')).statusCode).toBe(200);
    const [refused, unknown] = [
      await rawGet(publicUrl, '/_groupcache/texts/a'),
      await rawGet(publicUrl, '/elsewhere/a'),
    ];
    expect(refused.statusCode).toBe(404);
    expect(refused.body.toString().replace('/_groupcache/texts/a', '/elsewhere/a')).toBe(unknown.body.toString());
    expect(Object.keys(refused.headers).toSorted()).toEqual(Object.keys(unknown.headers).toSorted());
  });

  it('says loudly that a global guard blocks peers, and how to let them through', async () => {
    await startBesideNobody({ adapter, configure: (app) => app.useGlobalGuards(new LoginGuard()) });

    await vi.waitFor(() =>
      expect(logged('error')).toEqual([expect.stringMatching(/403.*controllerDecorators.*Public\(\)/)]),
    );
  });

  it('says loudly that a throttler blocks peers', async () => {
    @Injectable()
    class Strict implements CanActivate {
      canActivate(): never {
        throw new HttpException('Too many requests', 429);
      }
    }
    await startBesideNobody({ adapter, configure: (app) => app.useGlobalGuards(new Strict()) });

    await vi.waitFor(() =>
      expect(logged('error')).toEqual([expect.stringMatching(/429.*controllerDecorators.*SkipThrottle\(\)/)]),
    );
  });
});

describe('the peer controller on Express', () => {
  it('works behind helmet and compression, which leave its bytes alone', async () => {
    const apps = await startTexts({
      groupcache: { auth: 'none' },
      controllers: [NoteController],
      configure: (app) => app.use(helmet(), compression({ threshold: 0 })),
    });

    await expectExchange(apps);
    const url = await apps[0]!.getUrl();
    const [key, note] = [await rawGet(url, '/_groupcache/texts/a'), await rawGet(url, '/notes')];
    expect(key.headers['content-encoding']).toBeUndefined();
    expect(key.body.subarray(0, 5)).toEqual(Buffer.from('\n\x03<a>'));
    expect(key.headers['content-length']).toBe(String(key.body.length));
    expect(note.headers['content-encoding']).toBe('br');
  });

  it('works behind parsers of bodies and a middleware that rewrites URLs', async () => {
    const express = await import('express');
    const configure = (app: INestApplication): void => {
      app.use(express.json(), express.urlencoded({ extended: true }), express.raw(), express.text());
      app.use((request: { url: string }, _response: unknown, next: () => void) => {
        request.url = request.url.replaceAll('%20', '-');
        next();
      });
    };

    await expectExchange(await startTexts({ configure }));
  });
});
