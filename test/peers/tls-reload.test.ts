import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import type { HttpPoolOptions, PeerTlsOptions } from 'nestjs-groupcache/peers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { PeerTls } from '../../lib/peers/peer-tls.js';
import { tlsCertificates } from './tls-certificates.js';
import { askByGet, meet, mutualTls, next, startTlsPeer, type TlsPeer } from './tls-peers.js';

const { authority, otherAuthority, peer, renewed, stranger, expired, unnamed } = tlsCertificates;

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function start(tls: PeerTlsOptions, options?: HttpPoolOptions): Promise<TlsPeer> {
  const started = await startTlsPeer(tls, options);
  closers.push(() => started.close());
  return started;
}

const pem = ({ file }: { readonly file: string }): string => readFileSync(file, 'utf8');
/** Of which the key need not be the certificate's. */
type Certificate = Record<'key' | 'cert', { readonly file: string }>;

const bothAuthorities = pem(authority) + pem(otherAuthority);

/** The serial number of the certificate that `target` shows to a new connection. */
async function serialShownBy(target: TlsPeer): Promise<string> {
  const socket = connectTls({
    port: target.port,
    host: '127.0.0.1',
    ca: bothAuthorities,
    key: pem(peer.key),
    cert: pem(peer.cert),
  });
  await once(socket, 'secureConnect');
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber;
}

const serialOf = ({ cert }: typeof peer): string => new X509Certificate(pem(cert)).serialNumber;

/** A folder of certificates as Kubernetes mounts a secret: files that link into a folder that is replaced as a whole. */
class MountedSecret {
  readonly #folder = mkdtempSync(join(tmpdir(), 'groupcache-tls-'));
  #version = 0;
  readonly tls: PeerTlsOptions;

