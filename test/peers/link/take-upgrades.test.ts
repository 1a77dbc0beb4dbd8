import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { GroupRegistry } from 'nestjs-groupcache/core';
import { acceptLinks, HttpPool, PeerServer } from 'nestjs-groupcache/peers';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { frameTypes } from '../../../lib/peers/link/frames.js';
import { localhostCertificate } from '../localhost-certificate.js';
import { linkRaw, secret } from './raw-link.js';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const tell: RequestListener = (request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const { method, url, headers, rawHeaders } = request;
    response.setHeader('date', 'today');
    response.end(JSON.stringify({ method, url, headers, rawHeaders, body: Buffer.concat(chunks).toString() }));
  });
};

/** An application that says what it was asked. */
async function startApplication(isTls = false): Promise<{ server: Server; port: number; url: string }> {
  const server = isTls ? createTlsServer(localhostCertificate, tell) : createServer(tell);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  closers.push(async () => {
    server.closeAllConnections();
    server.close();
  });
  return { server, port, url: `http://127.0.0.1:${port}` };
}

/** Mounts links on `server`, of a peer that has another one. */
function mount(server: Server, url: string): { pool: HttpPool; unmount: () => void } {
  const pool = new HttpPool({ self: url, auth: { secret } });
  pool.set(url, 'http://10.0.0.1:3000');
  const peerServer = new PeerServer({ pool, groups: new GroupRegistry() });
  const unmount = acceptLinks(server, pool);
  closers.push(() => peerServer.drain(100));
  return { pool, unmount };
}

/** What comes back for `parts`, each sent in a packet of its own, until the server closes or is silent for a while. */
async function exchange(port: number, parts: string[]): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.on('data', (chunk) => (text += chunk.toString()));
  socket.on('error', () => undefined);
  for (const part of parts) {
    socket.write(part);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await new Promise((resolve) => {
    if (socket.closed) resolve(undefined);
    socket.once('close', resolve);
    socket.setTimeout(150, () => socket.destroy());
  });
  return text.replaceAll(`127.0.0.1:${port}`, 'host');
}

const h2c = 'connection: Upgrade, HTTP2-Settings\r\nUPGRADE: h2c\r\nHTTP2-Settings: AAMAAABk\r\n';
const questions: [string, string[]][] = [
  ['a GET', [`GET /x?y HTTP/1.1\r\nhost: a\r\n${h2c}\r\n`]],
  ['a body', [`POST /x HTTP/1.1\r\nhost: a\r\n${h2c}content-length: 5\r\n\r\nhello`]],
  ['a body in packets of its own', [`POST / HTTP/1.1\r\nhost: a\r\n${h2c}content-length: 5\r\n\r\n`, 'he', 'llo']],
  ['a chunked body', [`POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n${h2c}\r\n5\r\nhello\r\n`, '0\r\n\r\n']],
  ['two at once', [`GET /1 HTTP/1.1\r\nhost: a\r\n${h2c}\r\nGET /2 HTTP/1.1\r\nhost: a\r\n${h2c}\r\n`]],
  ['one after another', [`GET /1 HTTP/1.1\r\nhost: a\r\n${h2c}\r\n`, `GET /2 HTTP/1.1\r\nhost: a\r\n\r\n`]],
  ['a header in packets of its own', [`GET /1 HTTP/1.1\r\nho`, `st: a\r\n${h2c}`, `\r\n`]],
  ['another path under the base path', [`GET /_groupcache/g/k HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n`]],
  ['another protocol at the base path', [`GET /_groupcache/ HTTP/1.1\r\nhost: a\r\n${h2c}\r\n`]],
  ['a WebSocket of nobody', [`GET /ws HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n`]],
]; // prettier-ignore

describe('acceptLinks', () => {
  it.each(questions)('leaves an application that takes no upgrades as it was: %s', async (_what, parts) => {
    const plain = await startApplication();
    const mounted = await startApplication();
    mount(mounted.server, mounted.url);

    const expected = await exchange(plain.port, parts);

    expect(expected).toContain('200 OK');
    expect(await exchange(mounted.port, parts)).toBe(expected);
  });

  it('leaves one as it was on a server with TLS', async () => {
    const [plain, mounted] = [await startApplication(true), await startApplication(true)];
    mount(mounted.server, mounted.url);
    const [first] = questions[0]![1];
    const ask = async (port: number): Promise<string> => {
      const socket = connectTls({ port, host: '127.0.0.1', servername: 'localhost', ca: localhostCertificate.cert });
      const chunks: Buffer[] = [];
      socket.on('data', (chunk: Buffer) => chunks.push(chunk));
      socket.write(first!);
      await once(socket, 'data');
      socket.write('GET /2 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n');
      await once(socket, 'close');
      return Buffer.concat(chunks).toString();
    };

    const expected = await ask(plain.port);

    expect(expected.match(/200 OK/g)).toHaveLength(2);
    expect(await ask(mounted.port)).toBe(expected);
  });

  it('leaves nothing behind', async () => {
    const { server, url, port } = await startApplication();
    const { emit } = server;
    const { unmount } = mount(server, url);
    unmount();
    expect([server.emit === emit, server.listenerCount('upgrade')]).toEqual([true, 0]);
    expect(await exchange(port, questions[0]![1])).toContain('200 OK');
  });

  it.each(['before', 'after'])('has its place beside a gateway that was there %s it', async (order) => {
    const { server, url, port } = await startApplication();
    const gateway = new WebSocketServer({ noServer: true });
    const serveGateway = (): void => {
      // As Nest's WsAdapter does.
      server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
        if (request.url !== '/chat') return void socket.destroy();
        gateway.handleUpgrade(request, socket, head, (chat) => chat.on('message', (text: Buffer) => chat.send(text)));
      });
    };
    if (order === 'before') serveGateway();
    const { pool } = mount(server, url);
    if (order === 'after') serveGateway();

    const link = await linkRaw({ url: 'http://10.0.0.1:3000', to: url });
    link.send((frames) => frames.get(1, 1_000, 'nothing', 'key'));
    await link.until(({ type }) => type === frameTypes.refused);
    expect(pool.links.size).toBe(1);

    const chat = new WebSocket(`ws://127.0.0.1:${port}/chat`);
    await once(chat, 'open');
    chat.send('hello');
    expect(String((await once(chat, 'message'))[0])).toBe('hello');
    chat.terminate();
    // What the gateway does not know it still destroys.
    expect(await exchange(port, questions[0]![1])).toBe('');
  });
});
