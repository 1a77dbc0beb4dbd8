import type { ByteView } from './byte-view.js';
import type { InvalidationLog } from './invalidation-log.js';
import type { InvalidationResult, SetResult } from './invalidation-result.js';

/** A question to the owner of a key. */
export interface PeerRequest {
  readonly group: string;
  readonly key: string;
  /** Milliseconds that the asker will wait, from now. */
  readonly timeoutMs: number;
  /** Aborts when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  /**
   * Calls `listener` with the reason when `signal` aborts, at once if it has, without making a signal of it: that is what a
   * question costs. Not every asker has it. Called once a question at most.
   */
  onAbort?(listener: (reason: unknown) => void): void;
  /** Only what the peer holds in its memory is asked for: it loads nothing for this. Default no. */
  readonly isPeek?: boolean;
}

/**
 * What the owner said. A getter's failure is an answer: it is thrown to the caller as it is, and nobody else's getter is
 * run.
 */
export type PeerReply = PeerValue | PeerNotFound | { readonly outcome: 'failed'; readonly error: Error };

export interface PeerValue {
  readonly outcome: 'value';
  readonly value: ByteView;
  readonly minuteQps: number;
  /**
   * Milliseconds, from when it is said, that the value may be kept; 0: not at all. Absent: not said; for ever, unless the
   * asker's group says otherwise.
   */
  readonly ttlMs?: number;
  /** By which the value can be removed. Absent: none. */
  readonly tags?: readonly string[];
}

export interface PeerNotFound {
  readonly outcome: 'notFound';
  /** As for a value. Absent: not to be kept. */
  readonly ttlMs?: number;
}

/** Is told what came of a question: exactly one of the two, once. */
export interface PeerAnswer {
  answered(reply: PeerReply): void;
  /** What `PeerClient.get` rejects with. */
  failed(error: unknown): void;
}

/** Asks one peer: Go's `ProtoGetter`. The contract is `testing`'s `peerClientContract`. */
export interface PeerClient {
  /** The peer's URL, as it stands in the ring. */
  readonly url: string;

  /**
   * Resolves to the peer's answer. Any rejection means that the peer could not be asked or did not answer; the key is
   * then loaded by the asking process. Must settle within `request.timeoutMs` and soon after `request.signal` aborts.
   */
  get(request: PeerRequest): Promise<PeerReply>;

  /**
   * As `get`, but tells `answer`, perhaps at once: a promise costs more than all else on the way. Must not throw. It is
   * called in the async context of whoever has asked for the key, and must leave nothing running in it. Default: `get` is
   * called, in nobody's context.
   */
  ask?(request: PeerRequest, answer: PeerAnswer): void;

  /**
   * Has the peer, which owns the key, take a value for it and have that confirmed by all peers. A rejection, or absence,
   * means that it has to be removed instead.
   */
  set?(request: PeerSetRequest): Promise<SetResult>;

  /** Has the peer take over what a process that is leaving holds, and resolves to whether it keeps it. Absent: it does not. */
  takeOver?(entry: PeerEntry): Promise<boolean>;
}

/** What a process that is leaving holds, for who owns it next. */
export interface PeerEntry {
  readonly group: string;
  readonly key: string;
  readonly value: PeerValue;
}

/** A value for the owner of a key. */
export interface PeerSetRequest {
  readonly group: string;
  readonly key: string;
  readonly value: ByteView;
  /** Milliseconds that the owner may wait for the confirmations of others. */
  readonly timeoutMs: number;
}

/** Knows which peer owns a key: Go's `PeerPicker`. Implement it, and `PeerClient`, to bring another transport. */
export interface PeerPicker {
  /** The client of the peer that owns `key`; `undefined` if this process does. Called on every miss; must not throw. */
  pickPeer(key: string): PeerClient | undefined;

  /** Whether this process owns `key` by the list, whoever is away. Default: whether `pickPeer` says so. */
  owns?(key: string): boolean;

  /**
   * Whom to ask for `key` in the place of those of `failed`, URLs, who could not be asked; `undefined`: this process loads
   * it. Default: it does.
   */
  pickSubstitute?(key: string, failed: readonly string[]): PeerClient | undefined;

  /**
   * Who may hold `key` from before it was this process's, the likeliest first: what they hold is asked for before the getter
   * is. Default nobody.
   */
  pickFormerOwners?(key: string): readonly PeerClient[];

  /** Who owns `key` once this process has left; `undefined`: nobody. Default nobody. */
  pickHeir?(key: string): PeerClient | undefined;

  /** Until this process has heard what was removed before it came: loads wait for it. Absent: there is nothing to wait for. */
  readonly meeting?: Promise<void>;

  /** Whether some of the peers know of no removal: Go's do not. Default no. */
  readonly hasGoPeers?: boolean;

  /** What has been removed in this process and in those that it has heard of. Absent: nobody is told of removals. */
  readonly invalidations?: InvalidationLog;

  /** Resolves once all peers have confirmed what this process has invalidated, up to number `seq`, or `timeoutMs` is over. */
  confirm?(seq: number, timeoutMs: number): Promise<InvalidationResult>;
}

/** For a process by itself: it owns every key. Go's `NoPeers`. */
export const noPeers: PeerPicker = { pickPeer: () => undefined };
