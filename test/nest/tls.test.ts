import { Injectable } from '@nestjs/common';
import { Cached, HttpPool, type GroupcacheOptions } from 'nestjs-groupcache';
import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { tlsCertificates } from '../peers/tls-certificates.js';
import { closeApps, createApp, introduce, logged, startContext } from './apps.js';

afterEach(closeApps);

const { peer, renewed, expired, authority } = tlsCertificates;

/** Peers that certificates alone prove. */
const mutual = {
  self: ({ port }) => `https://127.0.0.1:${port}`,
  listen: { port: 0, host: '127.0.0.1' },
  auth: 'none',
  tls: { ...peer, ca: authority },
} satisfies GroupcacheOptions;

@Injectable()
class SquareService {
  runs = 0;

  @Cached('squares')
  async square(number: number): Promise<number> {
    this.runs++;
    return number * number;
  }
}

describe('GroupcacheModule with tls', () => {
  it('has values loaded once by peers that certificates alone prove', async () => {
    const contexts = [
      await startContext({ groupcache: mutual, providers: [SquareService] }),
      await startContext({ groupcache: mutual, providers: [SquareService] }),
    ];
    introduce(contexts);

    const squares = contexts.flatMap((context) =>
      [1, 2, 3, 4].map((number) => context.get(SquareService).square(number)),
    );

    expect(await Promise.all(squares)).toEqual([1, 4, 9, 16, 1, 4, 9, 16]);
    expect(contexts.reduce((sum, context) => sum + context.get(SquareService).runs, 0)).toBe(4);
    expect([logged('warn'), logged('error')]).toEqual([[], []]);
  });

  it('does not start with a self without https', async () => {
    await expect(
      startContext({ groupcache: { ...mutual, self: ({ port }) => `http://127.0.0.1:${port}` } }),
    ).rejects.toThrow(/Option "self" is "http:.*with "tls", peers are asked by https/);
  });

  it('logs new certificates, and broken ones', async () => {
    const context = await startContext({ groupcache: { ...mutual, tls: { ...mutual.tls, reloadEvery: 10 } } });
    const pool = context.get(HttpPool);

    pool.reloadTls({ ...renewed, ca: authority });
    expect(logged('log').at(-1)).toMatch(/^The files of "tls" are new.*good until 2120-01-01T00:00:00.000Z$/);
    const failed = once(pool.events, 'tlsReloadFailed');
    // As if what the files have had expired.
    vi.spyOn(Date, 'now').mockReturnValue(Date.parse('2121-01-01'));
    await failed;
    vi.restoreAllMocks();

    expect(logged('error').filter((message) => message.includes('tls'))).toEqual([
      expect.stringMatching(
        /^The files of "tls" can't be used, and what was read before stays: .* it has expired on 2120/,
      ),
    ]);
  });

  it('refuses certificates that nobody would be asked for, where nothing else keeps the cache', async () => {
    const { listen, ...withoutPort } = mutual;

    await expect(createApp({ groupcache: withoutPort })).rejects.toThrow(
      /Option "listen" is missing; peers are asked for certificates on a port of their own alone/,
    );
    for (const groupcache of [
      { ...withoutPort, tls: { ...mutual.tls, mutual: false } },
      { ...withoutPort, auth: { secret: 'a secret of the peers' } },
      { ...mutual, listen },
    ]) {
      await expect(createApp({ groupcache })).resolves.toBeDefined();
    }
  });

  it('needs no files where nothing is cached', async () => {
    const tls = { key: { file: '/nowhere' }, cert: { file: '/nowhere' } };

    await expect(createApp({ groupcache: { enabled: false, tls } })).resolves.toBeDefined();
    await expect(
      createApp({ groupcache: { tls: { ...expired, cert: readFileSync(expired.cert.file) } } }),
    ).rejects.toThrow(/has expired/);
  });
});
