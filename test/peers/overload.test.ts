import { once } from 'node:events';
import {
  InvalidOptionError,
  OverloadedError,
  promoteNever,
  textCodec,
  type GroupSettings,
} from 'nestjs-groupcache/core';
import { HttpPool, type FailureCodec } from 'nestjs-groupcache/peers';
import { LocalCluster, type LocalClusterOptions, type LocalPeer } from 'nestjs-groupcache/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { OpenQuestions } from '../../lib/peers/link/open-questions.js';
import { frameTypes } from '../../lib/peers/link/frames.js';
import { deferred } from '../core/deferred.js';
import { linkRaw, secret } from './link/raw-link.js';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function startCluster(options: LocalClusterOptions = {}): Promise<[LocalPeer, LocalPeer]> {
  const cluster = await LocalCluster.start(2, { auth: { secret }, ...options });
  closers.push(() => cluster.close());
  return cluster.peers as unknown as [LocalPeer, LocalPeer];
}

function keysOf(owner: LocalPeer, count: number): string[] {
  const keys: string[] = [];
  for (let number = 0; keys.length < count; number++) {
    if (owner.pool.ownerOf(`key ${number}`) === owner.url) keys.push(`key ${number}`);
  }
  return keys;
}

async function link(one: LocalPeer, other: LocalPeer): Promise<void> {
  const opened = once(one.pool.events, 'linkOpened');
  one.pool.links.want({ url: other.url, origin: other.url, pathPrefix: '' });
  await opened;
}

/** A codec that says nothing of what an error was. */
const silent: FailureCodec = {
  encode: () => ({ name: 'Failure', message: 'it failed' }),
  decode: ({ message }) => new Error(message),
};

const settings: GroupSettings<string> = { codec: textCodec, promote: promoteNever };

describe('a stampede at two peers', () => {
  it.each([
    ['links', true],
    ['GET', false],
  ])(
    'never has more getter runs than maxConcurrentLoads in a process, by %s, and leaves nothing',
    async (_by, isLinked) => {
      const peers = await startCluster({ link: isLinked });
      const running = new Map<string, number>();
      let most = 0;
      let runs = 0;
      for (const { groups, url } of peers) {
        groups.define(
          'prices',
          async (key) => {
            const now = (running.get(url) ?? 0) + 1;
            running.set(url, now);
            most = Math.max(most, now);
            runs++;
            await new Promise((resolve) => setImmediate(resolve));
            running.set(url, running.get(url)! - 1);
            return `<${key}>`;
          },
          { ...settings, maxConcurrentLoads: 50 },
        );
      }
      if (isLinked) await link(...peers);
      const keys = Array.from({ length: 5_000 }, (_, index) => `key ${index}`);

      const values = await Promise.all(peers.map(({ groups }) => groups.get<string>('prices').getMany(keys)));

      for (const got of values) expect(got).toEqual(keys.map((key) => `<${key}>`));
      expect([most, runs]).toEqual([50, 5_000]);
      for (const { groups, pool } of peers) {
        expect(groups.get('prices').ownLoads).toEqual({ running: 0, queued: 0 });
        expect(groups.get('prices').stats).toMatchObject({ overloaded: 0, peerErrors: 0 });
        for (const url of pool.peers) expect(pool.links.to(url)?.openQuestions ?? 0).toBe(0);
      }
    },
    30_000,
  );
});

