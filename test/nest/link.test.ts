import type { INestApplication } from '@nestjs/common';
import { Injectable } from '@nestjs/common';
import { Cached, GroupService, HttpPool } from 'nestjs-groupcache';
import { once } from 'node:events';
import type { Server } from 'node:http';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { deferred } from '../core/deferred.js';
import { closeApps, keyOwnedBy, logged, mounts, ownerAndOther, peer, startApp, startCluster } from './apps.js';

afterEach(closeApps);

@Injectable()
class Rows {
  held: Promise<void> | undefined;
  begun = deferred<void>();

  @Cached('rows')
  async row(key: string): Promise<string> {
    this.begun.resolve();
    await this.held;
    return `row of ${key}`;
  }
}

const rowsOf = (app: INestApplication): Rows => app.get(Rows);

/** Two linked applications. */
async function startLinked(setUp: Parameters<typeof startCluster>[1] = {}): Promise<INestApplication[]> {
  const apps = await startCluster(2, { providers: [Rows], ...setUp });
  // Both dial, and one link of the two stays.
  await vi.waitFor(() => expect(apps.map((app) => app.get(HttpPool).links.size)).toEqual([1, 1]));
  return apps;
}

describe('peers in applications', () => {
  it.each(mounts)('are linked by the server of the application, with mount %j on %s', async (mount, _on, adapter) => {
    const [one, other] = (await startLinked({ adapter, groupcache: { mount } })) as [
      INestApplication,
      INestApplication,
    ];
    const requests = vi.fn();
    (other.getHttpServer() as Server).on('request', requests);
    const key = keyOwnedBy(other, 'another');
    expect(await rowsOf(one).row(key)).toBe(`row of ${key}`);
    expect(requests).not.toHaveBeenCalled();
    expect(other.get(HttpPool).links.size).toBe(1);
  });

  it.each(mounts)('close at once, linked or not, with mount %j on %s', async (mount, _on, adapter) => {
    const apps = await startLinked({ adapter, groupcache: { mount } });
    const startMs = performance.now();
    await apps[0]!.close();
    await apps[1]!.close();
    expect(performance.now() - startMs).toBeLessThan(2_000);
    expect(apps.map((app) => app.get(HttpPool).links.size)).toEqual([0, 0]);
  });

  it('are linked by the port of their own', async () => {
    const apps = await startLinked({ groupcache: { ...peer, listen: { port: 0, host: '127.0.0.1' } } });
    expect(apps.map((app) => app.get(HttpPool).links.size)).toEqual([1, 1]);
  });

  it('send over the link what was running when they leave', async () => {
    const apps = await startLinked();
    const key = 'a row that takes its time';
    const [owner, other] = ownerAndOther(apps, key);
    const held = deferred<void>();
    rowsOf(owner).held = held.promise;
    rowsOf(owner).begun = deferred<void>();
    const row = rowsOf(other).row(key);
    await rowsOf(owner).begun.promise;

    const leaving = once(other.get(HttpPool).events, 'peerLeaving');
    const closed = owner.close();
    await leaving;
    held.resolve();

    expect(await row).toBe(`row of ${key}`);
    expect(other.get(GroupService).group('rows').stats).toMatchObject({ peerLoads: 1, peerErrors: 0 });
    await closed;
  });

  it('say so, once, where their rings differ', async () => {
    const apps = [
      await startApp({ providers: [Rows], groupcache: peer }),
      await startApp({ providers: [Rows], groupcache: { ...peer, replicas: 51 } }),
    ];
    const pools = apps.map((app) => app.get(HttpPool));
    await vi.waitFor(() => expect(pools.every(({ self }) => self !== undefined)).toBe(true));
    for (const pool of pools) pool.set(...pools.map(({ self }) => self!));
    const [one, other] = pools as [HttpPool, HttpPool];
    // By the ring of the one that asks.
    const keys = Array.from({ length: 1_000 }, (_, number) => String(number));
    await rowsOf(apps[0]!).row(keys.find((key) => one.ownerOf(key) === other.self)!);
    await vi.waitFor(() =>
      expect(logged('warn').filter((message) => message.includes('has another ring'))).toHaveLength(2),
    );
  });
});
