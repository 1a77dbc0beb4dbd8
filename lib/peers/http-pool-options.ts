import { toBytes, type ByteSize } from '../core/byte-size.js';
import { toMilliseconds, type Duration } from '../core/duration.js';
import { InvalidOptionError } from '../core/errors.js';
import { ringOptions, type RingHash, type RingKind } from '../core/hash-ring.js';
import { plainFailures, type FailureCodec } from './failure-codec.js';
import type { PeerAuthOptions } from './peer-auth.js';
import type { PeerTlsOptions } from './peer-tls.js';
import { MAX_QUESTIONS } from './link/link-questions.js';
import { DEFAULT_BASE_PATH, GET_MAX_KEY_BYTES } from './wire.js';

export interface HttpPoolOptions {
  /**
   * The URL by which the other peers reach this process, exactly as it stands in their lists; or `'later'`: it is given by
   * `join`, and until then this process owns every key. Needed with peers, but for a client.
   */
  readonly self?: string;

  /** `'client'` asks peers and owns nothing; it serves nothing and needs no `self`. Default `'peer'`. */
  readonly role?: 'peer' | 'client';

  /** How peers know each other. Must be said before there is another peer. No default. */
  readonly auth?: PeerAuthOptions;

  /**
   * TLS between peers, whose URLs are then https: what this process shows on its `listen` port and to whom it asks, and by
   * whom the others' certificates must be. Default none; https URLs are then asked with Node's defaults.
   */
  readonly tls?: PeerTlsOptions;

  /** Path under which all peers serve. Default `/_groupcache/`, Go's. */
  readonly basePath?: string;

  /** Which ring all peers use: `'golang'` is Go's, `'balanced'` gives more even shares. Default `'golang'`. */
  readonly ring?: RingKind;

  /** Points of a peer on the ring. Default 50 for `'golang'`, 2,048 for `'balanced'`. */
  readonly replicas?: number;

  /** Another hash than the ring's own, the same at every peer. */
  readonly hash?: RingHash;

  /**
   * Whether peers that can are asked over one long-lived connection, instead of a GET for each question. Default true; at
   * peers that can't, nothing is different.
   */
  readonly link?: boolean;

  /** Whether Go peers are in the ring: URLs are then hashed as given, and the ring must be Go's. Default false. */
  readonly goPeers?: boolean;

  /** Longest group and key, percent-encoded, that is sent. Default 4 KiB, or 64 KiB where peers have a `listen` port. */
  readonly maxKeyBytes?: ByteSize;

  /** Longest answer that is read from a peer. Default `'64MiB'`. */
  readonly maxResponseBytes?: ByteSize;

  /** Connections to one peer; further questions wait for one. Default 64. */
  readonly maxConnectionsPerPeer?: number;

  /**
   * Questions that this process has open to one peer, over all connections; past them a get fails at once, with an
   * `OverloadedError`, and nothing is loaded here for it. 1 to 65,536. Default 4,096.
   */
  readonly maxRequestsPerPeer?: number;

  /** How long a connection to a peer may take. Default `'1s'`. */
  readonly connectTimeout?: Duration;

  /**
   * For how long after this process has come, or the list has changed, it asks who had a key before for what it holds, before
   * it loads the key. 0: not at all. Default `'1m'`.
   */
  readonly warmTime?: Duration;

  /**
   * How getters' failures cross, the same at every peer. Default `plainFailures`; of the Nest module
   * `httpExceptionFailures`, which may be wrapped to bring errors of one's own back as their classes.
   */
  readonly failures?: FailureCodec;
}

export interface ResolvedHttpPoolOptions {
  readonly self: string | undefined;
  readonly joinsLater: boolean;
  readonly role: 'peer' | 'client';
  readonly auth: PeerAuthOptions | undefined;
  readonly tls: PeerTlsOptions | undefined;
  readonly basePath: string;
  readonly replicas: number;
  readonly hash: RingHash;
  readonly goPeers: boolean;
  readonly link: boolean;
  readonly maxKeyBytes: number;
  readonly maxResponseBytes: number;
  readonly maxConnectionsPerPeer: number;
  readonly maxRequestsPerPeer: number;
  readonly connectTimeoutMs: number;
  readonly warmTimeMs: number;
  readonly failures: FailureCodec;
}

/** Fills in the defaults. Throws an `InvalidOptionError` naming the first option that is not acceptable. */
export function resolveHttpPoolOptions(options: HttpPoolOptions): ResolvedHttpPoolOptions {
  const { role = 'peer', ring = 'golang', goPeers = false, link = true } = options;
  const { maxConnectionsPerPeer = 64, maxRequestsPerPeer = 4_096 } = options;
  if (role !== 'peer' && role !== 'client') {
    throw new InvalidOptionError('role', role, `expected 'peer' or 'client'`);
  }
  if (role === 'client' && options.self !== undefined) {
    throw new InvalidOptionError(
      'self',
      options.self,
      `a pool of role 'client' owns nothing and has no URL; leave it out`,
    );
  }
  if (ring !== 'golang' && ring !== 'balanced') {
    throw new InvalidOptionError('ring', ring, `expected 'golang' or 'balanced'`);
  }
  if (goPeers && ring !== 'golang') {
    throw new InvalidOptionError('ring', ring, `Go peers know only 'golang'; leave it out, or leave out goPeers`);
  }
  if (typeof link !== 'boolean') throw new InvalidOptionError('link', link, 'expected true or false');
  if (!Number.isInteger(maxConnectionsPerPeer) || maxConnectionsPerPeer < 1) {
    throw new InvalidOptionError(
      'maxConnectionsPerPeer',
      maxConnectionsPerPeer,
      'expected a whole number of 1 or more',
    );
  }
  if (!Number.isInteger(maxRequestsPerPeer) || maxRequestsPerPeer < 1 || maxRequestsPerPeer > MAX_QUESTIONS) {
    throw new InvalidOptionError(
      'maxRequestsPerPeer',
      maxRequestsPerPeer,
      `expected a whole number of 1 to ${MAX_QUESTIONS}`,
    );
  }
  const defaults = ringOptions(ring);
  return {
    self: options.self === 'later' ? undefined : options.self,
    joinsLater: options.self === 'later',
    role,
    auth: options.auth,
    tls: options.tls,
    basePath: resolveBasePath(options.basePath),
    replicas: options.replicas ?? defaults.replicas,
    hash: options.hash ?? defaults.hash,
    goPeers,
    link,
    maxKeyBytes: toBytes('maxKeyBytes', options.maxKeyBytes ?? GET_MAX_KEY_BYTES),
    maxResponseBytes: toBytes('maxResponseBytes', options.maxResponseBytes ?? '64MiB'),
    maxConnectionsPerPeer,
    maxRequestsPerPeer,
    connectTimeoutMs: toMilliseconds('connectTimeout', options.connectTimeout ?? '1s'),
    warmTimeMs: options.warmTime === 0 ? 0 : toMilliseconds('warmTime', options.warmTime ?? '1m'),
    failures: options.failures ?? plainFailures,
  };
}

/** `basePath` or Go's. Throws an `InvalidOptionError` unless it is a plain path that begins and ends with a slash. */
export function resolveBasePath(basePath: string = DEFAULT_BASE_PATH): string {
  if (typeof basePath !== 'string' || !/^\/(?:[\w.~-]+\/)+$/.test(basePath) || /\/\.{1,2}\//.test(basePath)) {
    throw new InvalidOptionError(
      'basePath',
      basePath,
      `expected a path of letters, digits and ._~- that begins and ends with "/", such as '/_groupcache/'`,
    );
  }
  return basePath;
}
