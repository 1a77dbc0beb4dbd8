import { once } from 'node:events';
import type { PeerClient, PeerReply } from 'nestjs-groupcache/core';
import { InMemoryNetwork, LocalCluster, peerClientContract, type PeerClientHarness } from 'nestjs-groupcache/testing';
import { describe, expect, it } from 'vitest';

async function overHttp(): Promise<PeerClientHarness> {
  const cluster = await LocalCluster.start(2, { auth: { secret: 'a secret of the peers' } });
  const [asker, server] = cluster.peers;
  return {
    client: asker!.pool.clientFor(server!.url),
    groups: server!.groups,
    stopServing: () => server!.stop(),
    close: () => cluster.close(),
  };
}

async function overLink(): Promise<PeerClientHarness> {
  const cluster = await LocalCluster.start(2, { auth: { secret: 'a secret of the peers' } });
  const [asker, server] = cluster.peers;
  const opened = once(asker!.pool.events, 'linkOpened');
  const key = Array.from({ length: 100 }, (_, index) => String(index)).find((one) => cluster.ownerOf(one) === server)!;
  await expect(ask(asker!.pool.pickPeer(key)!, key)).rejects.toThrow(/unknown-group/);
  await opened;
  return {
    // Over the link alone: a `LinkedPeerClient` would ask by GET without one.
    client: {
      url: server!.url,
      get: (request) => asker!.pool.links.to(server!.url)?.get(request) ?? lost(),
      ask: (request, answer) => asker!.pool.links.to(server!.url)!.ask(request, answer),
    },
    groups: server!.groups,
    stopServing: () => server!.stop(),
    close: () => cluster.close(),
  };
}

const lost = (): Promise<never> => Promise.reject(new Error('there is no link'));
const ask = (client: PeerClient, key: string): Promise<PeerReply> =>
  client.get({ group: 'none', key, timeoutMs: 1_000, signal: new AbortController().signal });

async function inMemory(): Promise<PeerClientHarness> {
  const network = new InMemoryNetwork();
  const { groups } = network.addPeer('memory:server');
  return {
    client: network.clientFor('memory:server'),
    groups,
    stopServing: async () => network.cut('memory:server'),
    close: async () => groups.close(),
  };
}

describe('HttpPeerClient, as a PeerClient', () => {
  for (const { name, run } of peerClientContract(overHttp)) it(name, run);
});

describe('PeerLink, as a PeerClient', () => {
  for (const { name, run } of peerClientContract(overLink)) it(name, run);
});

describe('InMemoryNetwork.clientFor, as a PeerClient', () => {
  for (const { name, run } of peerClientContract(inMemory)) it(name, run);
});
