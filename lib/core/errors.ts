import type { InvalidationResult } from './invalidation-result.js';

/**
 * The base of every error that this package throws on its own account.
 *
 * Match on `code`, which is stable; messages may be reworded. Messages name groups and peers, never keys or values.
 */
export abstract class GroupcacheError extends Error {
  abstract readonly code: `GROUPCACHE_${string}`;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/**
 * An option is missing, malformed or contradicts another one. Thrown before anything is started, but for what a `ttl`
 * function says: the load fails with it.
 */
export class InvalidOptionError extends GroupcacheError {
  readonly code = 'GROUPCACHE_INVALID_OPTION';

  constructor(
    readonly option: string,
    readonly value: unknown,
    expected: string,
  ) {
    super(`Option "${option}" ${describeOptionValue(option, value)}; ${expected}`);
  }
}

/** A key is not a string, holds a lone surrogate, or is not what the group's arguments encode to. */
export class InvalidKeyError extends GroupcacheError {
  readonly code = 'GROUPCACHE_INVALID_KEY';

  constructor(
    readonly group: string,
    readonly key: unknown,
    reason: string,
  ) {
    super(`Group "${group}" was asked for a key that ${reason}`);
  }
}

/** A key is longer than a peer would accept. Nothing was sent. */
export class KeyTooLongError extends GroupcacheError {
  readonly code = 'GROUPCACHE_KEY_TOO_LONG';

  constructor(
    readonly group: string,
    readonly key: string,
    readonly bytes: number,
    readonly maxBytes: number,
  ) {
    super(
      `Group "${group}" was asked for a key of ${bytes} bytes as sent to a peer; at most ${maxBytes} are accepted. ` +
        `Use a shorter key (a digest, say), or give the peers a "listen" port of their own, which takes longer ones`,
    );
  }
}

/** An argument of a cached method can't be part of a key. Give the group a `key` codec, or pass something else. */
export class UnencodableArgumentError extends GroupcacheError {
  readonly code = 'GROUPCACHE_UNENCODABLE_ARGUMENT';

  constructor(
    readonly method: string,
    readonly path: string,
    reason: string,
  ) {
    super(
      `${method} can't be cached by this call: ${path} ${reason}. ` +
        `Pass a string, a number, a boolean, null, or plain arrays and objects of these, or give @Cached a "key" codec: ` +
        `{ key: { encode: (...args) => string, decode: (key) => args } }`,
    );
  }
}

/** A removal that was to be confirmed by all peers was not in time. It goes on: `result` says whom it has reached. */
export class PartialRemovalError extends GroupcacheError {
  readonly code = 'GROUPCACHE_PARTIAL_REMOVAL';

  constructor(
    readonly group: string,
    readonly result: InvalidationResult,
  ) {
    super(`A removal from group "${group}" was not confirmed in time by ${result.pending.join(', ')}`);
  }
}

/** A getter returned something that the group's codec can't bring back as it was. */
export class UnencodableValueError extends GroupcacheError {
  readonly code = 'GROUPCACHE_UNENCODABLE_VALUE';

  constructor(
    readonly codec: string,
    readonly path: string,
    reason: string,
  ) {
    super(`The ${codec} codec can't carry this result: ${path} ${reason}`);
  }
}

/** Bytes from a cache or a peer could not be turned into a value by the group's codec. */
export class UndecodableValueError extends GroupcacheError {
  readonly code = 'GROUPCACHE_UNDECODABLE_VALUE';

  constructor(
    readonly codec: string,
    options?: ErrorOptions,
  ) {
    super(`The ${codec} codec could not decode the bytes: do all peers use the same codec for this group?`, options);
  }
}

/** A value is larger than the group or a peer accepts. */
export class ValueTooLargeError extends GroupcacheError {
  readonly code = 'GROUPCACHE_VALUE_TOO_LARGE';

  constructor(
    readonly group: string,
    readonly bytes: number,
    readonly maxBytes: number,
  ) {
    super(`A value of group "${group}" has ${bytes} bytes; "maxValueBytes" allows ${maxBytes}`);
  }
}

/** What another process's getter threw, as far as it can travel: an error's name, message and code, never its stack. */
export interface RemoteReason {
  readonly name: string;
  readonly message: string;
  readonly code?: string | number;
}

/** The owner's getter failed, in another process. It is not run again here: the source has been asked and has answered. */
export class LoadFailedError extends GroupcacheError {
  readonly code = 'GROUPCACHE_LOAD_FAILED';

