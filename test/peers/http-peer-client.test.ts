import {
  InvalidationLog,
  KeyTooLongError,
  LoadFailedError,
  PeerError,
  type PeerReply,
  type PeerRequest,
} from 'nestjs-groupcache/core';
import { PeerAuth, plainFailures } from 'nestjs-groupcache/peers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { HttpPeerClient, type HttpPeerClientOptions } from '../../lib/peers/http-peer-client.js';
import { parsePeerUrl } from '../../lib/peers/peer-url.js';
import { deferred } from '../core/deferred.js';
import { httpAnswer, startScriptedPeer, type Script, type ScriptedPeer } from './scripted-peer.js';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const PROTOBUF = { 'content-type': 'application/x-protobuf' };
const value = (text: string): Buffer =>
  httpAnswer(200, PROTOBUF, Buffer.from([0x0a, text.length, ...Buffer.from(text)]));

async function startPeer(script: Script): Promise<ScriptedPeer> {
  const peer = await startScriptedPeer(script);
  closers.push(() => peer.close());
  return peer;
}

interface StateChange {
  readonly peer: string;
  readonly error: PeerError | undefined;
}

function clientOf(
  url: string,
  options: Partial<HttpPeerClientOptions> = {},
): { client: HttpPeerClient; changes: StateChange[] } {
  const changes: StateChange[] = [];
  const tell = (error: PeerError | undefined): void => {
    if ((changes.at(-1)?.error === undefined) !== (error === undefined)) changes.push({ peer: url, error });
  };
  const client = new HttpPeerClient(parsePeerUrl('peers', url, false), {
    basePath: '/_groupcache/',
    auth: new PeerAuth('none'),
    invalidations: new InvalidationLog('this process'),
    failures: plainFailures,
    maxKeyBytes: 4096,
    maxResponseBytes: 1024 * 1024,
    maxConnections: 4,
    connectTimeoutMs: 1_000,
    mayBeGo: false,
    health: {
      answered: () => tell(undefined),
      failed: (error) => tell(error),
      lost: (error) => tell(error),
    },
    ...options,
  });
  closers.push(() => client.close(0));
  return { client, changes };
}

function question(request: Partial<PeerRequest> = {}): PeerRequest {
  return { group: 'prices', key: 'ACME', timeoutMs: 10_000, signal: new AbortController().signal, ...request };
}

const textOf = (reply: PeerReply): string | undefined =>
  reply.outcome === 'value' ? reply.value.toString() : undefined;

