import { InMemoryNetwork, LocalCluster, peerClientContract, type PeerClientHarness } from 'nestjs-groupcache/testing';
import { describe, it } from 'vitest';

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

describe('InMemoryNetwork.clientFor, as a PeerClient', () => {
  for (const { name, run } of peerClientContract(inMemory)) it(name, run);
});
