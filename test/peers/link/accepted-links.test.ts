import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { InvalidationLog } from 'nestjs-groupcache/core';
import { PeerAuth } from 'nestjs-groupcache/peers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { plainFailures } from '../../../lib/peers/failure-codec.js';
import { PeerLinks, type LinkHost } from '../../../lib/peers/link/peer-links.js';
import { dialRaw, linkRaw, secret } from './raw-link.js';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const ignore = (): void => undefined;

/** A peer that takes links, `maxAccepted` at a time, and answers nothing on them. */
async function startAcceptor(maxAccepted: number): Promise<{ url: string; links: PeerLinks }> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const host: LinkHost = {
    isLinking: true,
    role: 'peer',
    membership: () => ({ self: url, peers: [url], hasPeers: true }),
    auth: new PeerAuth({ secret }),
    tls: undefined,
    bootId: 'acceptor',
    basePath: '/_groupcache/',
    failures: plainFailures,
    invalidations: new InvalidationLog('acceptor'),
    dial: ignore,
    maxResponseBytes: 1_024,
    connectTimeoutMs: 1_000,
    ringDigest: () => 'ring',
    introduction: () => ({}),
    onLinkOpened: ignore,
    onCaughtUp: ignore,
    onDialFailed: ignore,
    onShare: ignore,
    onStalled: ignore,
    onLinkClosed: ignore,
    onRingDiffers: ignore,
    onUrlShared: ignore,
  };
  const links = new PeerLinks(host, maxAccepted);
  server.on('upgrade', (request, socket, head) => links.accept(request, socket, head));
  closers.push(async () => {
    links.cut();
    await links.close(1_000);
    server.close();
    await once(server, 'close');
  });
  return { url, links };
}

describe('PeerLinks.accept, with as many links as it takes', () => {
  it('refuses one more by 503, also a client, and keeps those that it has', async () => {
    const { url, links } = await startAcceptor(2);
    const held = [await linkRaw({ to: url }), await linkRaw({ to: url })];

    await expect(linkRaw({ to: url })).rejects.toThrow(/503/);

    expect(links.size).toBe(2);
    expect(held.map(({ socket }) => socket.readyState === socket.OPEN)).toEqual([true, true]);
  });

  it('takes one again once one has closed', async () => {
    const { url, links } = await startAcceptor(1);
    const first = await linkRaw({ to: url });
    await expect(linkRaw({ to: url })).rejects.toThrow(/503/);

    first.socket.terminate();
    await vi.waitFor(() => expect(links.size).toBe(0));

    await linkRaw({ to: url });
    expect(links.size).toBe(1);
  });

  it('counts those that have proven nothing yet, so that they cannot go past it together', async () => {
    const { url } = await startAcceptor(2);
    await dialRaw(url);
    await dialRaw(url);

    await expect(dialRaw(url)).rejects.toThrow(/503/);
  });
});