describe('an owner that is overloaded', () => {
  it.each([
    ['links', true],
    ['GET', false],
  ])('is an OverloadedError to its askers, by %s and whichever codec there is', async (_by, isLinked) => {
    const [owner, asker] = await startCluster({ link: isLinked, failures: silent });
    const load = deferred<string>();
    const begun: string[] = [];
    for (const { groups } of [owner, asker]) {
      groups.define('prices', (key) => (begun.push(key), load.promise), {
        ...settings,
        maxConcurrentLoads: 1,
        maxQueuedLoads: 0,
      });
    }
    if (isLinked) await link(asker, owner);
    const [first, second] = keysOf(owner, 2) as [string, string];
    const running = owner.groups.get('prices').get(first);

    const refused = asker.groups.get('prices').get(second);

    await expect(refused).rejects.toBeInstanceOf(OverloadedError);
    await expect(refused).rejects.toMatchObject({ group: 'prices', peer: owner.url, statusCode: 503 });
    expect(begun).toEqual([first]);
    expect(asker.groups.get('prices').stats).toMatchObject({ overloaded: 1, peerErrors: 0, peerLoadErrs: 0 });
    load.resolve('41');
    expect(await running).toBe('41');
  });

  it('keeps a bound against one who opens many questions, and forgets them when he is gone', async () => {
    const [owner] = await startCluster();
    const begun: string[] = [];
    owner.groups.define('slow', (key) => (begun.push(key), new Promise<string>(() => undefined)), {
      ...settings,
      maxConcurrentLoads: 10,
    });
    const raw = await linkRaw({ to: owner.url });
    for (let id = 0; id < 6_000; id++) raw.send((frames) => frames.get(id, 30_000, 'slow', `key ${id}`));

    const refusal = await raw.until(({ id, type }) => id === 5_999 && type === frameTypes.refused);
    expect(refusal.body.toString()).toBe('overloaded');
    expect(begun).toHaveLength(10);
    expect(owner.groups.get('slow').ownLoads).toEqual({ running: 10, queued: 4_086 });
    raw.socket.terminate();

    await vi.waitFor(() => expect(owner.groups.get('slow').ownLoads.queued).toBe(0));
    expect(begun).toHaveLength(10);
  });
});

describe('maxRequestsPerPeer', () => {
  it.each([
    ['links', true],
    ['GET', false],
  ])('refuses what is past it, by %s, and takes again once there is room', async (_by, isLinked) => {
    const [owner, asker] = await startCluster({ link: isLinked, maxRequestsPerPeer: 3, maxConnectionsPerPeer: 2 });
    const load = deferred<string>();
    const begunHere: string[] = [];
    owner.groups.define('prices', () => load.promise, settings);
    asker.groups.define('prices', (key) => (begunHere.push(key), 'here'), settings);
    if (isLinked) await link(asker, owner);
    const keys = keysOf(owner, 4);
    const group = asker.groups.get('prices');
    const asked = keys.slice(0, 3).map((key) => group.get(key));

    await expect(group.get(keys[3]!)).rejects.toMatchObject({ code: 'GROUPCACHE_OVERLOADED', peer: owner.url });
    load.resolve('41');

    expect(await Promise.all(asked)).toEqual(['41', '41', '41']);
    expect(await group.get(keys[3]!)).toBe('41');
    expect(begunHere).toEqual([]);
    expect(group.stats).toMatchObject({ overloaded: 1, peerErrors: 0, localLoads: 0 });
  });

  it('counts what was given up while it waited for a connection, until it has left', async () => {
    const [owner, asker] = await startCluster({ link: false, maxRequestsPerPeer: 2, maxConnectionsPerPeer: 1 });
    const load = deferred<string>();
    owner.groups.define('prices', () => load.promise, settings);
    asker.groups.define('prices', () => 'here', settings);
    const [first, second, third] = keysOf(owner, 3) as [string, string, string];
    const group = asker.groups.get('prices');
    const running = group.get(first);
    const controller = new AbortController();
    const given = group.get(second, { signal: controller.signal });
    controller.abort(new Error('gone'));
    await expect(given).rejects.toThrow('gone');

    await expect(group.get(third)).rejects.toBeInstanceOf(OverloadedError);
    load.resolve('41');
    await running;

    await vi.waitFor(async () => expect(await group.get(third)).toBe('41'));
  });

  it('counts those on links before this one, and all together', () => {
    const http = { openRequests: 1 };
    const [former, present] = [{ openQuestions: 2 }, { openQuestions: 0 }];
    const open = new OpenQuestions(http, 4);
    expect(open.hasRoomOn(former)).toBe(true);
    present.openQuestions = 1;
    expect(open.hasRoomOn(present)).toBe(false);
    former.openQuestions = 1;
    expect(open.hasRoomOn(present)).toBe(true);
    http.openRequests = 2;
    expect(open.hasRoomOn(present)).toBe(false);
  });

  it.each([0, 1.5, 65_537, Number.POSITIVE_INFINITY])('is not %d', (maxRequestsPerPeer) => {
    expect(() => new HttpPool({ maxRequestsPerPeer })).toThrow(InvalidOptionError);
  });
});
