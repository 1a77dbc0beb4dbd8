import { Injectable, type INestApplication, type OnModuleDestroy } from '@nestjs/common';
import { Cached, GroupService, HttpPool, type GroupcacheOptions } from 'nestjs-groupcache';
import { execFile } from 'node:child_process';
import { createConnection } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { deferred, reactions, stateOf } from '../core/deferred.js';
import {
  closeApps,
  createApp,
  introduce,
  keyOwnedBy,
  logged,
  moduleOf,
  ownerAndOther,
  peer,
  platforms,
  secret,
  startApp,
  startCluster,
  startContext,
} from './apps.js';

const nobody = 'http://127.0.0.1:1';

/** A database client of an application, taken down by its own hook. */
@Injectable()
class Database implements OnModuleDestroy {
  isOpen = true;
  closing = deferred<void>();
  held: Promise<void> | undefined;
  queried = deferred<void>();
  onModuleDestroy(): Promise<void> | undefined {
    this.isOpen = false;
    this.closing.resolve();
    return this.held;
  }
  async query(key: string): Promise<string> {
    this.queried.resolve();
    if (!this.isOpen) throw new Error('the client is closed');
    return `row of ${key}`;
  }
}

@Injectable()
class Rows {
  runs = 0;
  release: Promise<void> | undefined;
  constructor(readonly database: Database) {}
  @Cached('rows')
  async row(key: string): Promise<string> {
    this.runs++;
    const row = await this.database.query(key);
    await this.release;
    if (!this.database.isOpen) throw new Error('the client was closed under a query');
    return row;
  }
}

/** Two peers whose rows come from a database in the root module, which Nest takes down first of all. */
async function startRows(): Promise<INestApplication[]> {
  return startCluster(2, { providers: [Database, Rows] });
}

afterEach(closeApps);

describe('joining', () => {
  it.each(platforms)('waits until the application listens, on %s', async (_platform, adapter) => {
    const app = await createApp({ adapter, groupcache: { ...peer } });
    const pool = app.get(HttpPool);
    await app.init();
    pool.set(nobody);
    expect([pool.self, pool.peers]).toEqual([undefined, []]);

    await app.listen(0, '127.0.0.1');

    await vi.waitFor(() => expect(pool.self).toBe(urlOf(app)));
    expect(pool.peers).toEqual([nobody]);
  });

  it('waits for a self that is looked up', async () => {
    const lookedUp = deferred<string>();
    const app = await startApp({ groupcache: { ...peer, self: () => lookedUp.promise } });
    const pool = app.get(HttpPool);
    expect(pool.self).toBeUndefined();

    lookedUp.resolve(urlOf(app));

    await vi.waitFor(() => expect(pool.self).toBe(urlOf(app)));
  });

  it('says that it failed where self can not be told', async () => {
    await startApp({ groupcache: { ...peer, self: () => Promise.reject(new Error('no address')) } });

    await vi.waitFor(() => expect(logged('error')).toEqual([expect.stringMatching(/could not join.*no address/)]));
  });

  it('is left out when the application closes before', async () => {
    const lookedUp = deferred<string>();
    const app = await startApp({ groupcache: { ...peer, self: () => lookedUp.promise } });
    await app.close();

    lookedUp.resolve('http://127.0.0.1:3000');

    expect(await stateOf(lookedUp.promise)).toBe('resolved');
    expect(app.get(HttpPool).self).toBeUndefined();
    expect(logged('error')).toEqual([]);
  });

  it('logs peers that come, leave, fail and go, once each', async () => {
    const [one, other] = (await startCluster(2, {})) as [INestApplication, INestApplication];
    const { self } = one.get(HttpPool);
    const otherUrl = other.get(HttpPool).self!;
    for (const app of [one, other]) app.get(GroupService).define('lengths', {}, ([key]) => key.length);
    const key = keyOwnedBy(other);
    const ask = (): Promise<unknown> => one.get(GroupService).get('lengths', key);
    const pool = one.get(HttpPool);
    await vi.waitFor(() => expect(pool.links.to(otherUrl)).toBeDefined());

    await other.close();
    await ask();
    one.get(GroupService).group('lengths').dropMemory();
    await ask();
    pool.set(self!);
    pool.set(nobody);

    expect(logged('log').filter((message) => message.includes(`Peer ${otherUrl}`))).toEqual([
      `Peer ${otherUrl} joined`,
      `Peer ${otherUrl} leaves; other peers take its keys`,
      `Peer ${otherUrl} left`,
    ]);
    expect(logged('warn').at(-1)).toBe(`The peers do not list this process (${self}): it owns no keys`);
    await vi.waitFor(() =>
      expect(logged('warn').at(-1)).toMatch(`Peer ${nobody} can not be reached: connect ECONNREFUSED`),
    );
    expect(logged('warn').at(-1)).toMatch(/; other peers take its keys meanwhile$/);
    expect(logged('warn').filter((message) => message.includes(otherUrl))).toEqual([]);
  });
});

