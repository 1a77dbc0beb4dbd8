import { once } from 'node:events';
import { ByteView, KeyTooLongError, PeerError, promoteAlways, promoteNever, textCodec } from 'nestjs-groupcache/core';
import { connect, type Socket } from 'node:net';
import { HttpPool, type HttpPoolOptions } from 'nestjs-groupcache/peers';
import { LocalCluster, ManualClock, type LocalPeer } from 'nestjs-groupcache/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { frameTypes } from '../../../lib/peers/link/frames.js';
import { HIGH_WATER_BYTES, PART_BYTES } from '../../../lib/peers/link/link-output.js';
import { deferred } from '../../core/deferred.js';
import type { WebSocket } from 'ws';
import { dialRaw, helloOf, linkRaw, proofOf, secret } from './raw-link.js';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const close of closers.splice(0).toReversed()) await close();
});

async function startCluster(count: number, options: HttpPoolOptions = {}): Promise<LocalPeer[]> {
  const cluster = await LocalCluster.start(count, { auth: { secret }, ...options });
  closers.push(() => cluster.close());
  return [...cluster.peers];
}

const request = (key: string, group = 'prices') => ({
  group,
  key,
  timeoutMs: 10_000,
  signal: new AbortController().signal,
});

/** A key that `owner` owns, different for each `index`. */
function keyOf(owner: LocalPeer, index = 0): string {
  return Array.from({ length: 1_000 }, (_, number) => `key ${number}`).filter(
    (key) => owner.pool.ownerOf(key) === owner.url,
  )[index]!;
}

/** Resolves once `one` and `other` have settled on one of the links that they have dialed. */
async function link(one: LocalPeer, other: LocalPeer): Promise<void> {
  await vi.waitFor(() => {
    const links = [one.pool.links.to(other.url), other.pool.links.to(one.url)];
    expect(links.map((found) => found?.isOpen)).toEqual([true, true]);
    expect(links.map((found) => found!.isDialer)).toEqual([one.url < other.url, other.url < one.url]);
  });
}

function define(peers: LocalPeer[], getter: (key: string) => string | Promise<string>): void {
  for (const { groups } of peers) groups.define('prices', getter, { codec: textCodec, promote: promoteNever });
}

/** What `socket` writes to, which ws does not show. */
const rawConnectionOf = (socket: WebSocket): Socket => (socket as unknown as { readonly _socket: Socket })._socket;