  constructor(first: Certificate) {
    closers.push(() => rmSync(this.#folder, { recursive: true }));
    this.replace(first);
    const file = (name: string): { file: string } => {
      symlinkSync(join('..data', name), join(this.#folder, name));
      return { file: join(this.#folder, name) };
    };
    this.tls = { key: file('tls.key'), cert: file('tls.crt'), ca: file('ca.crt'), reloadEvery: 10 };
  }

  replace({ key, cert }: Certificate, ca: string = pem(authority)): void {
    const version = `..version-${++this.#version}`;
    mkdirSync(join(this.#folder, version));
    copyFileSync(key.file, join(this.#folder, version, 'tls.key'));
    copyFileSync(cert.file, join(this.#folder, version, 'tls.crt'));
    writeFileSync(join(this.#folder, version, 'ca.crt'), ca);
    symlinkSync(version, join(this.#folder, '..data-next'));
    renameSync(join(this.#folder, '..data-next'), join(this.#folder, '..data'));
  }
}

describe('certificates in files', () => {
  it('are used for new connections once they are replaced, on both sides; the link that is open stays', async () => {
    const secret = new MountedSecret(peer);
    const [one, other] = [await start(secret.tls), await start(mutualTls)];
    meet(one, other);
    // Both dial, and one link of the two stays.
    await vi.waitFor(() => expect([one, other].map(({ pool }) => pool.links.size)).toEqual([1, 1]));
    const openLink = one.pool.links.to(other.url);
    expect(await serialShownBy(one)).toBe(serialOf(peer));

    const reloaded = next(one.pool, 'tlsReloaded');
    secret.replace(renewed);

    expect(await reloaded).toEqual({ expires: new Date('2120-01-01T00:00:00Z') });
    expect(await serialShownBy(one)).toBe(serialOf(renewed));
    expect(await askByGet(one, other.url)).toMatchObject({ outcome: 'value' });
    expect(await askByGet(other, one.url)).toMatchObject({ outcome: 'value' });
    expect([openLink?.isOpen, one.pool.links.to(other.url) === openLink]).toEqual([true, true]);
  });

  it('that are broken are told of, and what was read before goes on', async () => {
    const secret = new MountedSecret(peer);
    const [one, other] = [await start(secret.tls), await start(mutualTls)];
    meet(one, other);

    const failed = next(one.pool, 'tlsReloadFailed');
    secret.replace(expired);

    expect((await failed).error).toMatchObject({ option: 'tls.cert', message: expect.stringContaining('has expired') });
    expect(await serialShownBy(one)).toBe(serialOf(peer));
    expect(await askByGet(one, other.url)).toMatchObject({ outcome: 'value' });
    const reloaded = next(one.pool, 'tlsReloaded');
    secret.replace(renewed);
    await reloaded;
    expect(await serialShownBy(one)).toBe(serialOf(renewed));
  });

  it('are told of once while they are broken, and are looked at no more after the end', () => {
    vi.useFakeTimers();
    closers.push(() => vi.useRealTimers());
    const secret = new MountedSecret(peer);
    const host = { connectTimeoutMs: 1_000, onReloaded: vi.fn(), onReloadFailed: vi.fn() };
    const tls = new PeerTls(secret.tls, host);

    vi.advanceTimersByTime(50);
    expect([host.onReloaded.mock.calls.length, host.onReloadFailed.mock.calls.length]).toEqual([0, 0]);
    secret.replace({ key: peer.key, cert: renewed.cert });
    vi.advanceTimersByTime(50);
    secret.replace(peer);
    vi.advanceTimersByTime(50);
    expect([host.onReloaded.mock.calls.length, host.onReloadFailed.mock.calls.length]).toEqual([0, 1]);
    secret.replace(expired);
    vi.advanceTimersByTime(50);
    expect(host.onReloadFailed.mock.calls.map(([error]) => error.option)).toEqual(['tls.key', 'tls.cert']);

    tls.close();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('HttpPool.reloadTls', () => {
  it('moves a cluster to another authority without a moment in which peers refuse each other', async () => {
    const peers = [await start(mutualTls), await start(mutualTls)] as const;
    const [one, other] = peers;
    meet(one, other);
    const outsider = await start({ ...peer, ca: bothAuthorities });

    for (const material of [
      { ...peer, ca: bothAuthorities },
      { ...stranger, ca: bothAuthorities },
      { ...stranger, ca: otherAuthority },
    ]) {
      for (const { pool } of peers) {
        expect(pool.reloadTls(material)).toBe(true);
        expect(await askByGet(one, other.url)).toMatchObject({ outcome: 'value' });
        expect(await askByGet(other, one.url)).toMatchObject({ outcome: 'value' });
      }
    }

    await expect(askByGet(outsider, one.url)).rejects.toThrow(/does it accept the certificate of this process/);
    await expect(askByGet(one, outsider.url)).rejects.toThrow(/self-signed certificate in certificate chain/);
  });

  it('throws and changes nothing if peers could not accept the new material', async () => {
    const [one, other] = [await start(mutualTls), await start(mutualTls)];
    meet(one, other);

    for (const material of [
      { ...expired, ca: authority },
      { ...stranger, ca: authority },
      { key: unnamed.key, cert: peer.cert, ca: authority },
      { ...renewed, ca: 'nonsense' },
      { ...renewed },
      { ca: authority },
    ]) {
      expect(() => one.pool.reloadTls(material)).toThrow(
        expect.objectContaining({ code: 'GROUPCACHE_INVALID_OPTION', option: expect.stringMatching(/^tls/) }),
      );
    }

    expect(one.pool.reloadTls()).toBe(false);
    expect(await serialShownBy(one)).toBe(serialOf(peer));
    expect(await askByGet(one, other.url)).toMatchObject({ outcome: 'value' });
  });

  it('explains that there is nothing to reload without tls', async () => {
    const one = await startTlsPeer(null);
    closers.push(() => one.close());

    expect(() => one.pool.reloadTls()).toThrow(/Option "tls" is missing; there is nothing to reload/);
  });
});
