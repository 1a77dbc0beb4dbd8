import { textCodec } from 'nestjs-groupcache/core';
import { InMemoryNetwork, type InMemoryPeer } from 'nestjs-groupcache/testing';
import { describe, expect, it } from 'vitest';
import { deferred } from '../core/deferred.js';

function startNetwork(...urls: string[]): { network: InMemoryNetwork; peers: InMemoryPeer[]; loads: string[] } {
  const network = new InMemoryNetwork();
  const loads: string[] = [];
  const peers = urls.map((url) => network.addPeer(url, { defaults: { cacheBytes: 0 } }));
  for (const { groups, url } of peers) {
    groups.define('prices', (key) => (loads.push(url), `<${key}>`), { codec: textCodec });
  }
  return { network, peers, loads };
}

const get = ({ groups }: InMemoryPeer, key = 'ACME'): Promise<unknown> => groups.get('prices').get(key);

describe('InMemoryNetwork', () => {
  it('loads a key at its owner, whoever asks', async () => {
    const { network, peers, loads } = startNetwork('one', 'two', 'three');
    expect(await Promise.all(peers.map((peer) => get(peer)))).toEqual(Array(3).fill('<ACME>'));
    expect(new Set(loads)).toEqual(new Set([network.ownerOf('ACME')]));
    expect(network.questions).toBe(2);
  });

  it('has no owner without peers', () => {
    expect(new InMemoryNetwork().ownerOf('ACME')).toBeUndefined();
  });

  it('lets the others load while a peer is cut, and asks it again once it is mended', async () => {
    const { network, peers, loads } = startNetwork('one', 'two');
    const owner = network.ownerOf('ACME')!;
    const other = peers.find(({ url }) => url !== owner)!;
    network.cut(owner);
    expect(await get(other)).toBe('<ACME>');
    network.mend(owner);
    expect(await get(other)).toBe('<ACME>');
    expect(loads).toEqual([other.url, owner]);
    expect(other.groups.get('prices').stats).toMatchObject({ peerErrors: 1, peerLoads: 1, localLoads: 1 });
  });

  it('answers though each of two peers takes the other for the owner', async () => {
    const { network, peers, loads } = startNetwork('one', 'two');
    network.setList('one', ['two']);
    network.setList('two', ['one']);
    expect(await Promise.all(peers.map((peer) => get(peer)))).toEqual(['<ACME>', '<ACME>']);
    expect(loads.toSorted()).toEqual(['one', 'two']);
    expect(network.questions).toBe(2);
  });

  it('can not be asked for a peer or a group that is not there', async () => {
    const { network } = startNetwork('one');
    const request = { group: 'other', key: 'ACME', timeoutMs: 1_000, signal: new AbortController().signal };
    await expect(network.clientFor('nobody').get(request)).rejects.toThrow('Peer nobody can not be reached');
    await expect(network.clientFor('one').get(request)).rejects.toThrow('does not know group "other"');
  });

  it('gives a question up after its timeoutMs, and tells the load (it once waited for the load)', async () => {
    const network = new InMemoryNetwork();
    const abandoned = deferred<void>();
    network.addPeer('one').groups.define('slow', (_key, { signal }) => {
      signal.addEventListener('abort', () => abandoned.resolve());
      return new Promise<string>(() => undefined);
    });
    const request = { group: 'slow', key: 'ACME', timeoutMs: 20, signal: new AbortController().signal };
    await expect(network.clientFor('one').get(request)).rejects.toThrow('did not answer within 20 ms');
    await abandoned.promise;
  });
});