describe('a link between two peers', () => {
  it('is dialed as soon as there is a list, and used by both sides', async () => {
    const peers = await startCluster(2);
    const [one, other] = peers as [LocalPeer, LocalPeer];
    define(peers, (key) => `<${key}>`);

    await link(one, other);

    expect(await one.groups.get('prices').get(keyOf(other))).toBe(`<${keyOf(other)}>`);
    expect(await one.groups.get('prices').get(keyOf(other, 1))).toBe(`<${keyOf(other, 1)}>`);
    expect(await other.groups.get('prices').get(keyOf(one))).toBe(`<${keyOf(one)}>`);
    expect([one, other].map(({ pool }) => pool.links.size)).toEqual([1, 1]);
    expect([one, other].map(({ groups }) => groups.get('prices').stats.serverRequests)).toEqual([1, 2]);
  });

  it('is not there where it is not wanted', async () => {
    const peers = await startCluster(2, { link: false });
    const [one, other] = peers as [LocalPeer, LocalPeer];
    define(peers, (key) => key);
    await one.groups.get('prices').get(keyOf(other));
    // It is a request like any other, and not signed.
    await expect(linkRaw({ to: other.url })).rejects.toThrow(/401/);
    expect([one.pool.links.size, other.pool.links.size]).toEqual([0, 0]);
  });

  it('is one of two that were dialed at once: that of the smaller URL, and what runs on the other ends well', async () => {
    for (let round = 0; round < 5; round++) {
      const peers = await startCluster(2);
      const load = deferred<string>();
      define(peers, (key) => (key.endsWith('!') ? load.promise : key));
      const [smaller, larger] = peers.toSorted((one, other) => (one.url < other.url ? -1 : 1)) as [
        LocalPeer,
        LocalPeer,
      ];
      // The loser is there first, and in use.
      await link(larger, smaller);
      const slow = larger.pool.links.to(smaller.url)!.get(request('slow!'));
      const opened = once(smaller.pool.events, 'linkOpened');
      smaller.pool.links.want({ url: larger.url, origin: larger.url, pathPrefix: '' });
      await opened;

      await vi.waitFor(() => expect(larger.pool.links.to(smaller.url)?.isDialer).toBe(false));
      expect(smaller.pool.links.to(larger.url)?.isDialer).toBe(true);
      load.resolve('late');

      expect(await slow).toMatchObject({ outcome: 'value' });
      await vi.waitFor(() => expect([smaller, larger].map(({ pool }) => pool.links.size)).toEqual([1, 1]));
    }
  });

  it('becomes one when both dial at once', async () => {
    for (let round = 0; round < 10; round++) {
      const peers = await startCluster(2);
      const [one, other] = peers as [LocalPeer, LocalPeer];
      one.pool.links.want({ url: other.url, origin: other.url, pathPrefix: '' });
      other.pool.links.want({ url: one.url, origin: one.url, pathPrefix: '' });
      await vi.waitFor(() => {
        const links = [one.pool.links.to(other.url), other.pool.links.to(one.url)];
        expect(links.map((found) => found?.isOpen)).toEqual([true, true]);
        expect([one, other].map(({ pool }) => pool.links.size)).toEqual([1, 1]);
        expect(links[0]!.isDialer).toBe(one.url < other.url);
        expect(links[1]!.isDialer).toBe(other.url < one.url);
      });
    }
  });

  it('fails the questions that are open on it when it breaks, and no others; later ones go by GET, and it comes again', async () => {
    const peers = await startCluster(3);
    const [asker, broken, whole] = peers as [LocalPeer, LocalPeer, LocalPeer];
    const load = deferred<string>();
    const begun = { [broken.url]: deferred<void>(), [whole.url]: deferred<void>() };
    for (const { groups, url } of peers) {
      groups.define('prices', (key) => (key.endsWith('!') ? (begun[url]?.resolve(), load.promise) : key), {
        codec: textCodec,
      });
    }
    await link(asker, broken);
    await link(asker, whole);
    const lost = asker.pool.links.to(broken.url)!.get(request('slow!'));
    const kept = asker.pool.links.to(whole.url)!.get(request('slow!'));
    await Promise.all(Object.values(begun).map(({ promise }) => promise));

    asker.pool.links.to(broken.url)!.cut();

    await expect(lost).rejects.toThrow(PeerError);
    const reply = await asker.pool.pickPeer(keyOf(broken))!.get(request('fast'));
    expect(reply).toMatchObject({ outcome: 'value' });
    load.resolve('late');
    expect(await kept).toMatchObject({ outcome: 'value' });
    // Not at once: a link that did not live long is not dialed again before a moment has passed.
    await vi.waitFor(async () => {
      await asker.pool.pickPeer(keyOf(broken))!.get(request('fast'));
      expect(asker.pool.links.to(broken.url)?.isOpen).toBe(true);
    });
  });

  it('tells the getter when nobody waits any more', async () => {
    const peers = await startCluster(2);
    const [asker, owner] = peers as [LocalPeer, LocalPeer];
    const begun = deferred<AbortSignal>();
    for (const { groups } of peers) {
      groups.define('prices', (_key, { signal }) => (begun.resolve(signal), new Promise<string>(() => undefined)));
    }
    await link(asker, owner);
    const caller = new AbortController();
    const get = asker.groups.get('prices').get(keyOf(owner), { signal: caller.signal });
    const signal = await begun.promise;

    caller.abort(new Error('gone'));

    await expect(get).rejects.toThrow('gone');
    await once(signal, 'abort');
    await vi.waitFor(() => expect(asker.pool.links.to(owner.url)!.openQuestions).toBe(0));
  });

  it('ends a load by the deadline in the frame', async () => {
    const peers = await startCluster(2);
    const [asker, owner] = peers as [LocalPeer, LocalPeer];
    const begun = deferred<AbortSignal>();
    owner.groups.define('prices', (_key, { signal }) => (begun.resolve(signal), new Promise<string>(() => undefined)));
    await link(asker, owner);
    const asking = asker.pool.links.to(owner.url)!.get({ ...request('key'), timeoutMs: 30 });
    await expect(asking).rejects.toThrow(PeerError);
    const signal = await begun.promise;
    if (!signal.aborted) await once(signal, 'abort');
  });

  it('takes longer keys than a GET, up to 64 KiB', async () => {
    const peers = await startCluster(2);
    const [asker, owner] = peers as [LocalPeer, LocalPeer];
    define(peers, (key) => String(key.length));
    await link(asker, owner);
    const client = asker.pool.pickPeer(keyOf(owner))!;
    expect(await client.get(request('k'.repeat(64 * 1024)))).toMatchObject({ outcome: 'value' });
    const reply = await client.get(request('ä'.repeat(32 * 1024 + 1)));
    expect(reply.outcome === 'failed' && reply.error).toBeInstanceOf(KeyTooLongError);
  });

  it('refuses a value that is larger than the asker takes, and goes on', async () => {
    const peers = await startCluster(2, { maxResponseBytes: 100_000 });
    const [asker, owner] = peers as [LocalPeer, LocalPeer];
    define(peers, (key) => 'x'.repeat(Number(key)));
    await link(asker, owner);
    const between = asker.pool.links.to(owner.url)!;
    await expect(between.get(request('100001'))).rejects.toThrow(/over 100000 bytes/);
    await expect(between.get(request('5000000'))).rejects.toThrow(/over 100000 bytes/);
    expect(await between.get(request('100000'))).toMatchObject({ outcome: 'value' });
  });

  it('brings large values that are text, bytes and not ASCII', async () => {
    const peers = await startCluster(2);
    const [asker, owner] = peers as [LocalPeer, LocalPeer];
    define(peers, (key) => key.repeat(200_001));
    await link(asker, owner);
    const between = asker.pool.links.to(owner.url)!;
    const replies = await Promise.all(['a', 'ä', '😀', 'aä€😀'].map((key) => between.get(request(key))));
    for (const [index, key] of ['a', 'ä', '😀', 'aä€😀'].entries()) {
      const reply = replies[index]!;
      expect(reply.outcome === 'value' && reply.value.equals(key.repeat(200_001))).toBe(true);
    }
  });
});

