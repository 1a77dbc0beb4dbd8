import type { ByteView } from './byte-view.js';
import type { CacheEntry } from './cache-entry.js';
import type { CacheKind, CacheStats } from './entry-store.js';
import { InvalidKeyError, InvalidOptionError } from './errors.js';
import type { Getter } from './getter.js';
import { GroupInvalidations } from './group-invalidations.js';
import type { GroupOptions } from './group-options.js';
import { createGroupParts, type GroupParts } from './group-parts.js';
import type { GroupStats } from './group-stats.js';
import { asError, HeldValues } from './held-values.js';
import {
  resolveInvalidationOptions,
  type InvalidationOptions,
  type InvalidationResult,
  type SetResult,
} from './invalidation-result.js';
import { OwnLoads } from './own-loads.js';
import { PeerLoads } from './peer-loads.js';
import { isMovable } from './moved-values.js';
import type { PeerReply, PeerValue } from './peer-picker.js';
import { StaleValues, type Renewal } from './stale-values.js';
import { checkValueBytes } from './value-limits.js';

/** Keys that one `getMany` has under way at a time: fewer than may be asked of one peer. */
const KEYS_AT_A_TIME = 1_000;

export interface GetOptions {
  /** Ends this caller's wait, alone: the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** How many loads there are at a time. */
export interface LoadGauge {
  /** Runs of the getter: `maxConcurrentLoads` at most. */
  readonly running: number;
  /** Loads that wait for one of them to end: `maxQueuedLoads` at most. */
  readonly queued: number;
}

/**
 * A cache namespace and the loader of its values, spread over the peers: Go's `Group`.
 *
 * `get` looks into the main cache (keys that this process owns) and the hot cache (copies of others' keys). On a miss the
 * key's owner loads it, once in the whole cluster, and everyone who asks meanwhile shares that load.
 *
 * Peers whose lists disagree cannot wait for each other in a ring: flights that ask a peer may wait on own flights, own
 * flights only on the getter, and `serve` only ever starts own ones.
 */
export class Group<Value> {
  readonly #parts: GroupParts<Value>;
  readonly #stale: StaleValues<Value>;
  readonly #held: HeldValues<Value>;
  readonly #ownLoads: OwnLoads<Value>;
  readonly #peerLoads: PeerLoads<Value>;
  readonly #invalidations: GroupInvalidations<Value>;

  /**
   * Throws an `InvalidOptionError` if the name or an option is not acceptable.
   *
   * `getter` is called at most once at a time per key in this process, and only by the owner of the key while peers
   * can be reached.
   */
  constructor(
    readonly name: string,
    getter: Getter<Value>,
    options: GroupOptions<Value> = {},
  ) {
    const parts = createGroupParts(name, options);
    this.#parts = parts;
    this.#stale = new StaleValues(parts);
    this.#held = new HeldValues(parts, this.#stale);
    this.#ownLoads = new OwnLoads(parts, getter);
    this.#peerLoads = new PeerLoads(parts, this.#ownLoads);
    this.#invalidations = new GroupInvalidations(parts, this.#ownLoads, this.#peerLoads);
  }

