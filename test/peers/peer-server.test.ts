import { createServer, request as httpRequest } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { GroupRegistry, InvalidOptionError, textCodec, type Getter, type GroupSettings } from 'nestjs-groupcache/core';
import { HttpPool, PeerAuth, PeerListener, PeerServer, type PeerServerOptions } from 'nestjs-groupcache/peers';
import { afterEach, describe, expect, it } from 'vitest';
import { deferred, reactions } from '../core/deferred.js';
import { ask, sendRaw, valueIn } from './raw-http.js';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const OTHER = 'http://127.0.0.1:1';

interface Served {
  readonly url: string;
  readonly pool: HttpPool;
  readonly groups: GroupRegistry;
  readonly server: PeerServer;
}

async function serve(
  getter: Getter<string> = (key) => `<${key}>`,
  {
    auth = 'none',
    peers = [OTHER],
    settings,
    ...options
  }: Partial<PeerServerOptions> & { auth?: any; peers?: string[]; settings?: GroupSettings<string> } = {},
): Promise<Served> {
  const pool = new HttpPool({ auth });
  const groups = new GroupRegistry({ peers: pool });
  groups.define('prices', getter, { codec: textCodec, ...settings });
  const server = new PeerServer({ pool, groups, ...options });
  const listener = new PeerListener(server);
  const { port } = await listener.listen({ port: 0, host: '127.0.0.1' });
  const url = `http://127.0.0.1:${port}`;
  pool.join(url);
  if (peers.length > 0) pool.set(url, ...peers);
  closers.push(
    () => pool.close(0),
    () => listener.close(1_000),
  );
  return { url, pool, groups, server };
}

const absent = (): undefined => undefined;

const OURS = { 'x-groupcache': '1' };

