import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { readFileSync } from 'node:fs';
import { InvalidOptionError } from 'nestjs-groupcache/core';
import { HttpPool, type HttpPoolOptions, type PeerTlsOptions } from 'nestjs-groupcache/peers';
import { LocalCluster } from 'nestjs-groupcache/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { localhostCertificate } from './localhost-certificate.js';
import { tlsCertificates } from './tls-certificates.js';
import { askByGet, meet, mutualTls, next, startTlsPeer, type TlsPeer } from './tls-peers.js';

const { authority, otherAuthority, peer, chained, named, unnamed, stranger, expired } = tlsCertificates;

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function start(tls?: PeerTlsOptions | null, options?: HttpPoolOptions): Promise<TlsPeer> {
  const started = await startTlsPeer(tls, options);
  closers.push(() => started.close());
  return started;
}

/** Two peers that know each other. */
async function startTwo(...[one, other]: readonly (PeerTlsOptions | null | undefined)[]): Promise<[TlsPeer, TlsPeer]> {
  const peers: [TlsPeer, TlsPeer] = [await start(one), await start(other)];
  meet(...peers);
  return peers;
}

const QUESTION = 'GET /_groupcache/texts/key HTTP/1.1\r\nhost: peer\r\n';

const pem = ({ file }: { readonly file: string }): string => readFileSync(file, 'utf8');
const material = ({ key, cert }: typeof peer): { key: string; cert: string } => ({ key: pem(key), cert: pem(cert) });

const closeOf = (socket: Socket): Promise<void> => new Promise((resolve) => socket.once('close', () => resolve()));

/** Connects as anybody might, and resolves to what he is answered: nothing, if he is turned away. */
async function intrude(port: number, options: ConnectionOptions): Promise<string> {
  const socket = connectTls({ port, host: '127.0.0.1', ca: pem(authority), ...options });
  let answer = '';
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
  socket.on('error', () => undefined);
  socket.write(`${QUESTION}connection: close\r\n\r\n`);
  await closeOf(socket);
  return answer;
}

/** What `asker` tells of a peer at `url` when a get of a key of that peer fails. */
async function failureOf(asker: TlsPeer, owner: TlsPeer, url = owner.url): Promise<string> {
  asker.pool.set(asker.url, url);
  const failing = next(asker.pool, 'peerFailing');
  const key = Array.from({ length: 100 }, (_, number) => `${number}`).find((text) => asker.pool.ownerOf(text) === url)!;
  expect(await asker.groups.get('texts').get(key)).toBe(`<${key}>`);
  return (await failing).error.message;
}