/** A process of this `self`, with a list of peers. */
async function startWith(groupcache: GroupcacheOptions): Promise<void> {
  const app = await startApp({ groupcache: { auth: { secret }, ...groupcache } });
  await vi.waitFor(() => expect(app.get(HttpPool).self).toBeDefined());
  app.get(HttpPool).set(app.get(HttpPool).self!, nobody);
}
/** Waits for the one error that is logged. */
const expectLoud = async (reason: RegExp): Promise<void> => {
  await vi.waitFor(() => expect(logged('error')).toEqual([expect.stringMatching(/^"self" is wrong/)]));
  expect(logged('error')[0]).toMatch(reason);
};

describe('a wrong self', () => {
  it('is logged by the others as well, where several processes come as one peer', async () => {
    const [one, other] = (await startCluster(2, {})) as [INestApplication, INestApplication];
    const url = other.get(HttpPool).self!;

    one.get(HttpPool).events.emit('urlShared', { peer: url });

    expect(logged('error')).toEqual([expect.stringMatching(`^Several processes come as peer ${url}`)]);
  });

  it('is logged loudly where another process answers', async () => {
    const [another] = (await startCluster(2, {})) as [INestApplication];

    await startWith({ self: another.get(HttpPool).self! });

    await expectLoud(/answered by another process.*load balancer/);
  });

  it('is logged loudly where another secret is', async () => {
    const [another] = (await startCluster(2, {})) as [INestApplication];

    await startWith({ self: another.get(HttpPool).self!, auth: { secret: 'another secret altogether' } });

    await expectLoud(/refuses the signature/);
  });

  it('is logged loudly where nothing is mounted', async () => {
    const without = await startApp({});

    await startWith({ self: await without.getUrl() });

    await expectLoud(/404.*nothing is mounted there/);
  });

  it('is logged loudly where nobody listens', async () => {
    await startWith({ self: 'http://127.0.0.1:2' });

    await expectLoud(/can't be reached from here/);
  });

  it('is looked for once, when there are others: not before, and not by a right one', async () => {
    // Once it was looked for only where the list was known from the start.
    await startWith({ self: peer.self });
    const app = await startApp({ groupcache: { ...peer, self: 'http://127.0.0.1:2' } });
    await vi.waitFor(() => expect(app.get(HttpPool).self).toBe('http://127.0.0.1:2'));
    expect(logged('error')).toEqual([]);

    app.get(HttpPool).set(nobody, 'http://127.0.0.1:2');
    app.get(HttpPool).set('http://127.0.0.1:2', 'http://127.0.0.1:3');

    await expectLoud(/can't be reached/);
  });
});

describe('app.close', () => {
  it('lets loads for peers end, before any provider is taken down', async () => {
    const apps = await startRows();
    const [owner, other] = ownerAndOther(apps, 'key');
    const release = deferred<void>();
    owner.get(Rows).release = release.promise;
    const asking = other.get(Rows).row('key');
    await owner.get(Database).queried.promise;

    const closing = owner.close();

    expect(await stateOf(closing)).toBe('pending');
    expect(owner.get(Database).isOpen).toBe(true);
    release.resolve();
    expect(await asking).toBe('row of key');
    await closing;
    expect(owner.get(Database).isOpen).toBe(false);
  });

  it('sends peers elsewhere from its first moment on, so that a closed client is nobody’s error', async () => {
    // Once peers were refused only after all onModuleDestroy hooks, and got "the client is closed".
    const apps = await startRows();
    const [owner, other] = ownerAndOther(apps, 'key');
    const held = deferred<void>();
    owner.get(Database).held = held.promise;
    const closing = owner.close();
    await owner.get(Database).closing.promise;

    expect(await other.get(Rows).row('key')).toBe('row of key');

    expect([owner.get(Rows).runs, other.get(Rows).runs]).toEqual([0, 1]);
    expect(other.get(GroupService).group('rows').stats.peerErrors).toBe(1);
    held.resolve();
    await closing;
  });

  it('is nobody’s error under load, of peers and of its own callers, though its database closes', async () => {
    const apps = await startRows();
    await vi.waitFor(() => expect(apps.map((app) => app.get(HttpPool).links.size)).toEqual([1, 1]));
    const [leaver, other] = apps as [INestApplication, INestApplication];
    const errors: unknown[] = [];
    const over = new AbortController();
    let rows = 0;
    /** One row after the other, new ones and old ones, as callers do. */
    const callers = async (app: INestApplication, name: string): Promise<void> => {
      for (let number = 0; !over.signal.aborted; number++) {
        const keys = [`${name} ${number}`, `row ${number % 50}`];
        const got = await Promise.allSettled(keys.map((key) => app.get(Rows).row(key)));
        rows += got.length;
        errors.push(...got.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : [])));
        await reactions();
      }
    };
    const calling = Array.from({ length: 8 }, (_, index) => [
      callers(other, `of a peer ${index}`),
      callers(leaver, `of its own ${index}`),
    ]).flat();
    await vi.waitFor(() => expect(rows).toBeGreaterThan(1_000));
    const held = deferred<void>();
    leaver.get(Database).held = held.promise;

    const closing = leaver.close();
    // Its client is closed by now, and its callers are not.
    await leaver.get(Database).closing.promise;
    const before = rows;
    await vi.waitFor(() => expect(rows).toBeGreaterThan(before + 1_000));
    over.abort();
    await Promise.all(calling);

    expect(errors).toEqual([]);
    held.resolve();
    await closing;
  });

  it('waits no longer than drainTimeout', async () => {
    const apps = await startCluster(2, { providers: [Database, Rows], groupcache: { drainTimeout: 20 } });
    const [owner, other] = ownerAndOther(apps, 'key');
    const release = deferred<void>();
    owner.get(Rows).release = release.promise;
    const asking = other.get(Rows).row('key');
    await owner.get(Database).queried.promise;

    const closing = owner.close();
    await owner.get(Database).closing.promise;
    release.resolve();

    // Its database is closed by then, which is the owner's fault and not the row's.
    expect(await asking).toBe('row of key');
    await closing;
    expect([owner.get(Rows).runs, other.get(Rows).runs]).toEqual([1, 1]);
  });

  it('leaves the groups, and the methods to themselves', async () => {
    const [app] = (await startCluster(1, { providers: [Database, Rows] })) as [INestApplication];
    await app.get(Rows).row('key');

    await app.close();

    expect(app.get(GroupService).groups).toEqual([]);
    app.get(Database).isOpen = true;
    await app.get(Rows).row('key');
    expect(app.get(Rows).runs).toBe(2);
  });

  it('can be called before anything has started', async () => {
    const app = await createApp({ groupcache: { ...peer } });

    await expect(app.close()).resolves.toBeUndefined();
  });

  it('closes a listen port, half-sent questions included', async () => {
    const groupcache = { ...peer, listen: { port: 0, host: '127.0.0.1' }, drainTimeout: 20 };
    const context = await startContext({ groupcache });
    const { hostname, port } = new URL(context.get(HttpPool).self!);
    const socket = createConnection({ host: hostname, port: Number(port) });
    const [connected, ended] = [deferred<void>(), deferred<void>()];
    socket.on('connect', connected.resolve).on('close', ended.resolve).on('error', ended.resolve).resume();
    await connected.promise;
    socket.write('GET /_groupcache/rows/a HTTP/1.1\r\nhost: here\r\n');

    await context.close();

    await ended.promise;
  });

  it('lets the others go on', async () => {
    const apps = await startCluster(3, { imports: [moduleOf({ providers: [Database, Rows] })] });
    const rows = apps.map((app) => app.get(Rows, { strict: false }));
    const key = keyOwnedBy(apps[0]!);
    await apps[0]!.close();
    introduce(apps.slice(1));

    expect(await Promise.all([rows[1]!.row(key), rows[2]!.row(key)])).toEqual(Array(2).fill(`row of ${key}`));
    expect(rows[0]!.runs).toBe(0);
    expect(rows[1]!.runs + rows[2]!.runs).toBe(1);
  });

  it.each(['express', 'fastify'].flatMap((platform) => [[platform], [platform, 'listen'], [platform, 'raw']]))(
    'leaves nothing that keeps a process alive: %s %s',
    async (...args) => {
      const script = fileURLToPath(new URL('fixtures/two-apps.mjs', import.meta.url));

      // Killed, and so rejected, if it does not end by itself. Runs on the build.
      const { stdout, stderr } = await promisify(execFile)(process.execPath, [script, ...args], { timeout: 20_000 });

      expect(stderr).toBe('');
      expect(JSON.parse(stdout)).toEqual({ lengths: 100, exchanged: 50, alive: [] });
    },
    30_000,
  );
});

/** Where `app` listens. */
function urlOf(app: INestApplication): string {
  const { port } = app.getHttpServer().address() as { port: number };
  return `http://127.0.0.1:${port}`;
}