describe('PeerServer', () => {
  it('says of "not found" how long it may be kept, where its group keeps it', async () => {
    const { url } = await serve(absent, { settings: { negativeTtl: '1h' } });
    const silent = await serve(absent);

    const answer = await ask(url, '/_groupcache/prices/k');
    expect([answer.status, answer.headers.get('x-groupcache-failure')]).toEqual([404, 'not-found']);
    const ttlMs = Number(answer.headers.get('x-groupcache-ttl'));
    expect(Number.isInteger(ttlMs) && ttlMs > 0 && ttlMs <= 3_600_000).toBe(true);
    expect((await ask(silent.url, '/_groupcache/prices/k')).headers.has('x-groupcache-ttl')).toBe(false);
    expect((await ask(url, '/_groupcache/unknown/k')).headers.has('x-groupcache-ttl')).toBe(false);
  });

  it('answers a value as Go does, and says who it is', async () => {
    const { url, pool } = await serve(undefined, { settings: { forever: true } });
    const answer = await ask(url, '/_groupcache/prices/a+b%2Fc');
    expect([answer.status, valueIn(answer.body)]).toEqual([200, '<a b/c>']);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'application/x-protobuf',
      // The value, and a rate of one request a minute.
      'content-length': String(2 + '<a b/c>'.length + 9),
      'cache-control': 'no-store, no-transform',
      'x-groupcache': '1',
      'x-groupcache-boot-id': pool.bootId,
    });
    expect(answer.headers.has('x-groupcache-failure')).toBe(false);
  });

  it.each([
    ['nothing', '', ''],
    ['dots', '..', '..'],
    ['a path', '/../x//', '/../x//'],
    ['an escape twice', '%2541', '%41'],
    ['a query string, which is no part of it', 'a?b=c/d', 'a'],
    ['an encoded question mark', 'a%3Fb', 'a?b'],
  ])('takes as a key %s', async (_name, sent, key) => {
    const { url } = await serve();
    const { status, body } = await ask(url, `/_groupcache/prices/${sent}`);
    expect([status, valueIn(body)]).toEqual([200, `<${key}>`]);
  });

  it.each([
    ['400 without a slash', 'GET', '/_groupcache/prices', 400, 'bad-request'],
    ['400 without anything', 'GET', '/_groupcache/', 400, 'bad-request'],
    ['400 for a bad escape', 'GET', '/_groupcache/prices/%zz', 400, 'bad-request'],
    ['400 for what is not UTF-8', 'GET', '/_groupcache/prices/%ff', 400, 'bad-request'],
    ['404 for an unknown group', 'GET', '/_groupcache/other/a', 404, 'unknown-group'],
    ['404 for an empty group', 'GET', '/_groupcache//a', 404, 'unknown-group'],
    ['405 for HEAD', 'HEAD', '/_groupcache/prices/a', 405, 'bad-request'],
    ['405 for POST', 'POST', '/_groupcache/prices/a', 405, 'bad-request'],
    ['405 for DELETE', 'DELETE', '/_groupcache/prices/a', 405, 'bad-request'],
  ])('answers %s, marked', async (_name, method, target, status, mark) => {
    const { url, groups } = await serve();
    const answer = await ask(url, target, { method, headers: method === 'POST' ? { 'content-length': '0' } : {} });
    expect([answer.status, answer.headers.get('x-groupcache-failure')]).toEqual([status, mark]);
    expect(answer.headers.get('x-groupcache')).toBe('1');
    if (method === 'HEAD') expect(answer.body).toBe('');
    expect(groups.get('prices').stats.serverRequests).toBe(0);
  });

  it.each([
    ['what is not under the base path', '/prices/a'],
    ['the base path without its slash', '/_groupcache'],
    ['the base path encoded', '/%5Fgroupcache/prices/a'],
    ['a target in absolute form', 'http://self.invalid/_groupcache/prices/a'],
    ['an asterisk', '*'],
  ])('answers 404 without a mark to %s', async (_name, target) => {
    const { url } = await serve();
    const answer = await ask(url, target);
    expect(answer.status).toBe(404);
    expect([...answer.headers.keys()].filter((name) => name.startsWith('x-'))).toEqual([]);
  });

  it('is closed while there are no peers: 404 to everything, and nothing to know it by', async () => {
    const { url, pool, groups } = await serve(undefined, { peers: [] });
    for (const target of ['/_groupcache/prices/a', '/_groupcache/', '/_groupcache/other/a']) {
      const answer = await ask(url, target);
      expect([answer.status, answer.body]).toEqual([404, 'not found\n']);
      expect([...answer.headers.keys()].filter((name) => name.startsWith('x-'))).toEqual([]);
    }
    pool.set(url, OTHER);
    expect((await ask(url, '/_groupcache/prices/a')).status).toBe(200);
    pool.set(url);
    expect((await ask(url, '/_groupcache/prices/a')).status).toBe(404);
    expect(groups.get('prices').stats.serverRequests).toBe(1);
  });

  it('is closed in a client of the cluster', async () => {
    const pool = new HttpPool({ role: 'client', auth: 'none' });
    pool.set(OTHER);
    const listener = new PeerListener(new PeerServer({ pool, groups: new GroupRegistry() }));
    const { port } = await listener.listen({ port: 0, host: '127.0.0.1' });
    closers.push(
      () => pool.close(0),
      () => listener.close(0),
    );
    const answer = await ask(`http://127.0.0.1:${port}`, '/_groupcache/prices/a');
    expect([answer.status, answer.headers.has('x-groupcache')]).toEqual([404, false]);
  });

  it('answers 401 with the reason to what is not signed for it', async () => {
    const auth = { secret: 'a secret of the peers' };
    const { url } = await serve(undefined, { auth });
    const target = '/_groupcache/prices/a';
    const sign = (peer: string, secret: string): Record<string, string> =>
      new PeerAuth({ secret }).sign({ method: 'GET', peer, target });
    const unsigned = await ask(url, target);
    expect([unsigned.status, unsigned.headers.get('x-groupcache-failure'), unsigned.body]).toEqual([
      401,
      'unauthorized',
      'the request is not signed\n',
    ]);
    expect((await ask(url, target, { headers: sign(OTHER, auth.secret) })).status).toBe(401);
    expect((await ask(url, target, { headers: sign(url, 'a secret of nobody') })).status).toBe(401);
    expect((await ask(url, `${target}?`, { headers: sign(url, auth.secret) })).status).toBe(401);
    expect((await ask(url, target, { headers: sign(url, auth.secret) })).status).toBe(200);
  });

  it('tells "not found" by its mark', async () => {
    const { url } = await serve(() => undefined);
    const answer = await ask(url, '/_groupcache/prices/a');
    expect([answer.status, answer.headers.get('x-groupcache-failure')]).toEqual([404, 'not-found']);
  });

  it("tells a getter's failure as text to Go's askers and as JSON to ours, and never its stack", async () => {
    const { url } = await serve(() => Promise.reject(Object.assign(new TypeError('no such table'), { code: 'E42' })));
    const toGo = await ask(url, '/_groupcache/prices/a');
    const toOurs = await ask(url, '/_groupcache/prices/a', { headers: OURS });
    expect([toGo.status, toGo.headers.get('content-type'), toGo.body]).toEqual([
      500,
      'text/plain; charset=utf-8',
      'no such table',
    ]);
    expect([toOurs.status, toOurs.headers.get('content-type'), toOurs.headers.get('x-groupcache-failure')]).toEqual([
      500,
      'application/json',
      'load',
    ]);
    expect(JSON.parse(toOurs.body)).toEqual({ name: 'TypeError', message: 'no such table', code: 'E42' });
  });

  it.each([
    ['nothing', () => Promise.reject(undefined)],
    ['an error without a message', () => Promise.reject(Object.assign(new Error('gone'), { message: undefined }))],
    ['an object that is no text', () => Promise.reject(Object.create(null))],
    ['a huge message', () => Promise.reject(new Error('x'.repeat(1_000_000)))],
  ])('answers though a getter throws %s', async (_name, getter) => {
    const { url } = await serve(getter);
    for (const headers of [{}, OURS]) {
      const { status } = await ask(url, '/_groupcache/prices/a', { headers });
      expect(status).toBeGreaterThanOrEqual(500);
    }
  });

  it('cuts a failure to what one may need', async () => {
    const { url } = await serve(() => Promise.reject(new Error('x'.repeat(1_000_000))));
    const { body } = await ask(url, '/_groupcache/prices/a', { headers: OURS });
    expect(body.length).toBeLessThan(10_000);
    expect(JSON.parse(body)).toMatchObject({ name: 'Error', message: expect.stringMatching(/^x+\.\.\.$/) });
  });

  it('gives the load up when its asker disconnects and nobody else waits', async () => {
    const begun = deferred<AbortSignal>();
    const { url, groups } = await serve((_key, { signal }) => {
      begun.resolve(signal);
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    });
    const asking = httpRequest(`${url}/_groupcache/prices/a`).on('error', () => undefined);
    asking.end();
    const signal = await begun.promise;
    const aborted = once(signal, 'abort');
    asking.destroy();
    await aborted;
    await reactions();
    expect(groups.get('prices').stats).toMatchObject({ localLoads: 0, localLoadErrs: 1 });
  });

  it('waits no longer than its asker, by x-groupcache-timeout', async () => {
    const load = deferred<string>();
    const { url } = await serve(() => load.promise);
    const answer = await ask(url, '/_groupcache/prices/a', { headers: { 'x-groupcache-timeout': '20' } });
    expect([answer.status, answer.headers.get('x-groupcache-failure')]).toEqual([504, 'unanswered']);
  });

  it.each(['', '0', '-1', 'soon', '1e99', 'NaN', 'Infinity'])('does not mind a timeout of "%s"', async (timeout) => {
    const { url } = await serve();
    const { status } = await ask(url, '/_groupcache/prices/a', { headers: { 'x-groupcache-timeout': timeout } });
    expect(status).toBe(200);
  });

  it('answers maxConcurrentRequests at a time and 503 to more', async () => {
    const load = deferred<string>();
    const begun = deferred<void>();
    const { url } = await serve(() => (begun.resolve(), load.promise), { maxConcurrentRequests: 1 });
    const first = ask(url, '/_groupcache/prices/a');
    await begun.promise;
    const second = await ask(url, '/_groupcache/prices/a');
    expect([second.status, second.headers.get('x-groupcache-failure')]).toEqual([503, 'overloaded']);
    load.resolve('41');
    expect((await first).status).toBe(200);
    expect((await ask(url, '/_groupcache/prices/a')).status).toBe(200);
  });

  it.each([0, 1.5, Number.NaN])('refuses maxConcurrentRequests of %d', (maxConcurrentRequests) => {
    const options = { pool: new HttpPool(), groups: new GroupRegistry(), maxConcurrentRequests };
    expect(() => new PeerServer(options)).toThrow(InvalidOptionError);
  });

  it('drains: refuses what is new, ends what runs, and takes a failure meanwhile for its own', async () => {
    const loads = new Map([
      ['good', deferred<string>()],
      ['bad', deferred<string>()],
    ]);
    let begun = 0;
    const both = deferred<void>();
    const { url, server } = await serve((key) => {
      if (++begun === 2) both.resolve();
      return loads.get(key)!.promise;
    });
    const [good, bad] = ['good', 'bad'].map((key) => ask(url, `/_groupcache/prices/${key}`, { headers: OURS }));
    await both.promise;

    const draining = server.drain(10_000);
    const late = await ask(url, '/_groupcache/prices/late');
    expect([late.status, late.headers.get('x-groupcache-failure')]).toEqual([503, 'draining']);
    loads.get('good')!.resolve('41');
    loads.get('bad')!.reject(new Error('the pool of connections is closed'));
    await draining;

    expect((await good!).status).toBe(200);
    const failed = await bad!;
    expect([failed.status, failed.headers.get('x-groupcache-failure')]).toEqual([503, 'draining']);
  });

  it('drains at once where nothing runs, and no longer than it is told', async () => {
    const begun = deferred<void>();
    const idle = await serve();
    await idle.server.drain(10_000);
    const busy = await serve(() => (begun.resolve(), new Promise<string>(() => undefined)));
    const asking = httpRequest(`${busy.url}/_groupcache/prices/a`).on('error', () => undefined);
    asking.end();
    await begun.promise;
    await busy.server.drain(1);
    asking.destroy();
  });

  it('takes the target that a framework has kept, and leaves a response alone that is over', async () => {
    const { pool, groups } = await serve();
    const server = new PeerServer({ pool, groups });
    const http = createServer((request, response) => {
      if (request.url === '/late') response.end('already');
      void server.handle(request, response, '/_groupcache/prices/a');
    });
    http.listen(0, '127.0.0.1');
    await once(http, 'listening');
    closers.push(async () => void http.close());
    const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
    expect(valueIn((await ask(url, '/rewritten')).body)).toBe('<a>');
    expect((await ask(url, '/late')).body).toContain('already');
  });
});

describe('PeerListener', () => {
  it('takes keys of 64 KiB, and answers 431 to more than it reads', async () => {
    const { url } = await serve((key) => String(key.length));
    const key = 'k'.repeat(64 * 1024 - 'prices/'.length);
    expect(valueIn((await ask(url, `/_groupcache/prices/${key}`)).body)).toBe(String(key.length));
    expect((await ask(url, `/_groupcache/prices/${'k'.repeat(128 * 1024)}`)).status).toBe(431);
  });

  it('rejects where the port is taken, and closes without having listened', async () => {
    const { url, server } = await serve();
    const listener = new PeerListener(server);
    await expect(listener.listen({ port: Number(new URL(url).port), host: '127.0.0.1' })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    });
    await listener.close();
  });

  it('closes though somebody has sent half a request (it once waited for the rest)', async () => {
    const pool = new HttpPool({ auth: 'none' });
    const listener = new PeerListener(new PeerServer({ pool, groups: new GroupRegistry() }));
    const { port } = await listener.listen({ port: 0, host: '127.0.0.1' });
    const half = sendRaw(port, 'GET /_groupcache/pri');
    await ask(`http://127.0.0.1:${port}`, '/'); // has come after it
    await listener.close(10);
    expect(await half).toBe('');
  });
});