describe('a link, seen from its wire', () => {
  const self = 'http://10.0.0.1:3000';

  async function startOwner(): Promise<LocalPeer> {
    const [owner] = (await startCluster(1)) as [LocalPeer];
    define([owner], (key) => 'x'.repeat(Number(key)));
    owner.pool.set(owner.url, self);
    return owner;
  }

  it('sends the gets of one turn in one message, and so their answers', async () => {
    const owner = await startOwner();
    const raw = await linkRaw({ url: self, to: owner.url });
    await vi.waitFor(() => expect(owner.pool.links.to(self)).toBeDefined());
    let messages = 0;
    raw.socket.on('message', () => messages++);
    const numbers = Array.from({ length: 200 }, (_, number) => String(number));
    const keys = numbers.filter((key) => owner.pool.ownerOf(key) === self);
    const owned = numbers.find((key) => owner.pool.owns(key))!;

    const gets = owner.groups.get('prices').getMany(keys.slice(0, 40));
    const single = owner.groups.get('prices').get(keys[40]!);
    await raw.until(({ kind }) => kind === 'get');

    expect(raw.frames.filter(({ kind }) => kind === 'get')).toHaveLength(41);
    expect(messages).toBe(1);
    raw.send((frames) => {
      for (const { id } of raw.frames.filter(({ kind }) => kind === 'get')) {
        frames.value(id, ByteView.from('answer'), { minuteQps: 0 });
      }
      for (let id = 0; id < 40; id++) frames.get(id, 10_000, 'prices', owned);
    });
    expect(await gets).toEqual(Array.from({ length: 40 }, () => 'answer'));
    expect(await single).toBe('answer');
    await raw.until(({ kind }) => kind === 'value');
    expect(raw.frames.filter(({ kind }) => kind === 'value')).toHaveLength(40);
    expect(messages).toBe(2);
  });

  it('sends answers before those run who are answered by the same message', async () => {
    // Two peers that asked one another took turns: each had its answers only when the other had done all it could.
    const owner = await startOwner();
    const raw = await linkRaw({ url: self, to: owner.url });
    await vi.waitFor(() => expect(owner.pool.links.to(self)).toBeDefined());
    const key = Array.from({ length: 200 }, (_, number) => String(number)).find(
      (candidate) => owner.pool.ownerOf(candidate) === self,
    )!;
    let bytesBehind: number | undefined;
    const get = owner.groups.get('prices').get(key);
    const asker = get.then(() => (bytesBehind = owner.pool.links.to(self)!.backlog.bytes));
    const { id } = await raw.until(({ kind }) => kind === 'get');

    raw.send((frames) => {
      frames.value(id, ByteView.from('answer'), { minuteQps: 0 });
      frames.get(0, 10_000, 'prices', '5');
    });
    await asker;

    expect(bytesBehind).toBe(0);
    await raw.until(({ kind }) => kind === 'value');
  });

  it('sends small values between the parts of large ones', async () => {
    const owner = await startOwner();
    const raw = await linkRaw({ url: self, to: owner.url });
    raw.send((frames) => {
      for (let id = 0; id < 4; id++) frames.get(id, 10_000, 'prices', String(4_000_000));
    });
    await raw.until(({ kind }) => kind === 'part');
    raw.send((frames) => frames.get(9, 10_000, 'prices', '5'));
    await raw.until(({ kind, id }) => kind === 'value' && id === 9);
    expect(raw.frames.filter(({ kind, id }) => kind === 'value' && id !== 9)).toEqual([]);
    await Promise.all([0, 1, 2, 3].map((id) => raw.until((frame) => frame.kind === 'value' && frame.id === id)));
    const parts = raw.frames.filter(({ kind }) => kind === 'part');
    expect(parts.every(({ body }) => body.length <= PART_BYTES)).toBe(true);
    // They take turns.
    expect(new Set(parts.slice(4, 12).map(({ id }) => id)).size).toBe(4);
  });

  it('bounds what it holds for a reader who does not read', async () => {
    const owner = await startOwner();
    const raw = await linkRaw({ url: self, to: owner.url });
    await vi.waitFor(() => expect(owner.pool.links.to(self)).toBeDefined());
    const between = owner.pool.links.to(self)!;
    raw.socket.pause();
    let highest = 0;
    for (let burst = 0; burst < 20; burst++) {
      raw.send((frames) => {
        for (let id = burst * 100; id < (burst + 1) * 100; id++) {
          frames.get(id, 60_000, 'prices', String(id % 10 === 0 ? 1_000_000 : 60_000));
        }
      });
      for (let tick = 0; tick < 20; tick++) {
        await new Promise((resolve) => {
          setImmediate(resolve);
        });
        highest = Math.max(highest, between.backlog.bytes);
      }
    }
    await vi.waitFor(() => expect(between.backlog.values).toBeGreaterThan(1_000));
    expect(highest).toBeGreaterThan(HIGH_WATER_BYTES / 2);
    expect(highest).toBeLessThan(HIGH_WATER_BYTES + 4 * PART_BYTES);
    raw.socket.resume();
    await vi.waitFor(() => expect(raw.frames.filter(({ kind }) => kind === 'value')).toHaveLength(2_000), 20_000);
    await vi.waitFor(() => expect(between.backlog).toEqual({ bytes: 0, values: 0 }));
  }, 30_000);

  it('drops the rest of a large value that nobody waits for', async () => {
    const owner = await startOwner();
    const raw = await linkRaw({ url: self, to: owner.url });
    raw.send((frames) => frames.get(1, 10_000, 'prices', String(50_000_000 / 4)));
    await raw.until(({ kind }) => kind === 'part');
    raw.send((frames) => frames.other(frameTypes.cancel, 1));
    await raw.until(({ type }) => type === frameTypes.refused);
    expect(raw.frames.some(({ kind }) => kind === 'value')).toBe(false);
  });

  it.each([
    ['a frame of a wrong length', Buffer.from('ffffffff0100000001', 'hex')],
    ['an answer to nothing', Buffer.from('000000050400000007', 'hex')],
    ['a text', 'hello'],
    ['a message that is too large', Buffer.alloc(600_000)],
  ])('is closed by %s, and nothing else is', async (_what, message) => {
    const owner = await startOwner();
    const raw = await linkRaw({ url: self, to: owner.url });
    const good = await linkRaw({ to: owner.url });
    raw.socket.send(message);
    await raw.closed;
    good.send((frames) => frames.get(1, 1_000, 'prices', '5'));
    expect((await good.until(({ kind }) => kind === 'value')).body.toString()).toBe('xxxxx');
  });

  it('answers a cancelled question too, and one for a group that is not there', async () => {
    const owner = await startOwner();
    owner.groups.define('slow', () => new Promise<string>(() => undefined));
    const raw = await linkRaw({ url: self, to: owner.url });
    raw.send((frames) => {
      frames.get(1, 10_000, 'slow', 'key');
      frames.other(frameTypes.cancel, 1);
      frames.other(frameTypes.cancel, 99);
      frames.get(2, 10_000, 'nothing', 'key');
      frames.other(200, 5, 'a frame of the future');
    });
    expect((await raw.until(({ id, kind }) => id === 1 && kind === 'other')).body.toString()).toBe('unanswered');
    expect((await raw.until(({ id, kind }) => id === 2 && kind === 'other')).body.toString()).toBe('unknown-group');
  });

  it('says when its peer leaves, sends what runs, refuses what comes, and is closed with a goodbye', async () => {
    const owner = await startOwner();
    const load = deferred<string>();
    const begun = deferred<void>();
    owner.groups.define('slow', () => (begun.resolve(), load.promise), { codec: textCodec });
    const raw = await linkRaw({ url: self, to: owner.url });
    raw.send((frames) => frames.get(1, 10_000, 'slow', 'key'));
    await begun.promise;

    const drained = owner.server.drain(5_000);
    expect((await raw.until(({ type }) => type === frameTypes.share)).body.toString()).toBe('0');
    raw.send((frames) => frames.get(2, 10_000, 'slow', 'key'));
    expect((await raw.until(({ type }) => type === frameTypes.refused)).body.toString()).toBe('draining');
    load.resolve('late');

    expect((await raw.until(({ kind }) => kind === 'value')).body.toString()).toBe('late');
    await drained;
    const closed = owner.pool.close(5_000);
    await raw.until(({ type }) => type === frameTypes.goodbye);
    raw.send((frames) => frames.other(frameTypes.goodbye, 0));
    expect((await raw.closed)[0]).toBe(1000);
    await closed;
    expect(owner.pool.links.size).toBe(0);
  });
});

