import { once } from 'node:events';
import { PeerError, textCodec } from 'nestjs-groupcache/core';
import { LocalCluster, type LocalPeer } from 'nestjs-groupcache/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { linkRaw, secret, type RawLink } from './raw-link.js';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const close of closers.splice(0).toReversed()) await close();
});

const self = 'http://10.0.0.1:3000';
const beat = (): unknown => vi.advanceTimersByTime(250);

/** A peer and the other end of a link to it, with a heart that beats by hand. */
async function startLinked(autoPong: boolean): Promise<[LocalPeer, RawLink]> {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const cluster = await LocalCluster.start(1, { auth: { secret } });
  closers.push(() => cluster.close());
  const peer = cluster.peers[0]!;
  peer.groups.define('prices', (key) => `<${key}>`, { codec: textCodec });
  peer.pool.set(peer.url, self);
  const opened = once(peer.pool.events, 'linkOpened');
  const link = await linkRaw({ url: self, to: peer.url }, { autoPong });
  await opened;
  return [peer, link];
}

/** Resolves once the peer has read all that was sent to it. */
async function isRead(link: RawLink): Promise<void> {
  link.socket.ping();
  await once(link.socket, 'pong');
}

describe('the heartbeat of a link', () => {
  it('cuts off after three silent beats one that answers no pings, and fails what was asked there', async () => {
    const [peer, link] = await startLinked(false);
    const asked = peer.pool.links
      .to(self)!
      .get({ group: 'prices', key: 'ACME', timeoutMs: 60_000, signal: new AbortController().signal });
    const failed = expect(asked).rejects.toThrow(PeerError);
    await link.until(({ kind }) => kind === 'get');

    beat();
    for (let pings = 0; pings < 2; pings++) {
      const pinged = once(link.socket, 'ping');
      beat();
      await pinged;
    }
    expect(peer.pool.links.to(self)?.isOpen).toBe(true);
    beat();

    expect((await link.closed)[0]).toBe(1006);
    await failed;
    expect(peer.pool.links.size).toBe(0);
  });

  it('lets one stay that answers', async () => {
    const [peer, link] = await startLinked(true);

    for (let count = 0; count < 5; count++) {
      const pinged = once(link.socket, 'ping');
      beat();
      beat();
      await pinged;
      await isRead(link);
    }

    expect(peer.pool.links.to(self)?.isOpen).toBe(true);
  });

  it('takes a question for a sign of life', async () => {
    const [peer, link] = await startLinked(false);

    for (let id = 0; id < 5; id++) {
      beat();
      beat();
      link.send((frames) => frames.get(id, 1_000, 'prices', 'ACME'));
      await link.until((frame) => frame.kind === 'value' && frame.id === id);
    }

    expect(peer.pool.links.to(self)?.isOpen).toBe(true);
  });
});
