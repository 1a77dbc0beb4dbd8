import { textCodec } from 'nestjs-groupcache/core';
import { LocalCluster, type LocalPeer } from 'nestjs-groupcache/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { frameTypes } from '../../lib/peers/link/frames.js';
import { dialRaw, helloOf, linkRaw, secret } from './link/raw-link.js';
import { ask } from './raw-http.js';
import { httpAnswer, startScriptedPeer, type Script, type ScriptedPeer } from './scripted-peer.js';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function startScripted(script: Script): Promise<ScriptedPeer> {
  const peer = await startScriptedPeer(script);
  closers.push(() => peer.close());
  return peer;
}

/** A listener that nobody has listed. */
const startTrap = (): Promise<ScriptedPeer> => startScripted((socket) => socket.end());

async function startPeers(count: number): Promise<LocalPeer[]> {
  const cluster = await LocalCluster.start(count, { auth: { secret } });
  closers.push(() => cluster.close());
  for (const { groups } of cluster.peers) groups.define('texts', (key) => `<${key}>`, { codec: textCodec });
  return [...cluster.peers];
}

/** A key that `url` owns at `peer`. */
const keyOf = ({ pool }: LocalPeer, url: string): string =>
  Array.from({ length: 1_000 }, (_, number) => `${number}`).find((key) => pool.ownerOf(key) === url)!;

describe('a peer', () => {
  it('does not go where a listed peer sends it, by GET or by link', async () => {
    const trap = await startTrap();
    const [peer] = (await startPeers(1)) as [LocalPeer];
    const sender = await startScripted((socket) => socket.write(httpAnswer(307, { location: `${trap.url}/` })));
    peer.pool.set(peer.url, sender.url);
    const key = keyOf(peer, sender.url);

    expect(await peer.groups.get('texts').get(key)).toBe(`<${key}>`);
    await expect(peer.pool.links.opening({ url: sender.url, origin: sender.url, pathPrefix: '' }, 200)).resolves.toBe(
      undefined,
    );

    const upgrades = sender.requests.filter((request) => /^upgrade: websocket/im.test(request));
    expect([sender.requests.length > upgrades.length, upgrades.length > 0]).toEqual([true, true]);
    expect(trap.connections).toBe(0);
  });

  it('neither links to who is not listed, though he has the secret, nor dials what he says that he is', async () => {
    const trap = await startTrap();
    const [peer] = (await startPeers(2)) as [LocalPeer, LocalPeer];
    await vi.waitFor(() => expect(peer.pool.links.size).toBe(1));
    const stranger = await dialRaw(peer.url);

    stranger.send((frames) => frames.other(frameTypes.hello, 0, helloOf({ url: trap.url, to: peer.url })));

    expect(await stranger.closed).toEqual([4403, `${trap.url} is not listed here`]);
    expect([peer.pool.links.size, peer.pool.peers.includes(trap.url), trap.connections]).toEqual([1, false, 0]);
  });

  it('takes no new peers from a client that has the secret', async () => {
    const trap = await startTrap();
    const [peer] = (await startPeers(2)) as [LocalPeer, LocalPeer];
    const before = peer.pool.peers;
    const client = await linkRaw({ to: peer.url });

    client.send((frames) => frames.get(1, 1_000, 'texts', trap.url));
    await client.until(({ kind }) => kind === 'value');

    expect([peer.pool.peers, trap.connections]).toEqual([before, 0]);
    client.socket.terminate();
  });

  it('does not answer a signed request that was meant for another peer', async () => {
    const [asked, other] = (await startPeers(2)) as [LocalPeer, LocalPeer];
    const captured = await startScripted((socket) => socket.end());
    asked.pool.set(asked.url, captured.url);
    await asked.groups.get('texts').get(keyOf(asked, captured.url));
    const [line, ...lines] = captured.requests.find((request) => !/^upgrade:/im.test(request))!.split('\r\n');
    const signed = Object.fromEntries(
      lines.filter((text) => text.startsWith('x-groupcache')).map((text) => text.split(': ') as [string, string]),
    );
    const target = line!.split(' ')[1]!;

    const answer = await ask(other.url, target, { headers: signed });

    expect(Object.keys(signed)).toEqual(expect.arrayContaining(['x-groupcache-signed', 'x-groupcache-signature']));
    expect([answer.status, answer.body]).toEqual([
      401,
      'the signature is wrong: do the secrets agree, and the URL by which this peer is asked?\n',
    ]);
  });

  it('shows nothing of its inside to who may not ask or asks what is nonsense', async () => {
    const [peer] = (await startPeers(2)) as [LocalPeer, LocalPeer];
    const answers = [
      ...(await Promise.all(
        [
          '/_groupcache/texts/key',
          '/_groupcache/%',
          '/_groupcache/',
          '/elsewhere',
          '/_groupcache/../../etc/passwd',
        ].map(async (target) => (await ask(peer.url, target)).body),
      )),
      ...(await Promise.all(
        ['not JSON', 'null', '{"version":1}', '{"version":1,"bootId":{"toString":1}}'].map(async (text) => {
          const link = await dialRaw(peer.url);
          link.send((frames) => frames.other(frameTypes.hello, 0, text));
          return (await link.closed)[1];
        }),
      )),
    ];

    for (const answer of answers) {
      expect(answer).not.toMatch(/\bat .*:\d+|node:|\.[jt]s\b|node_modules|Error|JSON|secret of/);
    }
  });
});