describe('HttpPeerClient', () => {
  it('asks by a GET of the encoded group and key, with its headers', async () => {
    const peer = await startPeer((socket) => socket.write(value('41')));
    const { client } = clientOf(peer.url, { auth: new PeerAuth({ secret: 'a secret of the peers' }) });
    expect(textOf(await client.get(question({ group: 'a b', key: '../ä', timeoutMs: 1234.5 })))).toBe('41');
    const [requestLine, ...lines] = peer.requests[0]!.split('\r\n');
    expect(requestLine).toBe('GET /_groupcache/a%20b/..%2F%C3%A4 HTTP/1.1');
    const names = lines.map((line) => line.split(':')[0]!.toLowerCase());
    expect(lines).toContain('x-groupcache: 1');
    expect(lines).toContain('x-groupcache-timeout: 1235');
    expect(names).toEqual(expect.arrayContaining(['x-groupcache-signed', 'x-groupcache-signature']));
  });

  it("puts the path of the peer's URL before the base path", async () => {
    const peer = await startPeer((socket) => socket.write(value('41')));
    const { client } = clientOf(`${peer.url}/one/`);
    await client.get(question({ key: '..' }));
    expect(peer.requests[0]).toMatch(/^GET \/one\/_groupcache\/prices\/%2E%2E HTTP/);
  });

  it('keeps its connection for the next question', async () => {
    const peer = await startPeer((socket) => socket.write(value('41')));
    const { client } = clientOf(peer.url, { maxConnections: 1 });
    for (let index = 0; index < 5; index++) await client.get(question());
    expect([peer.requests.length, peer.connections]).toEqual([5, 1]);
  });

  it('asks once more when the server closed the connection while it was idle', async () => {
    // The server takes the second question and closes without a word, as one does that had just closed.
    const peer = await startPeer((socket, count) => (count === 2 ? socket.destroy() : socket.write(value(`${count}`))));
    const { client, changes } = clientOf(peer.url);
    expect(textOf(await client.get(question()))).toBe('1');
    expect(textOf(await client.get(question()))).toBe('3');
    expect(changes).toEqual([]);
  });

  it('does not ask a third time', async () => {
    const peer = await startPeer((socket) => socket.destroy());
    const { client } = clientOf(peer.url);
    await expect(client.get(question())).rejects.toMatchObject({ code: 'GROUPCACHE_PEER_FAILED' });
    expect(peer.requests.length).toBe(2);
  });

  it('does not ask again once an answer has begun', async () => {
    const peer = await startPeer((socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc'));
    const { client } = clientOf(peer.url);
    await expect(client.get(question())).rejects.toMatchObject({ code: 'GROUPCACHE_PEER_FAILED' });
    expect(peer.requests.length).toBe(1);
  });

  it('does not follow redirects', async () => {
    const peer = await startPeer((socket) => socket.write(httpAnswer(301, { location: '/_groupcache/prices/other' })));
    const { client } = clientOf(peer.url);
    await expect(client.get(question())).rejects.toMatchObject({ code: 'GROUPCACHE_PEER_FAILED', status: 301 });
    expect(peer.requests.length).toBe(1);
  });

  it('reads a chunked answer, as Go sends past 2,048 bytes', async () => {
    const body = Buffer.from([0x0a, 0x05, ...Buffer.from('hello')]);
    const peer = await startPeer((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ntransfer-encoding: chunked\r\n\r\n');
      for (const byte of body)
        socket.write(Buffer.concat([Buffer.from('1\r\n'), Buffer.of(byte), Buffer.from('\r\n')]));
      socket.write('0\r\n\r\n');
    });
    const { client } = clientOf(peer.url);
    expect(textOf(await client.get(question()))).toBe('hello');
  });

  it('takes an empty body for an empty value', async () => {
    const peer = await startPeer((socket) => socket.write(httpAnswer(200, PROTOBUF)));
    const { client } = clientOf(peer.url);
    expect(textOf(await client.get(question()))).toBe('');
  });

  it.each([
    [
      'an announced length',
      (bytes: number) => `HTTP/1.1 200 OK\r\ncontent-length: ${bytes}\r\n\r\n${'x'.repeat(bytes)}`,
    ],
    [
      'chunks',
      (bytes: number) =>
        `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${bytes.toString(16)}\r\n${'x'.repeat(bytes)}\r\n0\r\n\r\n`,
    ],
  ])('refuses an answer of more than maxResponseBytes, sent by %s', async (_name, answer) => {
    const peer = await startPeer((socket) => socket.write(answer(1025)));
    const { client } = clientOf(peer.url, { maxResponseBytes: 1024 });
    await expect(client.get(question())).rejects.toThrow('answered with over 1024 bytes');
    expect(peer.requests.length).toBe(1);
  });

  it.each([
    ['is cut', httpAnswer(200, PROTOBUF, Buffer.from('0a05', 'hex')), /sent a malformed answer: it ends inside/],
    ['is a page', httpAnswer(200, PROTOBUF, '<html>'), /sent a malformed answer/],
    ['is a page by its type, and empty', httpAnswer(200, { 'content-type': 'text/html' }), /not as a groupcache peer/],
    ['has no type (it once was taken for an empty value)', httpAnswer(200, {}), /not as a groupcache peer/],
    ['is not HTTP', Buffer.from('SSH-2.0-OpenSSH_9.2\r\n\r\n'), /could not be asked/],
    ["is a proxy's", httpAnswer(503, {}, 'no upstream'), /answered 503, not as a groupcache peer/],
    ["is a Go peer's failure", httpAnswer(500, { 'content-type': 'text/plain' }, 'no rows'), /answered 500, not as/],
    ['is nothing', httpAnswer(204, {}), /answered 204, not as/],
    ['is a refusal', httpAnswer(401, { 'x-groupcache-failure': 'unauthorized' }), /answered 401 \(unauthorized\)/],
    ['is a failure without a body', httpAnswer(500, { 'x-groupcache-failure': 'load' }), /sent a malformed failure/],
    [
      'is a failure of another shape',
      httpAnswer(500, { 'x-groupcache-failure': 'load' }, '{"name":1}'),
      /sent a malformed failure/,
    ],
    ['is a failure that is null', httpAnswer(500, { 'x-groupcache-failure': 'load' }, 'null'), /a malformed failure/],
    [
      'has two marks',
      httpAnswer(404, { 'x-groupcache-failure': 'not-found', 'X-Groupcache-Failure': 'load' }),
      /answered 404/,
    ],
  ])("takes for the peer's failure an answer that %s", async (_name, answer, message) => {
    const peer = await startPeer((socket) => socket.write(answer));
    const { client } = clientOf(peer.url);
    const asking = client.get(question());
    await expect(asking).rejects.toThrow(message);
    await expect(asking).rejects.toMatchObject({ code: 'GROUPCACHE_PEER_FAILED', peer: peer.url });
  });

  it.each([
    ['1500', 1_500],
    ['0', 0],
    // Taken for a number once, and so "not found" for ever.
    ['1e999', undefined],
    ['Infinity', undefined],
    ['-5', undefined],
    ['0x10', undefined],
    ['1.5', undefined],
    ['', undefined],
    ['9'.repeat(400), undefined],
  ])('takes %j for how long "not found" may be kept only if it is a whole number', async (text, ttlMs) => {
    const peer = await startPeer((socket) =>
      socket.write(
        httpAnswer(404, { 'x-groupcache-failure': 'not-found', 'x-groupcache-ttl': text }, Buffer.from('not found')),
      ),
    );
    const { client } = clientOf(peer.url);

    expect(await client.get(question())).toEqual({ outcome: 'notFound', ttlMs });
  });

  it('tells not found and failed loads by their marks', async () => {
    const failure = JSON.stringify({ name: 'TypeError', message: 'no rows', code: 'E42' });
    const peer = await startPeer((socket, count) =>
      socket.write(
        count === 1
          ? httpAnswer(404, { 'x-groupcache-failure': 'not-found' }, 'not found')
          : httpAnswer(500, { 'x-groupcache-failure': 'load' }, failure),
      ),
    );
    const { client } = clientOf(peer.url);
    expect(await client.get(question())).toEqual({ outcome: 'notFound' });
    const reply = await client.get(question());
    expect(reply).toEqual({ outcome: 'failed', error: expect.any(LoadFailedError) });
    expect(reply).toMatchObject({
      error: { peer: peer.url, reason: { name: 'TypeError', message: 'no rows', code: 'E42' } },
    });
  });

  it('refuses a key that is too long as sent, before anything is sent', async () => {
    const peer = await startPeer((socket) => socket.write(value('41')));
    const { client } = clientOf(peer.url, { maxKeyBytes: 100 });
    const fits = 'x'.repeat(100 - 'prices/'.length);
    expect(textOf(await client.get(question({ key: fits })))).toBe('41');
    for (const key of [`${fits}x`, 'ä'.repeat(16)]) {
      const reply = await client.get(question({ key }));
      expect(reply).toMatchObject({ outcome: 'failed', error: { key, maxBytes: 100 } });
      expect(reply.outcome === 'failed' && reply.error).toBeInstanceOf(KeyTooLongError);
    }
    expect(peer.requests.length).toBe(1);
  });

  it('rejects when nobody listens', async () => {
    const peer = await startScriptedPeer(() => undefined);
    await peer.close();
    const { client } = clientOf(peer.url);
    await expect(client.get(question())).rejects.toThrow(/could not be asked: .*ECONNREFUSED/);
  });

  it('gives up after timeoutMs, whatever the peer does (it once waited for the signal alone)', async () => {
    const peer = await startPeer((socket, count) => {
      if (count === 2) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc'); // and no more
    });
    const { client, changes } = clientOf(peer.url);
    await expect(client.get(question({ timeoutMs: 30 }))).rejects.toThrow('did not answer within 30 ms');
    await expect(client.get(question({ timeoutMs: 30 }))).rejects.toThrow('did not answer within 30 ms');
    expect(changes.map(({ error }) => error?.message)).toEqual([expect.stringContaining('within 30 ms')]);
  });

  it('counts the wait for a connection into timeoutMs', async () => {
    const peer = await startPeer(() => undefined);
    const { client } = clientOf(peer.url, { maxConnections: 1 });
    const first = client.get(question({ timeoutMs: 200 }));
    const queued = client.get(question({ timeoutMs: 20 }));
    await expect(queued).rejects.toThrow('did not answer within 20 ms');
    await expect(first).rejects.toThrow('did not answer within 200 ms');
    expect(peer.requests.length).toBe(1);
    // It once never ended.
    await client.close(0);
  });

  it('closes the connection of a question whose signal aborts, which tells the owner', async () => {
    const arrived = deferred<void>();
    const gone = deferred<void>();
    const peer = await startPeer((socket) => {
      socket.once('close', () => gone.resolve());
      arrived.resolve();
    });
    const { client, changes } = clientOf(peer.url);
    const asker = new AbortController();
    const asking = client.get(question({ signal: asker.signal }));
    await arrived.promise;
    asker.abort(new Error('nobody waits'));
    await expect(asking).rejects.toThrow('nobody waits');
    await gone.promise;
    expect(changes).toEqual([]);
  });

  it('tells that the peer fails when its asker has run out of patience (it once kept that to itself)', async () => {
    const arrived = deferred<void>();
    const peer = await startPeer(() => arrived.resolve());
    const { client, changes } = clientOf(peer.url);
    const asker = new AbortController();
    const asking = client.get(question({ signal: asker.signal }));
    await arrived.promise;
    const impatience = new PeerError(peer.url, 'did not answer within 31000 ms');
    asker.abort(impatience);
    await expect(asking).rejects.toBe(impatience);
    expect(changes).toEqual([{ peer: peer.url, error: impatience }]);
  });

  it('sends nothing for a signal that has aborted', async () => {
    const peer = await startPeer((socket) => socket.write(value('41')));
    const { client, changes } = clientOf(peer.url);
    await expect(client.get(question({ signal: AbortSignal.abort(new Error('gone')) }))).rejects.toThrow('gone');
    expect([peer.requests.length, changes.length]).toEqual([0, 0]);
  });

  it('leaves no listener on a signal that lives on', async () => {
    const peer = await startPeer((socket, count) => (count % 2 === 1 ? socket.write(value('41')) : socket.destroy()));
    const { client } = clientOf(peer.url);
    const { signal } = new AbortController();
    const [added, removed] = [vi.spyOn(signal, 'addEventListener'), vi.spyOn(signal, 'removeEventListener')];
    for (let index = 0; index < 4; index++) await client.get(question({ signal })).catch(() => undefined);
    const listeners = added.mock.calls.map(([, listener]) => listener);
    expect(listeners.length).toBeGreaterThan(4);
    expect(removed.mock.calls.map(([, listener]) => listener)).toEqual(expect.arrayContaining(listeners));
  });

  it('tells once when the peer stops answering and once when it answers again', async () => {
    const peer = await startPeer((socket, count) =>
      socket.write(count > 1 && count < 4 ? httpAnswer(502, {}) : value('41')),
    );
    const { client, changes } = clientOf(peer.url);
    for (let index = 0; index < 5; index++) await client.get(question()).catch(() => undefined);
    expect(changes).toEqual([
      { peer: peer.url, error: expect.objectContaining({ status: 502 }) },
      { peer: peer.url, error: undefined },
    ]);
  });

  it.each([
    ['an unknown group', httpAnswer(404, { 'x-groupcache-failure': 'unknown-group' })],
    ['a bad question', httpAnswer(400, { 'x-groupcache-failure': 'bad-request' })],
    ["a Go getter's failure", httpAnswer(500, { 'content-type': 'text/plain' }, 'no rows')],
  ])('does not take a peer for failing by %s (it once told so at every second question)', async (_name, refusal) => {
    const peer = await startPeer((socket, count) => socket.write(count % 2 === 0 ? value('41') : refusal));
    const { client, changes } = clientOf(peer.url);
    for (let index = 0; index < 4; index++) await client.get(question()).catch(() => undefined);
    expect(changes).toEqual([]);
  });

  it('lets the question under way end when it is closed, and refuses the next', async () => {
    const arrived = deferred<void>();
    let answer: (() => void) | undefined;
    const peer = await startPeer((socket) => {
      answer = () => socket.write(value('41'));
      arrived.resolve();
    });
    const { client } = clientOf(peer.url);
    const asking = client.get(question());
    await arrived.promise;
    const closing = client.close(10_000);
    await expect(client.get(question())).rejects.toMatchObject({ code: 'GROUPCACHE_PEER_FAILED' });
    answer!();
    expect(textOf(await asking)).toBe('41');
    await closing;
    await client.close(10_000);
  });

  it('ends the question under way once closing has taken its time', async () => {
    const arrived = deferred<void>();
    const peer = await startPeer(() => arrived.resolve());
    const { client } = clientOf(peer.url);
    const asking = client.get(question());
    const outcome = expect(asking).rejects.toMatchObject({ code: 'GROUPCACHE_PEER_FAILED' });
    await arrived.promise;
    await client.close(1);
    await outcome;
  });
});
