/** Where Go's HTTPPool is mounted, and ours. */
export const DEFAULT_BASE_PATH = '/_groupcache/';

/** Longest group and key, percent-encoded, that goes into an ordinary server's request line (Node: 16 KiB of header). */
export const GET_MAX_KEY_BYTES = 4 * 1024;

/** The same toward peers that listen on a port of their own, which takes longer headers. */
export const LISTEN_MAX_KEY_BYTES = 64 * 1024;

/** Headers of ours. Go peers ignore them. */
export const headers = {
  /** On every request and answer of ours: the version, then what else is understood, by semicolons. */
  version: 'x-groupcache',
  /** On answers: which process this is, by a random id of its own. */
  bootId: 'x-groupcache-boot-id',
  /** On answers other than 200: which kind of failure, see `FailureMark`. Without it, it is not one of ours. */
  failure: 'x-groupcache-failure',
  /** On answers of `not-found`: milliseconds for which that may be kept. */
  ttl: 'x-groupcache-ttl',
  /** On answers: by origin, the number of the last invalidation that had been applied when it was asked for, see `vectorToHeader`. */
  seen: 'x-groupcache-seen',
  /** On requests: milliseconds that the asker will wait. */
  timeout: 'x-groupcache-timeout',
  /** On requests: `v1;<Unix milliseconds>;<nonce>`, what was signed beside the request. */
  signed: 'x-groupcache-signed',
  /** On requests: the HMAC, base64url. */
  signature: 'x-groupcache-signature',
} as const;

export const PROTOCOL_VERSION = '1';

/**
 * What went wrong, in the `x-groupcache-failure` header.
 *
 * `not-found` and `load` are the getter's word, which goes to the caller, and so does `overloaded`: what is too much for the
 * owner must not be loaded by everybody else. The others are about the question or the peer: the asker loads the key itself.
 */
export type FailureMark =
  | 'not-found'
  | 'load'
  | 'unknown-group'
  | 'bad-request'
  | 'unauthorized'
  | 'overloaded'
  | 'draining'
  | 'behind'
  | 'unanswered'
  /** Of a peek: there is nothing in memory. */
  | 'not-held';