  constructor(
    readonly group: string,
    readonly peer: string,
    readonly reason: RemoteReason,
  ) {
    super(`The load of a key of group "${group}" failed at ${peer}: ${reason.name}: ${reason.message}`);
  }
}

/** A getter did not settle within the group's `loadTimeout`. Its late result is dropped; the next get loads afresh. */
export class LoadTimeoutError extends GroupcacheError {
  readonly code = 'GROUPCACHE_LOAD_TIMEOUT';

  constructor(
    readonly group: string,
    readonly timeoutMs: number,
  ) {
    super(`A load of group "${group}" did not settle within ${timeoutMs} ms ("loadTimeout")`);
  }
}

/**
 * Too much is under way already: loads of the group in this process, or in that of the key's owner, or questions to that
 * owner. Said at once, and nothing was run for it; what is asked for later may have room again.
 *
 * Has what web frameworks go by, Nest among them, so that who was not caught is answered 503. Some show the message to whoever
 * asked: it does not name the peer.
 */
export class OverloadedError extends GroupcacheError {
  readonly code = 'GROUPCACHE_OVERLOADED';
  readonly status = 503;
  readonly statusCode = 503;
  readonly expose = false;

  constructor(
    readonly group: string,
    reason: string,
    /** The owner of the key; `undefined` where it was a load of this process's own. */
    readonly peer?: string,
  ) {
    super(`Group "${group}" is overloaded: ${reason}`);
  }
}

/** Every caller that waited for a load has gone away, so the load was given up. Seen by the getter's signal only. */
export class LoadAbandonedError extends GroupcacheError {
  readonly code = 'GROUPCACHE_LOAD_ABANDONED';

  constructor(readonly group: string) {
    super(`Nobody waits any more for this load of group "${group}"`);
  }
}

/**
 * A peer could not be asked, or its answer was no answer: refused, timed out, closed, malformed, not our protocol.
 *
 * Never reaches a caller of `Group.get`: the key is loaded here instead, and `stats.peerErrors` counts it.
 */
export class PeerError extends GroupcacheError {
  readonly code = 'GROUPCACHE_PEER_FAILED';

  constructor(
    readonly peer: string,
    reason: string,
    options?: ErrorOptions & { readonly status?: number },
  ) {
    super(`Peer ${peer} ${reason}`, options);
    this.status = options?.status;
  }

  /** The HTTP status of an answer that was no answer, where there was one. */
  readonly status: number | undefined;
}

/** A group was asked for by a name under which none is defined in this application. */
export class UnknownGroupError extends GroupcacheError {
  readonly code = 'GROUPCACHE_UNKNOWN_GROUP';

  constructor(
    readonly group: string,
    known: readonly string[],
  ) {
    super(`No group "${group}" is defined${known.length > 0 ? `; there are: ${known.join(', ')}` : ''}`);
  }
}

/** Two getters claim one group name within one application. */
export class DuplicateGroupError extends GroupcacheError {
  readonly code = 'GROUPCACHE_DUPLICATE_GROUP';

  constructor(
    readonly group: string,
    detail = '',
  ) {
    super(`Group "${group}" is defined twice${detail}. A group has one getter: give the other one a name of its own`);
  }
}

/** The pool or group was used after it was closed. */
export class ClosedError extends GroupcacheError {
  readonly code = 'GROUPCACHE_CLOSED';

  constructor(what: string) {
    super(`${what} is closed`);
  }
}

/** `@Cached`, `@CachePut` or `@CacheEvict` stands where it can't work. Thrown at start, with the reason. */
export class UncacheableMethodError extends GroupcacheError {
  readonly code = 'GROUPCACHE_UNCACHEABLE_METHOD';

  constructor(
    readonly method: string,
    reason: string,
    decorator = '@Cached',
  ) {
    super(`${method} can't be ${decorator}: ${reason}`);
  }
}

const secretOptions = /secret/i;

function describeOptionValue(option: string, value: unknown): string {
  if (value === undefined) return 'is missing';
  if (secretOptions.test(option)) return 'is not acceptable';
  if (typeof value === 'function') return 'is a function';
  const text = typeof value === 'string' ? JSON.stringify(value) : safeJson(value);
  return `is ${text.length > 120 ? `${text.slice(0, 117)}...` : text}`;
}

function safeJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  try {
    return JSON.stringify(value) ?? Object.prototype.toString.call(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}
