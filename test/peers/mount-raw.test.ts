import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { GroupRegistry, textCodec } from 'nestjs-groupcache/core';
import { HttpPool, PeerServer } from 'nestjs-groupcache/peers';
import { afterEach, describe, expect, it } from 'vitest';
import { mountRaw } from '../../lib/peers/mount-raw.js';
import { ask, sendRaw, valueIn } from './raw-http.js';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const other = 'http://10.0.0.1:3000';

/** Says that it was called, and what it was asked. */
function tell(event: string): RequestListener {
  return ({ method, url, headers }, response) =>
    response.setHeader('date', 'today').end(JSON.stringify({ event, method, url, headers }));
}

/** An application's server that says which of its listeners was called, and what it was asked. */
async function startApplication(): Promise<{ server: Server; port: number; url: string }> {
  const server = createServer(tell('request'));
  server.on('checkContinue', tell('checkContinue')).on('checkExpectation', tell('checkExpectation'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  closers.push(async () => {
    server.closeAllConnections();
    server.close();
  });
  return { server, port, url: `http://127.0.0.1:${port}` };
}

/** Mounts a peer with a group of texts, which has another peer. */
function mount(server: Server, url: string): () => void {
  const pool = new HttpPool({ self: url, auth: 'none' });
  pool.set(url, other);
  const groups = new GroupRegistry({ peers: pool });
  groups.define('texts', (key) => `<${key}>`, { codec: textCodec });
  const unmount = mountRaw(server, new PeerServer({ pool, groups }));
  closers.push(() => pool.close(100));
  return unmount;
}

describe('mountRaw', () => {
  it.each([[{}], [{ expect: '100-continue' }], [{ expect: 'the unexpected' }]])(
    'takes requests under the base path before any listener, with the header %j',
    async (headers) => {
      const { server, url } = await startApplication();
      mount(server, url);

      const answer = await ask(url, '/_groupcache/texts/a', { headers });

      expect([answer.status, valueIn(answer.body)]).toEqual([200, '<a>']);
    },
  );

  it.each([
    ['the root', '/', {}],
    ['a path that begins alike', '/_groupcache', {}],
    ['the base path in other letters', '/_Groupcache/texts/a', {}],
    ['the base path further on', '/a/_groupcache/texts/a', {}],
    ['the base path in a query', '/?/_groupcache/texts/a', {}],
    ['a target in absolute form', 'http://host/_groupcache/texts/a', {}],
    ['a path out of the base path, cleaned by nobody', '/a/../_groupcache/texts/a', {}],
    ['one that waits to continue', '/a', { expect: '100-continue' }],
    ['one that expects something else', '/a', { expect: 'the unexpected' }],
  ])('leaves all others as they were: %s', async (_what, target, headers) => {
    const [plain, mounted] = [await startApplication(), await startApplication()];
    mount(mounted.server, mounted.url);
    const question = { headers: { host: 'a', ...headers } };

    const expected = await ask(plain.url, target, question);

    expect(expected.status).toBe(200);
    expect(await ask(mounted.url, target, question)).toEqual(expected);
  });

  it('answers one that asks to upgrade to what nobody speaks, and keeps its header from the next', async () => {
    // The next request on the connection would have been given the header that this one has lost on its way.
    const { server, url, port } = await startApplication();
    mount(server, url);

    const text = await sendRaw(
      port,
      'GET /_groupcache/texts/a HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n' +
        'GET /next HTTP/1.1\r\nhost: b\r\nconnection: close\r\n\r\n',
    );

    expect(text).toContain('<a>');
    expect(text).toContain('"url":"/next","headers":{"host":"b","connection":"close"}');
  });

  it('leaves nothing behind', async () => {
    const { server, url } = await startApplication();
    const unmount = mount(server, url);

    unmount();

    expect([Object.hasOwn(server, 'emit'), server.listenerCount('upgrade')]).toEqual([false, 0]);
    expect((await ask(url, '/_groupcache/texts/a')).body).toContain('"event":"request"');
  });
});
