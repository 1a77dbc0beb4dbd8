import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { GroupRegistry } from 'nestjs-groupcache/core';
import { HttpPool, PeerListener, PeerServer, SelfWatch, type SelfCheck } from 'nestjs-groupcache/peers';
import { ManualClock } from 'nestjs-groupcache/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const OTHER = 'http://127.0.0.1:1';
const ANOTHER_PROCESS = { isSelf: false, problem: expect.stringContaining('another process') };

/** A port that hands each connection on to the port that `target` then says. */
async function startBalancer(target: () => number): Promise<string> {
  const server = createServer((socket) => {
    const other = connect(target(), '127.0.0.1');
    for (const end of [socket, other]) end.on('error', () => undefined);
    socket.pipe(other).pipe(socket);
    socket.once('close', () => other.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Two processes, each behind the same URL. */
async function startShared(): Promise<{ pools: HttpPool[]; answering: { index: number } }> {
  const answering = { index: 0 };
  const ports: number[] = [];
  const url = await startBalancer(() => ports[answering.index]!);
  const pools: HttpPool[] = [];
  for (let count = 0; count < 2; count++) {
    const pool = new HttpPool({ self: url, auth: 'none' });
    const listener = new PeerListener(new PeerServer({ pool, groups: new GroupRegistry() }));
    ports.push((await listener.listen({ port: 0, host: '127.0.0.1' })).port);
    pool.set(url, OTHER);
    pools.push(pool);
    closers.push(
      () => listener.close(),
      () => pool.close(0),
    );
  }
  return { pools, answering };
}

/** A watch whose minutes pass when it is told to. */
function startWatch(pool: HttpPool): {
  changes: SelfCheck[];
  watch: SelfWatch;
  clock: ManualClock;
  round(): Promise<void>;
} {
  const clock = new ManualClock();
  const changes: SelfCheck[] = [];
  const watch = new SelfWatch(pool, { clock, onChange: (check) => changes.push(check) });
  closers.push(() => watch.end());
  const isWaiting = (): Promise<void> => vi.waitFor(() => expect(clock.pending).toBe(1));
  watch.start();
  return {
    changes,
    watch,
    clock,
    async round() {
      await isWaiting();
      clock.advance(75_000);
      await isWaiting();
    },
  };
}

describe('SelfWatch', () => {
  it('tells nothing where this process answers', async () => {
    const { pools } = await startShared();
    const { changes, round } = startWatch(pools[0]!);

    await round();
    await round();

    expect(changes).toEqual([]);
  });

  it('tells once of another process that answers later, and once that it is over', async () => {
    const { pools, answering } = await startShared();
    const { changes, round } = startWatch(pools[0]!);
    await round();

    answering.index = 1;
    await round();
    await round();
    expect(changes).toEqual([ANOTHER_PROCESS]);

    answering.index = 0;
    for (let count = 0; count < 6; count++) await round();
    expect(changes).toEqual([ANOTHER_PROCESS, { isSelf: true }]);
  });

  it('does not take it for over where two processes answer in turn', async () => {
    const { pools, answering } = await startShared();
    const { changes, round } = startWatch(pools[0]!);

    for (let count = 0; count < 12; count++) {
      answering.index = 1 - answering.index;
      await round();
    }

    expect(changes).toEqual([ANOTHER_PROCESS]);
  });

  it('checks about once a minute', async () => {
    const { pools } = await startShared();
    const { clock } = startWatch(pools[0]!);
    const check = vi.spyOn(pools[0]!, 'clientFor');
    await vi.waitFor(() => expect(clock.pending).toBe(1));

    clock.advance(44_999);
    expect(check).toHaveBeenCalledTimes(0);
    clock.advance(30_001);
    expect(check).toHaveBeenCalledTimes(1);
  });

  it('does not check where there is nobody else, since nothing is served then', async () => {
    const { pools, answering } = await startShared();
    const [pool] = pools as [HttpPool];
    const { changes, round } = startWatch(pool);
    await round();
    answering.index = 1;
    pool.set(pool.self!);

    await round();
    expect(changes).toEqual([]);

    pool.set(pool.self!, OTHER);
    await round();
    expect(changes).toEqual([ANOTHER_PROCESS]);
  });

  it('ends, and tells nothing more', async () => {
    const { pools, answering } = await startShared();
    const { changes, watch, clock, round } = startWatch(pools[0]!);
    await round();
    answering.index = 1;
    clock.advance(75_000);

    watch.end();
    watch.start();

    await vi.waitFor(() => expect(pools[0]!.hasPeers).toBe(true));
    expect(clock.pending).toBe(0);
    expect(changes).toEqual([]);
  });
});