describe('PeerLinks.accept', () => {
  it('refuses what a browser opens, whatever the auth: a page anywhere could read the cache of a closed network', async () => {
    const peers = await startCluster(2);
    const [one] = peers as [LocalPeer, LocalPeer];

    await expect(dialRaw(one.url, { origin: 'http://evil.example' })).rejects.toThrow(/403/);
  });

  it.each([
    ["'none'", 'none' as const],
    ['acceptUnsigned', { secret, acceptUnsigned: true }],
  ])('asks nobody who came without a proof, whoever he says that he is, with auth %s', async (_name, auth) => {
    // A stranger could take a peer's place, and fill the others' caches.
    const peers = await startCluster(2, { auth });
    const [one, other] = peers as [LocalPeer, LocalPeer];
    define(peers, (key) => `value of ${key}`);
    const stranger = await linkRaw({ url: other.url, to: one.url, secret: '' });

    const value = await one.groups.get('prices').get(keyOf(other));

    expect(value).toBe(`value of ${keyOf(other)}`);
    // Perhaps one that the peer itself has dialed.
    expect(one.pool.links.to(other.url)?.bootId).not.toBe('raw');
    expect(stranger.frames.some(({ kind }) => kind === 'get')).toBe(false);
    stranger.socket.terminate();
  });

  it('takes the link of a peer that has come back for the one that is lost', async () => {
    // By the rule for links that crossed, the dead one was kept, and the peer dialed again and again.
    const peers = await startCluster(2);
    const [one, other] = peers.toSorted((a, b) => (a.url < b.url ? -1 : 1)) as [LocalPeer, LocalPeer];
    await link(one, other);
    expect(one.pool.links.to(other.url)!.isDialer).toBe(true);

    const back = await linkRaw({ url: other.url, to: one.url });

    await vi.waitFor(() => expect(one.pool.links.to(other.url)?.bootId).toBe('raw'));
    back.socket.terminate();
  });

  it('outlives what is malformed behind the last word of one that it turns away', async () => {
    // Nobody listened for errors of a socket that had proven itself and was not listed any more: the process ended.
    const uncaught = vi.fn();
    process.on('uncaughtException', uncaught);
    closers.push(async () => process.off('uncaughtException', uncaught));
    const [one, other] = (await startCluster(2)) as [LocalPeer, LocalPeer];
    const identity = { url: 'http://10.0.0.1:3000', to: one.url };
    one.pool.set(one.url, other.url, identity.url);
    const stranger = await dialRaw(one.url);
    const hello = helloOf(identity);
    stranger.send((frames) => frames.other(frameTypes.hello, 0, hello));
    const { body } = await stranger.until(({ type }) => type === frameTypes.hello);
    await stranger.until(({ type }) => type === frameTypes.proof);
    one.pool.set(one.url, other.url);

    // In one packet, so that both are there when the first is read.
    const connection = rawConnectionOf(stranger.socket);
    connection.cork();
    stranger.send((frames) => frames.other(frameTypes.proof, 0, proofOf(identity, hello, body.toString())));
    connection.write(Buffer.from('ffffffffffff', 'hex'));
    connection.uncork();
    await stranger.closed;

    expect(uncaught).not.toHaveBeenCalled();
    expect(one.pool.links.to(identity.url)).toBeUndefined();
    await link(one, other);
    await vi.waitFor(() => expect(one.pool.links.size).toBe(1));
  });

  it('closes the connection of an upgrade that it refuses, though the other side does not', async () => {
    const [one] = (await startCluster(2)) as [LocalPeer];
    const socket = connect({ port: Number(new URL(one.url).port), host: '127.0.0.1', allowHalfOpen: true });
    socket.on('error', () => undefined);
    socket.write(
      'GET /_groupcache/ HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\norigin: http://b\r\n\r\n',
    );
    socket.resume();
    await once(socket, 'end');

    // A listener that still has a connection would wait for it.
    await one.stop();
    socket.destroy();
  });

  it('answers with a failure that can not be put in words, and goes on', async () => {
    const peers = await startCluster(2);
    const [asker, owner] = peers as [LocalPeer, LocalPeer];
    for (const { groups } of peers) {
      groups.define('prices', () => {
        throw Object.assign(new Error(), { message: Object.create(null) as string });
      });
    }
    await link(asker, owner);

    const reply = await asker.pool.pickPeer(keyOf(owner))!.get(request(keyOf(owner)));

    expect(reply).toMatchObject({ outcome: 'failed' });
    expect(asker.pool.links.to(owner.url)!.openQuestions).toBe(0);
  });
});

