import { readFileSync } from 'node:fs';
import { InvalidOptionError } from 'nestjs-groupcache/core';
import { PeerAuth, type PeerAuthOptions, type SignedRequest } from 'nestjs-groupcache/peers';
import { describe, expect, it } from 'vitest';

interface Vector {
  readonly secret: string;
  readonly peer: string;
  readonly target: string;
  readonly 'x-groupcache-signed': string;
  readonly 'x-groupcache-signature': string;
}

const page = readFileSync(new URL('../../docs/wire.md', import.meta.url), 'utf8');
const vectors = JSON.parse(/### Test vectors[^`]*`GET`[^`]*```json\n([^`]*)```/.exec(page)![1]!) as Vector[];

const NOW = 1_700_000_000_000;
const OLD = 'the secret of last year';
const NEW = 'the secret of this year';
const request: SignedRequest = { method: 'GET', peer: 'http://10.0.0.5:3000', target: '/_groupcache/prices/ACME' };

const lookup =
  (headers: Record<string, string>) =>
  (name: string): string | undefined =>
    headers[name];

function refusal(
  options: PeerAuthOptions,
  headers: Record<string, string>,
  asked: SignedRequest = request,
): string | undefined {
  return new PeerAuth(options).refusal(asked, lookup(headers), NOW);
}

describe('PeerAuth', () => {
  it('has test vectors in docs/wire.md', () => {
    expect(vectors.length).toBeGreaterThanOrEqual(3);
  });

  it.each(vectors.map((vector) => [vector.target, vector] as const))(
    'signs and accepts the vector of docs/wire.md for %s',
    (_name, { secret, peer, target, ...headers }) => {
      const auth = new PeerAuth({ secret });
      const [, time, nonce] = headers['x-groupcache-signed'].split(';');
      expect(auth.sign({ method: 'GET', peer, target }, Number(time), nonce)).toEqual(headers);
      expect(auth.refusal({ method: 'GET', peer, target }, lookup(headers), Number(time))).toBeUndefined();
    },
  );

  it('accepts what it signed, with a nonce of its own each time', () => {
    const auth = new PeerAuth({ secret: NEW });
    const [one, other] = [auth.sign(request), auth.sign(request)];
    expect(one['x-groupcache-signed']).not.toBe(other['x-groupcache-signed']);
    expect(auth.refusal(request, lookup(one))).toBeUndefined();
    expect(auth.refusal(request, lookup(other))).toBeUndefined();
  });

  it.each([
    ['another method', { ...request, method: 'HEAD' }],
    ['another peer', { ...request, peer: 'http://10.0.0.6:3000' }],
    ['another target', { ...request, target: '/_groupcache/prices/ACMF' }],
    ['the same key spelled otherwise', { ...request, target: '/_groupcache/prices/%41CME' }],
    ['a query added', { ...request, target: `${request.target}?a` }],
  ])('refuses a signature for %s', (_name, asked) => {
    const headers = new PeerAuth({ secret: NEW }).sign(request, NOW);
    expect(refusal({ secret: NEW }, headers, asked)).toMatch(/the signature is wrong/);
  });

  it('refuses another time or nonce than what was signed', () => {
    const headers = new PeerAuth({ secret: NEW }).sign(request, NOW, 'nonce');
    for (const signed of [`v1;${NOW + 1};nonce`, `v1;${NOW};nonc`, `v1;0${NOW};nonce`]) {
      expect(refusal({ secret: NEW }, { ...headers, 'x-groupcache-signed': signed })).toMatch(/the signature is wrong/);
    }
  });

  it.each([
    [-30_000, true],
    [30_000, true],
    [-30_001, false],
    [30_001, false],
  ])('takes a signature made %d ms away: %s', (away, isTaken) => {
    const headers = new PeerAuth({ secret: NEW }).sign(request, NOW + away);
    expect(refusal({ secret: NEW }, headers)).toEqual(
      isTaken ? undefined : expect.stringMatching(/too old, or the clocks differ/),
    );
  });

  it('signs by the first of several secrets and accepts each', () => {
    const rotating: PeerAuthOptions = { secrets: [NEW, OLD] };
    const [before, meanwhile, after] = [{ secret: OLD }, rotating, { secret: NEW }].map((options) =>
      new PeerAuth(options).sign(request, NOW),
    );
    expect(refusal(rotating, before!)).toBeUndefined();
    expect(refusal(rotating, meanwhile!)).toBeUndefined();
    expect(refusal(rotating, after!)).toBeUndefined();
    expect(refusal({ secret: NEW }, meanwhile!)).toBeUndefined();
    expect(refusal({ secret: OLD }, meanwhile!)).toMatch(/the signature is wrong/);
    expect(refusal({ secret: NEW }, before!)).toMatch(/the signature is wrong/);
  });

  it('refuses an unsigned request, unless it is told to accept it', () => {
    expect(refusal({ secret: NEW }, {})).toMatch(/is not signed/);
    expect(refusal({ secret: NEW, acceptUnsigned: true }, {})).toBeUndefined();
  });

  it('refuses a wrong signature even where unsigned requests are accepted', () => {
    const headers = new PeerAuth({ secret: OLD }).sign(request, NOW);
    expect(refusal({ secret: NEW, acceptUnsigned: true }, headers)).toMatch(/the signature is wrong/);
  });

  it('signs nothing and accepts everything for "none"', () => {
    const auth = new PeerAuth('none');
    expect(auth.sign(request)).toEqual({});
    expect(auth.refusal(request, lookup({}))).toBeUndefined();
    expect(auth.refusal(request, lookup({ 'x-groupcache-signature': 'whatever' }))).toBeUndefined();
  });

  const good = new PeerAuth({ secret: NEW }).sign(request, NOW, 'nonce');
  it.each([
    ['another version', { 'x-groupcache-signed': `v2;${NOW};nonce` }],
    ['no time', { 'x-groupcache-signed': 'v1' }],
    ['a time that is no number', { 'x-groupcache-signed': 'v1;now;nonce' }],
    ['a time with a sign', { 'x-groupcache-signed': `v1;-${NOW};nonce` }],
    ['a time of 17 digits', { 'x-groupcache-signed': `v1;${'1'.repeat(17)};nonce` }],
    ['no nonce', { 'x-groupcache-signed': `v1;${NOW}` }],
    ['an empty nonce', { 'x-groupcache-signed': `v1;${NOW};` }],
    ['a nonce with a semicolon', { 'x-groupcache-signed': `v1;${NOW};non;ce` }],
    ['two values, as of a header sent twice', { 'x-groupcache-signed': `v1;${NOW};nonce, v1;${NOW};nonce` }],
    ['an empty text', { 'x-groupcache-signed': '' }],
    ['no signature', { 'x-groupcache-signature': undefined }],
    ['a signature alone', { 'x-groupcache-signed': undefined }],
    ['an empty signature', { 'x-groupcache-signature': '' }],
    ['half a signature', { 'x-groupcache-signature': good['x-groupcache-signature']!.slice(0, 20) }],
    ['a signature that goes on', { 'x-groupcache-signature': `${good['x-groupcache-signature']}AAAA` }],
    ['a signature in hex', { 'x-groupcache-signature': 'ab'.repeat(32) }],
  ])('refuses %s', (_name, changed) => {
    const headers = { ...good, ...changed } as Record<string, string>;
    expect(refusal({ secret: NEW }, headers)).toMatch(/the signature is (?:malformed|wrong)/);
  });

  it.each([
    ['no secret', { secret: undefined }],
    ['an empty secret', { secret: '' }],
    ['a secret of 15 bytes', { secret: 'fifteen bytes!!' }],
    ['a secret that is no string', { secret: 12_345_678_901_234_567n }],
    ['no secrets', { secrets: [] }],
    ['one short secret among several', { secrets: [NEW, 'short'] }],
    ['secrets that are no list', { secrets: NEW }],
    ['an empty object', {}],
    ['another word', 'None'],
    ['null', null],
  ])('refuses %s as an option, without repeating it', (_name, options) => {
    const make = (): unknown => new PeerAuth(options as never);
    expect(make).toThrow(InvalidOptionError);
    expect(make).not.toThrow(/fifteen|short/);
  });

  it('takes an explicit undefined for absent (it once hid the other of secret and secrets)', () => {
    expect(() => new PeerAuth({ secret: NEW, secrets: undefined })).not.toThrow();
  });

  it('counts a secret in bytes', () => {
    expect(() => new PeerAuth({ secret: 'ääääääää' })).not.toThrow();
  });
});
