import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { PeerAuth, type HttpPoolOptions, type PeerTlsOptions } from 'nestjs-groupcache/peers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { deferred } from '../../core/deferred.js';
import { keyOf, meet, mutualTls, next, startTlsPeer, type TlsPeer } from '../tls-peers.js';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const oneWayTls: PeerTlsOptions = { ...mutualTls, mutual: false };

/** Two peers, the second of which has dialed the first; `dialed` is the first. */
async function startLinked(
  tls: readonly [PeerTlsOptions, PeerTlsOptions],
  options?: HttpPoolOptions,
): Promise<{ dialed: TlsPeer; dialer: TlsPeer }> {
  const [dialed, dialer] = [await startTlsPeer(tls[0], options), await startTlsPeer(tls[1], options)];
  closers.push(dialed.close, dialer.close);
  const dialedWants = vi.spyOn(dialed.pool.links, 'want').mockReturnValue();
  meet(dialed, dialer);
  await vi.waitFor(() => expect([dialed, dialer].map(({ pool }) => pool.links.size)).toEqual([1, 1]));
  dialedWants.mockRestore();
  return { dialed, dialer };
}

describe('a link over mutual TLS', () => {
  it('is asked by both sides without a secret: the certificates prove them', async () => {
    const { dialed, dialer } = await startLinked([mutualTls, mutualTls]);
    const key = keyOf(dialer);

    await vi.waitFor(() => expect(dialed.pool.links.to(dialer.url)?.isDialer).toBe(false));
    expect(await dialed.groups.get('texts').get(key)).toBe(`<${key}>`);
    expect([dialed.pool.links.size, dialer.pool.links.size]).toEqual([1, 1]);
  });

  it('is one of two that crossed', async () => {
    const { dialed, dialer } = await startLinked([mutualTls, mutualTls]);
    dialed.pool.links.want({ url: dialer.url, origin: dialer.url, pathPrefix: '' });

    await vi.waitFor(() => {
      const links = [dialed.pool.links.to(dialer.url), dialer.pool.links.to(dialed.url)];
      expect(links.map((open) => open?.isDialer)).toEqual([dialed.url < dialer.url, dialer.url < dialed.url]);
      expect([dialed.pool.links.size, dialer.pool.links.size]).toEqual([1, 1]);
    });
  });

  it('is given up where the other side does not shake hands', async () => {
    const dialer = await startTlsPeer(mutualTls, { connectTimeout: 50 });
    closers.push(dialer.close);
    const ended = deferred<void>();
    const silent = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('close', () => ended.resolve());
      socket.resume();
    });
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    closers.push(async () => silent.close());
    const url = `https://127.0.0.1:${(silent.address() as AddressInfo).port}`;

    dialer.pool.links.want({ url, origin: url, pathPrefix: '' });

    await ended.promise;
    expect(dialer.pool.links.size).toBe(0);
  });

  it('lets a dialer take part in removals who has no secret yet', async () => {
    const { dialed, dialer } = await startLinked([mutualTls, mutualTls], {
      auth: { secret: 'a secret of the peers', acceptUnsigned: true },
    });
    // As by a process that has no secret.
    vi.spyOn(PeerAuth.prototype, 'prove').mockReturnValue('');
    closers.push(async () => vi.restoreAllMocks());
    const closed = next(dialer.pool, 'linkClosed');
    dialer.pool.links.cut();
    await closed;
    await vi.waitFor(async () => {
      dialer.pool.links.want({ url: dialed.url, origin: dialed.url, pathPrefix: '' });
      expect(dialer.pool.links.to(dialed.url)?.isOpen).toBe(true);
    });
    const key = keyOf(dialed);
    await dialed.groups.get('texts').get(key);

    const result = await dialer.groups.get('texts').remove(key);

    expect(result).toMatchObject({ pending: [] });
    expect(dialed.groups.get('texts').peek(key)).toBeUndefined();
  });

  it.each([
    ['the dialed side', [oneWayTls, mutualTls]],
    ['the dialer', [mutualTls, oneWayTls]],
    ['either side', [oneWayTls, oneWayTls]],
  ] as const)('counts for nothing where %s does not ask for certificates', async (_side, tls) => {
    const { dialed, dialer } = await startLinked([...tls]);
    const key = keyOf(dialer);

    expect(await dialed.groups.get('texts').get(key)).toBe(`<${key}>`);

    // That question went by GET, and has had a link of its own dialed.
    await vi.waitFor(() => expect(dialed.pool.links.to(dialer.url)?.isDialer).toBe(true));
    expect(dialer.pool.links.to(dialed.url)?.isDialer).toBe(true);
    expect([dialed.pool.links.size, dialer.pool.links.size]).toEqual([2, 2]);
  });
});