describe('HttpPool.close', () => {
  it('closes the links, and takes and dials no more', async () => {
    const peers = await startCluster(2);
    const [one, other] = peers as [LocalPeer, LocalPeer];
    await link(one, other);
    await one.pool.close(100);
    await vi.waitFor(() => expect([one.pool.links.size, other.pool.links.size]).toEqual([0, 0]));
    await expect(linkRaw({ to: one.url })).rejects.toThrow(/404|503/);
  });

  it('closes the links of peers that are listed no more, ten seconds later', async () => {
    const peers = await startCluster(2);
    const [one, other] = peers as [LocalPeer, LocalPeer];
    await link(one, other);
    await vi.waitFor(() => expect([one.pool.links.size, other.pool.links.size]).toEqual([1, 1]));
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    one.pool.set(one.url, 'http://127.0.0.1:1');
    vi.advanceTimersByTime(9_999);
    expect(one.pool.links.to(other.url)?.isOpen).toBe(true);
    vi.advanceTimersByTime(1);
    expect(one.pool.links.to(other.url)).toBeUndefined();
    vi.useRealTimers();
    await vi.waitFor(() => expect([one.pool.links.size, other.pool.links.size]).toEqual([0, 0]));
  });

  it('closes what a client has dialed', async () => {
    const peers = await startCluster(2);
    define(peers, (key) => key);
    await link(peers[0]!, peers[1]!);
    const pool = new HttpPool({ role: 'client', auth: { secret } });
    pool.set(...peers.map(({ url }) => url));
    await vi.waitFor(() => expect(pool.links.size).toBe(2));
    expect(await pool.pickPeer('key')!.get(request('key'))).toMatchObject({ outcome: 'value' });
    await pool.close();
    // That between the two stays.
    await vi.waitFor(() => expect(peers.map((one) => one.pool.links.size)).toEqual([1, 1]));
  });
});

