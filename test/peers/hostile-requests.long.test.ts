import { PeerAuth } from 'nestjs-groupcache/peers';
import { afterEach, describe, expect, it } from 'vitest';
import { startPeerProcess, type PeerProcess, type PeerProcessOptions } from '../cluster/peer-process.js';
import { attack, type Toll } from './hostile-requests.js';
import { ask, valueIn } from './raw-http.js';

const SECRET = 'a secret of the peers';
const TENTHS = 10;

const running: PeerProcess[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((peer) => peer.stop('SIGKILL')));
});

async function startVictim(options: PeerProcessOptions): Promise<PeerProcess> {
  const peer = await startPeerProcess({ ...options, pool: { auth: { secret: SECRET } } });
  running.push(peer);
  await peer.set(peer.url, 'http://127.0.0.1:1');
  return peer;
}

/** Attacks by tenths; what became of all, and the memory after each. */
async function besiege(peer: PeerProcess, count: number): Promise<{ tolls: Toll[]; memory: number[] }> {
  const tolls: Toll[] = [];
  const memory: number[] = [];
  for (let tenth = 0; tenth < TENTHS; tenth++) {
    tolls.push(await attack({ url: peer.url, secret: SECRET }, count / TENTHS, tenth));
    memory.push(await peer.memory());
  }
  return { tolls, memory };
}

function expectAllRefused(tolls: readonly Toll[], count: number): void {
  const statuses = tolls.flatMap((toll) => [...toll.statuses]);
  expect(statuses.filter(([status]) => status < 400 || status > 599)).toEqual([]);
  const answered = statuses.reduce((total, [, times]) => total + times, 0);
  expect(answered + tolls.reduce((total, { closed }) => total + closed, 0)).toBe(count);
}

async function expectToServe(peer: PeerProcess): Promise<void> {
  const target = '/_groupcache/prices/ACME';
  const headers = new PeerAuth({ secret: SECRET }).sign({ method: 'GET', peer: peer.url, target });
  const answer = await ask(peer.url, target, { headers });
  expect([answer.status, valueIn(answer.body)]).toEqual([200, 'value of ACME']);
  expect((await peer.stats()).serverRequests).toBe(1);
  expect(peer.complaints()).toBe('');
}

describe('PeerServer under hostile requests', () => {
  it('answers or closes each of 100,000, and keeps its memory', async () => {
    const peer = await startVictim({});
    const { tolls, memory } = await besiege(peer, 100_000);
    expectAllRefused(tolls, 100_000);
    await expectToServe(peer);
    expect(memory.at(-1)! / memory[0]!, `bytes after each tenth: ${memory.join(', ')}`).toBeLessThan(1.05);
    console.info(`memory after each tenth: ${memory.map((bytes) => (bytes / 2 ** 20).toFixed(2)).join(' ')} MiB`);
  });

  it.each(['express', 'fastify'] as const)(
    'answers or closes each of 5,000 in a Nest application on %s',
    async (adapter) => {
      const peer = await startVictim({ fixture: 'nest-peer', adapter });
      const { tolls, memory } = await besiege(peer, 5_000);
      expectAllRefused(tolls, 5_000);
      await expectToServe(peer);
      console.info(`${adapter}: ${memory.map((bytes) => (bytes / 2 ** 20).toFixed(2)).join(' ')} MiB`);
    },
  );
});