  /**
   * The value of `key`, from memory or loaded; `undefined` if there is none.
   *
   * Rejects with what the getter threw (a `LoadFailedError` where it ran in another process), a `LoadTimeoutError`, an
   * `OverloadedError`, or the reason of `options.signal`. A failure is not cached.
   */
  get(key: string, options?: GetOptions): Promise<Value | undefined> {
    const entry = this.#held.get(key, this.#renew);
    if (entry === undefined) return this.#load(key, options?.signal).then((loaded) => this.#held.valueOf(key, loaded));
    try {
      return Promise.resolve(this.#held.valueOf(key, entry));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** The values of `keys`, in their order. Rejects as soon as one of them does. Of very many some are asked for after others. */
  async getMany(keys: readonly string[], options?: GetOptions): Promise<(Value | undefined)[]> {
    const values: (Value | undefined)[] = [];
    for (let start = 0; start < keys.length; start += KEYS_AT_A_TIME) {
      const some = keys.slice(start, start + KEYS_AT_A_TIME);
      for (const value of await Promise.all(some.map((key) => this.get(key, options)))) values.push(value);
    }
    return values;
  }

  /**
   * The value of `key` if it is in this process's memory, and fresh; asks nobody and loads nothing.
   *
   * A use like any other as far as eviction goes, but not counted in `stats`. Throws an `UndecodableValueError` if the
   * codec can't decode what is held.
   */
  peek(key: string): Value | undefined {
    return this.#held.valueOf(key, this.#held.peek(key));
  }

  /**
   * As `get`, but the encoded bytes, without a copy; of another peer's value that is kept here they may be encoded afresh,
   * since what is kept of it is the decoded value.
   */
  getView(key: string, options?: GetOptions): Promise<ByteView | undefined> {
    const entry = this.#held.get(key, this.#renew);
    return entry === undefined
      ? this.#load(key, options?.signal).then((loaded) => this.#held.viewOf(loaded))
      : Promise.resolve(this.#held.viewOf(entry));
  }

  /**
   * Copies the encoded bytes into `target`, as many as fit, and resolves to how many were copied (`undefined` if there is
   * no value): Go's `TruncatingByteSliceSink`.
   */
  getInto(key: string, target: Uint8Array, options?: GetOptions): Promise<number | undefined> {
    return this.getView(key, options).then((view) => view?.copyTo(target));
  }

  /**
   * Takes the value of `key` out of all processes' memories: a get that begins at a peer which has confirmed does not come
   * to what was loaded before. Loads under way answer those who have asked before, and are not kept.
   *
   * Rejects with an `InvalidKeyError`, an `InvalidOptionError`, or, if asked to, a `PartialRemovalError`.
   */
  remove(key: string, options?: InvalidationOptions): Promise<InvalidationResult> {
    return this.removeMany([key], options);
  }

  /** As `remove`, for several keys at once. */
  async removeMany(keys: readonly string[], options?: InvalidationOptions): Promise<InvalidationResult> {
    for (const key of keys) this.#checkKey(key);
    const subjects = keys.map((subject) => ({ kind: 'key', subject }) as const);
    return this.#invalidations.invalidate(subjects, resolveInvalidationOptions(options));
  }

  /** As `remove`, for all values that have this tag by the group's `tags`. Takes constant time, however many there are. */
  async removeByTag(tag: string, options?: InvalidationOptions): Promise<InvalidationResult> {
    if (typeof tag !== 'string' || !tag.isWellFormed()) throw new InvalidOptionError('tag', tag, 'expected a text');
    return this.#invalidations.invalidate([{ kind: 'tag', subject: tag }], resolveInvalidationOptions(options));
  }

  /** As `remove`, for everything in the group. */
  async clear(options?: InvalidationOptions): Promise<InvalidationResult> {
    return this.#invalidations.invalidate([{ kind: 'all', subject: '' }], resolveInvalidationOptions(options));
  }

  /**
   * Gives the owner of `key` its new value, and takes the old one out of all other processes' memories, as `remove` does.
   * Sets and removals of one key that reach its owner have the order in which they do. Where the owner can't be asked, or
   * takes another peer for it, the key is removed, and `stored` is `false`.
   *
   * Rejects as `remove`, and with what the codec throws and a `ValueTooLargeError`.
   */
  async set(key: string, value: Value, options?: InvalidationOptions): Promise<SetResult> {
    this.#checkKey(key);
    if (value === undefined) throw new InvalidOptionError('value', value, 'to take a value away, use remove');
    const resolved = resolveInvalidationOptions(options);
    const { name, options: groupOptions, values } = this.#parts;
    const view = values.encode(value);
    checkValueBytes(name, view, groupOptions.maxValueBytes);
    return this.#invalidations.set(key, view, resolved);
  }

  /** Removes the value of `key` everywhere and loads it anew. Rejects as `remove` and `get`. */
  async refresh(key: string, options?: InvalidationOptions): Promise<Value | undefined> {
    await this.remove(key, options);
    return this.get(key);
  }

  /** Carries out a `set` that a peer has asked for: a removal, if this process takes another one for the owner. */
  async serveSet(key: string, value: ByteView, timeoutMs: number): Promise<SetResult> {
    if (this.#invalidations.owns(key)) return this.#invalidations.setHere(key, value, timeoutMs);
    const options = { timeoutMs, requiresAll: false, afterMs: 0 };
    return { ...(await this.#invalidations.invalidate([{ kind: 'key', subject: key }], options)), stored: false };
  }

  /**
   * Answers a peer's question from memory or by the own getter, never by asking a peer.
   *
   * `options.signal` is read on a miss only. Rejects only with its reason; a failing getter is an answer.
   */
  serve(key: string, options?: GetOptions): Promise<PeerReply> {
    const reply = this.serveFromMemory(key);
    return reply === undefined ? this.serveByLoad(key, options) : Promise.resolve(reply);
  }

  /**
   * Answers a peer that asks for what is in memory alone; `undefined`: nothing good is. What that peer has from now on is no
   * more than a copy here, if it is not this process's any more. Not counted.
   */
  servePeek(key: string): PeerReply | undefined {
    const reply = this.#held.peekReply(key);
    if (reply?.outcome === 'value' && this.#parts.options.peers.pickPeer(key) !== undefined) this.#held.demote(key);
    return reply;
  }

  /**
   * As `servePeek`, where the value is just being loaded by the getter: `answered` is told what comes of that; the function
   * returned is called when the asker does not wait any more. `undefined`: it is not being loaded. Begins nothing.
   */
  servePeekByLoad(key: string, answered: (reply: PeerReply) => void): (() => void) | undefined {
    if (!this.#ownLoads.flights.has(key)) return undefined;
    return this.#ownLoads.board(key, {
      landed: (loaded) => answered(this.#held.replyOf(loaded)),
      crashed: (error) => answered({ outcome: 'failed', error: asError(error) }),
    });
  }

  /** Keeps what a peer that is leaving holds of `key`; `false` if there is something already, or it is of no use here. */
  takeOver(key: string, value: PeerValue): boolean {
    return this.#ownLoads.takeOver(key, value);
  }

  /** What another peer can take over of `key`; `undefined`: nothing. */
  movable(key: string): PeerValue | undefined {
    const reply = this.#held.peekReply(key);
    return isMovable(reply) ? reply : undefined;
  }

  /** Keys in the main cache, those that are asked for most first, roughly. */
  hottestKeys(): string[] {
    return this.#parts.cache.hottestKeys();
  }

  /** Resolves once no load by the getter is under way that has begun before. Loads may begin meanwhile. */
  ownLoadsSettled(): Promise<void> {
    return this.#ownLoads.flights.settled();
  }

  /** The first half of `serve`, without a promise: the answer if it is in memory; else `serveByLoad` must be called. */
  serveFromMemory(key: string): PeerReply | undefined {
    this.#parts.counters.serverRequests++;
    const entry = this.#held.get(key, this.#renewHere);
    return entry === undefined ? undefined : this.#held.replyOf(entry);
  }

  /** The second half of `serve`. */
  serveByLoad(key: string, options?: GetOptions): Promise<PeerReply> {
    this.#parts.counters.loads++;
    const signal = options?.signal;
    return this.#loadHere(key, signal).then(
      (loaded) => this.#held.replyOf(loaded),
      (error: unknown) => {
        if (signal?.aborted) throw error;
        return { outcome: 'failed', error: asError(error) };
      },
    );
  }

  /**
   * As `serveByLoad`, without a promise or a signal: `answered` is called within the end of the load, perhaps before this
   * returns. The function returned is called when the asker does not wait any more; he is not answered then.
   */
  serveByLoadTo(key: string, answered: (reply: PeerReply) => void): () => void {
    this.#parts.counters.loads++;
    const guest = {
      landed: (loaded: CacheEntry | undefined) => answered(this.#held.replyOf(loaded)),
      crashed: (error: unknown) => answered({ outcome: 'failed', error: asError(error) }),
    };
    if (!this.#parts.lifetimes.hasLastResort) return this.#ownLoads.board(key, guest);
    const controller = new AbortController();
    this.#loadHere(key, controller.signal).then(guest.landed, (error: unknown) => {
      if (!controller.signal.aborted) guest.crashed(error);
    });
    return () => controller.abort(new Error('the asking peer does not wait any more'));
  }

  /** Counters so far. */
  get stats(): GroupStats {
    return { ...this.#parts.counters };
  }

  cacheStats(kind: CacheKind): CacheStats {
    return this.#parts.cache.stats(kind);
  }

  /** Loads by the getter in this process, as they are now. */
  get ownLoads(): LoadGauge {
    const { running, queued } = this.#ownLoads.slots;
    return { running, queued };
  }

  /** Bytes of `cacheBytes` in use: what `cacheStats` reports for both caches, overheads and decoded copies. */
  get footprint(): number {
    return this.#parts.cache.footprint;
  }

  /** Drops what this process holds in memory. Loads under way are not touched, and fill it again. */
  dropMemory(): void {
    this.#parts.cache.clear();
  }

  /** Drops all memory and leaves the process's budget. The group can still be asked, and keeps nothing. */
  close(): void {
    this.#parts.sweep.close();
    this.#invalidations.close();
    this.#parts.cache.close();
  }

  /** For those who ask for a value: the owner may have to be asked. */
  readonly #renew: Renewal = (key) => {
    if (this.#ownLoads.flights.has(key) || this.#peerLoads.flights.has(key)) return undefined;
    const peer = this.#parts.options.peers.pickPeer(key);
    return peer === undefined ? this.#ownLoads.load(key, undefined) : this.#peerLoads.load(peer, key, undefined);
  };

  /** For a peer that asks: what it asks for must never be asked of another one. */
  readonly #renewHere: Renewal = (key) =>
    this.#ownLoads.flights.has(key) || this.#parts.options.peers.pickPeer(key) !== undefined
      ? undefined
      : this.#ownLoads.load(key, undefined);

  #load(key: string, signal: AbortSignal | undefined): Promise<CacheEntry | undefined> {
    this.#parts.counters.loads++;
    const flaw = flawOf(key);
    if (flaw !== undefined) return Promise.reject(new InvalidKeyError(this.name, key, flaw));
    const peer = this.#parts.options.peers.pickPeer(key);
    if (peer === undefined) return this.#loadHere(key, signal);
    return this.#stale.orStale(key, (waiting) => this.#peerLoads.load(peer, key, waiting), signal);
  }

  #checkKey(key: unknown): void {
    const flaw = flawOf(key);
    if (flaw !== undefined) throw new InvalidKeyError(this.name, key, flaw);
  }

  #loadHere(key: string, signal: AbortSignal | undefined): Promise<CacheEntry | undefined> {
    return this.#stale.orStale(key, (waiting) => this.#ownLoads.load(key, waiting), signal);
  }
}

function flawOf(key: unknown): string | undefined {
  if (typeof key !== 'string') return `is not a string but ${key === null ? 'null' : `a ${typeof key}`}`;
  return key.isWellFormed()
    ? undefined
    : 'holds a lone surrogate, which UTF-8 does not have: two such keys would be one';
}