describe('lifetimes between two processes', () => {
  it.each([
    ['over a link', true],
    ['by GET', false],
  ])('travel as what is left of them, of "not found" too: %s', async (_how, isLinked) => {
    const clock = new ManualClock();
    const cluster = await LocalCluster.start(2, { auth: { secret }, link: isLinked, groups: { clock } });
    closers.push(() => cluster.close());
    const [asker, owner] = cluster.peers as [LocalPeer, LocalPeer];
    if (isLinked) await link(asker, owner);
    const [present, absent] = [keyOf(owner, 0), keyOf(owner, 1)];
    for (const { groups } of cluster.peers) {
      groups.define('prices', (key) => (key === absent ? undefined : key), {
        codec: textCodec,
        promote: promoteAlways,
        ttl: '10s',
        negativeTtl: '4s',
      });
    }
    const [held, kept] = [owner.groups.get<string>('prices'), asker.groups.get<string>('prices')];
    await held.getMany([present, absent]);
    clock.advance(3_000);
    expect(await kept.getMany([present, absent])).toEqual([present, undefined]);

    expect(await asker.pool.pickPeer(present)!.get(request(present))).toMatchObject({ ttlMs: 7_000 });
    expect(await asker.pool.pickPeer(absent)!.get(request(absent))).toEqual({ outcome: 'notFound', ttlMs: 1_000 });
    clock.advance(999);
    await kept.get(absent);
    expect(kept.stats.cacheHits).toBe(1);
    clock.advance(6_000);
    expect(kept.peek(present)).toBe(present);
    clock.advance(1);
    expect(kept.peek(present)).toBeUndefined();
    expect(kept.stats).toMatchObject({ peerErrors: 0, peerLoads: 2 });
  });
});
