import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { InvalidOptionError } from '../core/errors.js';
import { headers } from './wire.js';

/**
 * How peers know each other.
 *
 * A secret, at least 16 bytes of it (`undefined`, as `process.env` gives it, is refused), that all peers share; several of them while a new one is rolled out: the first
 * signs, all are accepted. `acceptUnsigned` lets unsigned requests pass, for the days in which a running cluster is given
 * a secret. `'none'` lets everybody read the cache who can reach the port.
 */
export type PeerAuthOptions =
  | { readonly secret: string | undefined; readonly acceptUnsigned?: boolean }
  | { readonly secrets: readonly string[]; readonly acceptUnsigned?: boolean }
  | 'none';

/** What is signed. */
export interface SignedRequest {
  readonly method: string;
  /** URL of the peer that is asked, as it stands in the ring. */
  readonly peer: string;
  /** The request target as sent: `/_groupcache/prices/ACME`. */
  readonly target: string;
}

const MIN_SECRET_BYTES = 16;
const WINDOW_MS = 30_000;
const SCHEME = 'v1';
/** Reads do not have a body yet; its digest is in the signature all the same. */
const EMPTY_BODY_DIGEST = createHash('sha256').digest('hex');

/**
 * Signs requests to peers and verifies those of peers: HMAC-SHA-256 over method, target peer, target, body digest, time
 * and a nonce. docs/wire.md has the bytes and test vectors.
 *
 * A signature is good for 30 s either way of this process's wall clock and for one peer. It does not hide what is sent,
 * and a captured request can be repeated at that peer while it is good.
 */
export class PeerAuth {
  /** Whether everybody is trusted. */
  readonly isOpen: boolean;
  readonly #secrets: readonly Buffer[];
  readonly #acceptsUnsigned: boolean;

  /** Throws an `InvalidOptionError` for a missing or short secret. */
  constructor(options: PeerAuthOptions) {
    this.#secrets = options === 'none' ? [] : secretsOf(options);
    this.isOpen = options === 'none';
    this.#acceptsUnsigned = options === 'none' || options.acceptUnsigned === true;
  }

  /** The headers that prove `request` to its peer; none if there is no secret. `now` is Unix milliseconds. */
  sign(
    request: SignedRequest,
    now = Date.now(),
    nonce = randomBytes(16).toString('base64url'),
  ): Record<string, string> {
    const secret = this.#secrets[0];
    if (secret === undefined) return {};
    return {
      [headers.signed]: `${SCHEME};${now};${nonce}`,
      [headers.signature]: hmac(secret, request, String(now), nonce).toString('base64url'),
    };
  }

  /**
   * Why `request` is not accepted, or `undefined` if it is. `received` looks up a header of the request.
   */
  refusal(
    request: SignedRequest,
    received: (name: string) => string | undefined,
    now = Date.now(),
  ): string | undefined {
    if (this.#secrets.length === 0) return undefined;
    const signed = received(headers.signed);
    const signature = received(headers.signature);
    if (signed === undefined && signature === undefined) {
      return this.#acceptsUnsigned ? undefined : 'the request is not signed';
    }
    const [scheme, time, nonce, ...rest] = (signed ?? '').split(';');
    if (scheme !== SCHEME || !/^\d{1,16}$/.test(time ?? '') || !nonce || rest.length > 0 || signature === undefined) {
      return 'the signature is malformed';
    }
    if (Math.abs(Number(time) - now) > WINDOW_MS) return 'the signature is too old, or the clocks differ by over 30 s';
    const given = Buffer.from(signature, 'base64url');
    const isGood = this.#secrets.some((secret) => {
      const expected = hmac(secret, request, time!, nonce);
      return given.length === expected.length && timingSafeEqual(given, expected);
    });
    return isGood
      ? undefined
      : 'the signature is wrong: do the secrets agree, and the URL by which this peer is asked?';
  }

  /** The proof of one side of a link, over `lines`; empty if there is no secret. */
  prove(lines: readonly string[]): string {
    const secret = this.#secrets[0];
    return secret === undefined ? '' : linkHmac(secret, lines).toString('base64url');
  }

  /** Why the other side's `proof` over `lines` is not accepted, or `undefined` if it is. */
  refusalOfProof(lines: readonly string[], proof: string): string | undefined {
    if (this.#secrets.length === 0 || (proof === '' && this.#acceptsUnsigned)) return undefined;
    if (proof === '') return 'the link is not signed';
    const given = Buffer.from(proof, 'base64url');
    const isGood = this.#secrets.some((secret) => {
      const expected = linkHmac(secret, lines);
      return given.length === expected.length && timingSafeEqual(given, expected);
    });
    return isGood ? undefined : 'the proof is wrong: do the secrets agree?';
  }
}

function linkHmac(secret: Buffer, lines: readonly string[]): Buffer {
  return createHmac('sha256', secret)
    .update(['groupcache-link-v1', ...lines].join('\n'))
    .digest();
}

function secretsOf(options: Exclude<PeerAuthOptions, 'none'>): Buffer[] {
  if (typeof options !== 'object' || options === null) {
    throw new InvalidOptionError(
      'auth',
      typeof options === 'string' ? '***' : options,
      `expected { secret }, { secrets: [...] } or 'none'`,
    );
  }
  const { secret, secrets: several } = options as { secret?: string; secrets?: readonly string[] };
  const option = several === undefined ? 'auth.secret' : 'auth.secrets';
  const secrets = several ?? [secret];
  if (!Array.isArray(secrets) || secrets.length === 0) {
    throw new InvalidOptionError(
      option,
      typeof secrets === 'string' ? '***' : secrets,
      'expected a list of at least one secret',
    );
  }
  return secrets.map((text: unknown) => {
    if (typeof text !== 'string' || Buffer.byteLength(text) < MIN_SECRET_BYTES) {
      throw new InvalidOptionError(
        option,
        typeof text === 'string' ? '***' : text,
        `expected a string of at least ${MIN_SECRET_BYTES} bytes, such as the output of "openssl rand -base64 32"`,
      );
    }
    return Buffer.from(text);
  });
}

function hmac(secret: Buffer, { method, peer, target }: SignedRequest, time: string, nonce: string): Buffer {
  const text = ['groupcache-v1', method, peer, target, EMPTY_BODY_DIGEST, time, nonce].join('\n');
  return createHmac('sha256', secret).update(text).digest();
}
