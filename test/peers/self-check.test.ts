import { createServer, type RequestListener } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { GroupRegistry } from 'nestjs-groupcache/core';
import { checkSelf, HttpPool, PeerListener, PeerServer } from 'nestjs-groupcache/peers';
import { LocalCluster } from 'nestjs-groupcache/testing';
import { afterEach, describe, expect, it } from 'vitest';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const OTHER = 'http://127.0.0.1:1';

function poolAt(self: string, secret?: string): HttpPool {
  const pool = new HttpPool({ self, auth: secret === undefined ? 'none' : { secret } });
  pool.set(self, OTHER);
  closers.push(() => pool.close(0));
  return pool;
}

async function answeredBy(listener: RequestListener): Promise<HttpPool> {
  const server = createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(async () => {
    server.closeAllConnections();
    server.close();
  });
  return poolAt(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

describe('checkSelf', () => {
  it('finds itself', async () => {
    const cluster = await LocalCluster.start(2, { auth: { secret: 'a secret of the peers' } });
    closers.push(() => cluster.close());
    expect(await checkSelf(cluster.peers[0]!.pool)).toEqual({ isSelf: true });
  });

  it('says that there is no URL yet', async () => {
    expect(await checkSelf(new HttpPool())).toEqual({ isSelf: false, problem: expect.stringContaining('say "self"') });
  });

  it('says that another process answers', async () => {
    const cluster = await LocalCluster.start(2);
    closers.push(() => cluster.close());
    const check = await checkSelf(poolAt(cluster.peers[0]!.url));
    expect(check).toMatchObject({
      isSelf: false,
      problem: expect.stringMatching(/another process.*not a load balancer/),
    });
  });

  it('says that the secret is another one there', async () => {
    const pool = new HttpPool({ auth: { secret: 'a secret of the others' } });
    const listener = new PeerListener(new PeerServer({ pool, groups: new GroupRegistry() }));
    const { port } = await listener.listen({ port: 0, host: '127.0.0.1' });
    const url = `http://127.0.0.1:${port}`;
    pool.join(url);
    pool.set(url, OTHER);
    closers.push(
      () => pool.close(0),
      () => listener.close(),
    );
    expect(await checkSelf(poolAt(url, 'a secret of the peers'))).toMatchObject({
      isSelf: false,
      problem: expect.stringMatching(/refuses the signature/),
    });
  });

  it.each([
    [401, /answered 401 by something in front.*\[Public\(\)\]/],
    [403, /answered 403 by something in front/],
    [404, /answered 404: nothing is mounted there/],
    [429, /answered 429 by a throttler.*SkipThrottle/],
    [200, /answered 200 by something that is not this process/],
    [503, /answered 503 by something that is not this process/],
  ])('says what a %d in the way means', async (status, problem) => {
    const pool = await answeredBy((_request, response) => response.writeHead(status).end());
    const check = await checkSelf(pool);
    expect(check).toEqual({ isSelf: false, problem: expect.stringMatching(problem) });
    expect(check).toMatchObject({ problem: expect.stringContaining(`${pool.self}/_groupcache/`) });
  });

  it('says that nobody can be reached', async () => {
    expect(await checkSelf(poolAt(OTHER))).toMatchObject({
      isSelf: false,
      problem: expect.stringMatching(/can't be reached from here \(.*ECONNREFUSED.*\)/),
    });
  });

  it('ends when nobody answers and its signal aborts', async () => {
    const leaving = new AbortController();
    const pool = await answeredBy(() => leaving.abort(new Error('leaving')));
    expect(await checkSelf(pool, leaving.signal)).toMatchObject({
      isSelf: false,
      problem: expect.stringMatching(/leaving/),
    });
  });

  it('says what is missing where there is no auth', async () => {
    expect(await checkSelf(new HttpPool({ self: OTHER }))).toMatchObject({
      isSelf: false,
      problem: expect.stringMatching(/"auth"/),
    });
  });
});