describe('a pool with tls', () => {
  it('asks peers and is asked by them over mutual TLS, by GET and by link', async () => {
    const cluster = await LocalCluster.start(2, { tls: mutualTls });
    closers.push(() => cluster.close());
    const [one, other] = cluster.peers as [LocalCluster['peers'][0], LocalCluster['peers'][0]];
    for (const { groups } of cluster.peers) groups.define('texts', (key) => `<${key}>`);
    const opened = next(one.pool, 'linkOpened');
    const keys = Array.from({ length: 100 }, (_, number) => `${number}`).filter(
      (key) => one.pool.ownerOf(key) === other.url,
    );

    expect(other.url).toMatch(/^https:/);
    expect(await one.groups.get('texts').get(keys[0]!)).toBe(`<${keys[0]}>`);
    await opened;
    expect(await one.groups.get('texts').get(keys[1]!)).toBe(`<${keys[1]}>`);

    expect(one.groups.get('texts').stats).toMatchObject({ peerLoads: 2, peerErrors: 0, localLoads: 0 });
  });

  it.each([
    ['who shows no certificate', {}],
    ['who shows one by another authority', material(stranger)],
    ['who shows one that has expired', material(expired)],
    [
      'who speaks TLS 1.1',
      { ...material(peer), minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' },
    ],
  ] as const)('answers nothing to %s', async (_who, options) => {
    const [{ port }] = await startTwo();

    expect(await intrude(port, material(peer))).toMatch(/^HTTP\/1.1 200 /);
    expect(await intrude(port, options)).toBe('');
  });

  it('does not take up a session of another time', async () => {
    const [{ port }] = await startTwo();
    const first = connectTls({ port, host: '127.0.0.1', ca: pem(authority), ...material(peer) });
    closers.push(async () => first.destroy());
    first.write(`${QUESTION}\r\n`);
    first.resume();
    const [session] = (await once(first, 'session')) as [Buffer];

    expect(await intrude(port, { session })).toBe('');
  });

  it('believes a certificate for peerName whatever the URL is, and no other', async () => {
    const tls = { ...named, ca: authority, peerName: 'peers.test' };
    const [one, other] = await startTwo(tls, tls);
    const [{ url: unnamedUrl }] = await startTwo({ ...unnamed, ca: authority });

    expect(await askByGet(one, other.url)).toMatchObject({ outcome: 'value' });
    await expect(askByGet(one, unnamedUrl)).rejects.toThrow(/altnames/);
    expect(await intrude(one.port, { ...material(named), servername: 'peers.test' })).toMatch(/^HTTP\/1.1 200 /);
    expect(await intrude(one.port, { ...material(unnamed), servername: 'peers.test' })).toBe('');
  });

  it('believes a certificate of an intermediate authority that is with it', async () => {
    const tls = { ...chained, ca: authority };
    const [one, other] = await startTwo(tls, tls);

    expect(await askByGet(one, other.url)).toMatchObject({ outcome: 'value' });
    expect(() => new HttpPool({ tls: { ...tls, cert: pem(chained.cert).split(/(?=-----BEGIN)/)[0] } })).toThrow(
      /it is not by an authority of "tls.ca"/,
    );
  });

  it('lets everybody in who can reach it, where mutual is false', async () => {
    const tls = { ...mutualTls, mutual: false };
    const [{ port }] = await startTwo(tls, tls);

    expect(await intrude(port, {})).toMatch(/^HTTP\/1.1 200 /);
  });

  it('ends a handshake in which the other side says nothing, on either side', async () => {
    const asker = await start(mutualTls, { connectTimeout: 50 });
    const silent = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    closers.push(async () => silent.close());
    const closed = closeOf(connect(asker.port, '127.0.0.1'));

    await expect(askByGet(asker, `https://127.0.0.1:${(silent.address() as AddressInfo).port}`)).rejects.toThrow(
      /could not be asked: Connect Timeout Error/,
    );
    await closed;
  });

  it('speaks TLS 1.3 alone, if it is told to', async () => {
    const tls = { ...mutualTls, minVersion: 'TLSv1.3' as const };
    const [one, other] = await startTwo(tls, tls);

    expect(await askByGet(one, other.url)).toMatchObject({ outcome: 'value' });
    expect(await intrude(one.port, { ...material(peer), maxVersion: 'TLSv1.2' })).toBe('');
  });

  it('does not believe anybody because of NODE_TLS_REJECT_UNAUTHORIZED', async () => {
    const [one] = await startTwo();
    const [other] = await startTwo({ ...stranger, ca: otherAuthority });
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    closers.push(async () => delete process.env.NODE_TLS_REJECT_UNAUTHORIZED);

    await expect(askByGet(one, other.url)).rejects.toThrow(/self-signed certificate in certificate chain/);
  });
});

describe('HttpPool.events peerFailing', () => {
  it('says that TLS was spoken to a port of plain HTTP', async () => {
    const [asker, owner] = [await start(), await start(null)];

    expect(await failureOf(asker, owner, owner.url.replace('http', 'https'))).toMatch(
      /can not be reached: wrong version number: it does not speak TLS there; does it expect http\?$/,
    );
  });

  it('asks whether TLS is spoken where plain HTTP was not answered', async () => {
    const [asker, owner] = [await start(null), await start()];

    expect(await failureOf(asker, owner, owner.url.replace('https', 'http'))).toMatch(
      /can not be reached: other side closed before it said anything: does it expect https\?$/,
    );
  });

  it.each([
    ['nothing', { ca: authority }],
    ['what another authority has made', { ...stranger, ca: pem(authority) + pem(otherAuthority) }],
  ])('asks whether its certificate is accepted, of who shows %s', async (_what, tls) => {
    const asker = await start(tls);
    const owner = await start();
    meet(owner, await start());

    expect(await failureOf(asker, owner)).toMatch(
      /can not be reached: other side closed before it said anything: does it accept the certificate of this process\?$/,
    );
  });

  it('says that nobody vouches for a peer', async () => {
    const asker = await start();
    const owner = await start({ ...stranger, ca: otherAuthority });

    expect(await failureOf(asker, owner)).toMatch(/can not be reached: self-signed certificate in certificate chain$/);
  });
});

describe('the options of tls', () => {
  const { key, cert } = peer;
  const HTTPS = 'https://10.0.0.1:3000';

  it.each([
    ['tls.key', { cert }, /is missing; key and cert go together/],
    ['tls.cert', { key }, /is missing; key and cert go together/],
    ['tls.key', { key: unnamed.key, cert }, /unnamed\.key\.pem.*it is not the key of "tls.cert"/],
    ['tls.key', { key: 'no key', cert }, /"\*\*\*"; expected a private key in PEM/],
    ['tls.cert', { key, cert: { file: '/nowhere' } }, /can't be read \(ENOENT\)/],
    ['tls.cert', { key, cert: 'no certificate' }, /expected one certificate or several in PEM/],
    ['tls.cert', expired, /it has expired on 2021-01-01T00:00:00.000Z/],
    ['tls.cert', { ...stranger, ca: authority }, /it is not by an authority of "tls.ca"/],
    ['tls.ca', { ca: 'nonsense' }, /expected one certificate or several in PEM/],
    ['tls.ca', { ca: 5 }, /expected PEM text, or { file }/],
    ['tls.mutual', { key, cert, mutual: true }, /it needs key and cert, to be shown, and ca, to be believed/],
    ['tls.peerName', { peerName: '' }, /expected a DNS name/],
    ['tls.minVersion', { minVersion: 'TLSv1' }, /expected 'TLSv1.2' or 'TLSv1.3'/],
    ['tls.reloadEvery', { reloadEvery: 'soon' }, /soon/],
  ])('are refused by %s', (option, tls, message) => {
    const make = (): HttpPool => new HttpPool({ tls: tls as PeerTlsOptions });

    expect(make).toThrow(message);
    expect(make).toThrow(expect.objectContaining({ option, code: 'GROUPCACHE_INVALID_OPTION' }));
  });

  it('show no key in what is refused', () => {
    const secret = pem(unnamed.key);

    expect(() => new HttpPool({ tls: { key: secret, cert } })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining(secret.slice(30, 60)), value: '***' }),
    );
  });

  it('take a certificate that is its own authority, and PEM text or bytes', () => {
    const own = { key: localhostCertificate.key, cert: Buffer.from(localhostCertificate.cert) };

    expect(new HttpPool({ tls: { ...own, ca: localhostCertificate.cert } }).tls).toMatchObject({ isMutual: true });
  });

  it('want https of this process and of all peers, and of all or none without it', () => {
    const secure = new HttpPool({ self: HTTPS, auth: 'none', tls: { ca: authority } });
    const plain = new HttpPool({ self: 'http://10.0.0.1:3000', auth: 'none' });

    expect(() => new HttpPool({ self: 'http://10.0.0.1:3000', tls: { ca: authority } })).toThrow(
      /Option "self" is "http:.*with "tls", peers are asked by https: expected https:\/\/10\.0\.0\.1:3000/,
    );
    expect(() => secure.set(HTTPS, 'http://10.0.0.2:3000')).toThrow(/Option "peers" is "http:.*asked by https/);
    expect(() => plain.set(plain.self!, 'https://10.0.0.2:3000')).toThrow(
      /Option "peers".*expected https for all peers or for none/,
    );
    expect(() => new HttpPool({ self: 'later', tls: { ca: authority } }).join('http://10.0.0.1')).toThrow(
      InvalidOptionError,
    );
    expect([secure.peers, plain.peers]).toEqual([[], []]);
  });
});
