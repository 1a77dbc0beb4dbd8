import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { HttpPool } from 'nestjs-groupcache/peers';
import { LocalCluster, type LocalClusterOptions, type LocalPeer } from 'nestjs-groupcache/testing';
import { textCodec } from 'nestjs-groupcache/core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { WebSocketServer, type WebSocket } from 'ws';
import { frameTypes } from '../../../lib/peers/link/frames.js';
import { dialRaw, helloOf, linkRaw, proofOf, secret } from './raw-link.js';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const close of closers.splice(0).toReversed()) await close();
});

const other = 'http://10.0.0.1:3000';

/** A peer that lists `other`. */
async function startPeer(options: LocalClusterOptions = {}): Promise<LocalPeer> {
  const cluster = await LocalCluster.start(1, { auth: { secret }, ...options });
  closers.push(() => cluster.close());
  const peer = cluster.peers[0]!;
  peer.groups.define('prices', (key) => `<${key}>`, { codec: textCodec });
  peer.pool.set(peer.url, other);
  return peer;
}

describe('the handshake of a link', () => {
  it('lets a listed peer ask that proves itself', async () => {
    const { url } = await startPeer();
    const link = await linkRaw({ url: other, to: url });
    link.send((frames) => frames.get(3, 1_000, 'prices', 'ACME'));
    expect((await link.until(({ kind }) => kind === 'value')).body.toString()).toBe('<ACME>');
  });

  it('lets a client ask, which has no URL', async () => {
    const { url } = await startPeer();
    const link = await linkRaw({ to: url });
    link.send((frames) => frames.get(0, 1_000, 'prices', 'ACME'));
    expect((await link.until(({ kind }) => kind === 'value')).body.toString()).toBe('<ACME>');
  });

  it.each([
    ['a wrong secret', { url: other, secret: 'another secret of the peers' }, /the proof is wrong/],
    ['a peer that is not listed', { url: 'http://10.0.0.9:3000' }, /10\.0\.0\.9:3000 is not listed/],
    ['one that takes it for another peer', { url: other, to: 'http://10.0.0.2:3000' }, /not http:\/\/10\.0\.0\.2/],
  ])('refuses %s', async (_what, identity, reason) => {
    const { url, pool } = await startPeer();
    const link = await dialRaw(url);
    const whole = { to: url, ...identity };
    const own = helloOf(whole);
    link.send((frames) => frames.other(frameTypes.hello, 0, own));
    const hello = await link.until(({ type }) => type === frameTypes.hello);
    link.send((frames) => frames.other(frameTypes.proof, 0, proofOf(whole, own, hello.body.toString())));
    const [code, said] = await link.closed;
    expect(code).toBe(4403);
    expect(said).toMatch(reason);
    expect(pool.links.size).toBe(0);
  });

  it('refuses the proof of another link, and its own', async () => {
    const { url } = await startPeer();
    const identity = { url: other, to: url };
    const recorded = await dialRaw(url);
    const own = helloOf(identity);
    recorded.send((frames) => frames.other(frameTypes.hello, 0, own));
    const hello = await recorded.until(({ type }) => type === frameTypes.hello);
    const proof = proofOf(identity, own, hello.body.toString());
    recorded.send((frames) => frames.other(frameTypes.proof, 0, proof));
    const theirs = await recorded.until(({ type }) => type === frameTypes.proof);

    for (const replayed of [proof, theirs.body.toString(), '']) {
      const link = await dialRaw(url);
      link.send((frames) => frames.other(frameTypes.hello, 0, own));
      link.send((frames) => frames.other(frameTypes.proof, 0, replayed));
      expect((await link.closed)[0]).toBe(4403);
    }
    const mirror = await dialRaw(url);
    mirror.send((frames) => frames.other(frameTypes.hello, 0, own));
    const reflected = await mirror.until(({ type }) => type === frameTypes.proof);
    mirror.send((frames) => frames.other(frameTypes.proof, 0, reflected.body.toString()));
    expect((await mirror.closed)[1]).toMatch(/the proof is wrong/);
  });

  it.each<[string, (url: string) => Buffer | string]>([
    ['a question', () => Buffer.from('00000012010000000100000000000100000001676b', 'hex')],
    ['garbage', () => Buffer.from('ffffffffffff', 'hex')],
    ['a text', () => 'hello'],
    ['a hello that is none', () => Buffer.concat([Buffer.from('000000070900000000', 'hex'), Buffer.from('{}')])],
  ])('closes at %s before it', async (_what, message) => {
    const { url, groups } = await startPeer();
    const link = await dialRaw(url);
    link.socket.send(message(url));
    expect((await link.closed)[0]).toBe(4403);
    expect(groups.get('prices').stats.serverRequests).toBe(0);
  });

  it('cuts off whoever sends much before it', async () => {
    const { url } = await startPeer();
    const link = await dialRaw(url);
    link.socket.send(Buffer.alloc(64 * 1024));
    expect((await link.closed)[0]).not.toBe(1000);
  });

  it.each([
    ['who says nothing', false],
    ['who says hello and proves nothing', true],
  ])('cuts off after 5 s one %s', async (_what, saysHello) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { url } = await startPeer();
    const link = await dialRaw(url);
    if (saysHello) {
      link.send((frames) => frames.other(frameTypes.hello, 0, helloOf({ url: other, to: url })));
      await link.until(({ type }) => type === frameTypes.proof);
    }
    vi.advanceTimersByTime(4_999);
    // It still answers.
    link.socket.ping();
    await once(link.socket, 'pong');

    vi.advanceTimersByTime(1);

    expect((await link.closed)[0]).toBe(1006);
  });

  it('lets one stay that has proven itself in time', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { url } = await startPeer();
    const link = await linkRaw({ url: other, to: url });

    vi.advanceTimersByTime(5_000);
    vi.useRealTimers();

    link.send((frames) => frames.get(3, 1_000, 'prices', 'ACME'));
    expect((await link.until(({ kind }) => kind === 'value')).body.toString()).toBe('<ACME>');
  });

  it('gives up after 5 s where the side that was dialed says nothing', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const silent = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    closers.push(async () => silent.close());
    await once(silent, 'listening');
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const { pool } = await startPeer();
    pool.set(pool.self!, url);
    const dialed = once(silent, 'connection');
    pool.links.want({ url, origin: url, pathPrefix: '' });
    const [socket] = (await dialed) as [WebSocket];
    await once(socket, 'message');
    vi.advanceTimersByTime(4_999);
    socket.ping();
    await once(socket, 'pong');

    vi.advanceTimersByTime(1);

    expect((await once(socket, 'close'))[0]).toBe(1006);
  });

  it('tells once of a peer with another ring', async () => {
    const { url, pool } = await startPeer();
    const told: string[] = [];
    pool.events.on('ringDiffers', ({ peer }) => told.push(peer));
    await linkRaw({ url: other, to: url });
    await linkRaw({ url: other, to: url });
    await vi.waitFor(() => expect(told).toEqual([other]));
  });

  it('tells once of a peer behind whose URL there are several processes', async () => {
    const { url, pool } = await startPeer();
    const told: string[] = [];
    pool.events.on('urlShared', ({ peer }) => told.push(peer));
    const comeAs = async (bootId: string): Promise<void> => void (await linkRaw({ url: other, to: url, bootId }));

    await comeAs('one');
    await comeAs('one');
    await comeAs('one, restarted');
    await comeAs('restarted again');
    expect(told).toEqual([]);
    await comeAs('one, restarted');
    await comeAs('restarted again');
    expect(told).toEqual([other]);
    await comeAs('a new one');
    await comeAs('one');
    expect(told).toEqual([other, other]);
  });

  it('tells nothing of one that comes unsigned as several', async () => {
    const { url, pool } = await startPeer({ auth: { secret, acceptUnsigned: true } });
    const told: string[] = [];
    pool.events.on('urlShared', ({ peer }) => told.push(peer));
    for (const bootId of ['one', 'two', 'one']) await linkRaw({ url: other, to: url, bootId, secret: '' });
    expect(told).toEqual([]);
  });

  it.each([
    ['without auth', {}],
    ['of role client', { role: 'client', auth: 'none' } as const],
    ['that has no other peers', { self: 'http://127.0.0.1:1', auth: 'none' } as const],
  ])('is not begun by a pool %s', async (_what, options) => {
    const { PeerListener, PeerServer } = await import('nestjs-groupcache/peers');
    const { GroupRegistry } = await import('nestjs-groupcache/core');
    const pool = new HttpPool(options);
    const listener = new PeerListener(new PeerServer({ pool, groups: new GroupRegistry() }));
    const { port } = await listener.listen({ port: 0, host: '127.0.0.1' });
    closers.push(() => listener.close());
    await expect(dialRaw(`http://127.0.0.1:${port}`)).rejects.toThrow('404');
  });
});
