import { AsyncLocalStorage } from 'node:async_hooks';
import type { CacheEntry, CacheStats } from './byte-lru.js';
import type { ByteView } from './byte-view.js';
import { coarseNow, type Clock } from './clock.js';
import { EntryValues } from './entry-values.js';
import { InvalidKeyError } from './errors.js';
import { ExpirySweep } from './expiry-sweep.js';
import type { Getter } from './getter.js';
import { GroupCache, type CacheKind } from './group-cache.js';
import { checkGroupName } from './group-name.js';
import { resolveGroupOptions, type GroupOptions } from './group-options.js';
import type { GroupParts } from './group-parts.js';
import { zeroStats, type GroupStats } from './group-stats.js';
import { Lifetimes } from './lifetimes.js';
import { OwnLoads } from './own-loads.js';
import { PeerLoads } from './peer-loads.js';
import type { PeerPicker, PeerReply } from './peer-picker.js';
import { StaleValues, type Renewal } from './stale-values.js';

export interface GetOptions {
  /** Ends this caller's wait, alone: the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
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
  readonly #peers: PeerPicker;
  readonly #cache: GroupCache;
  readonly #values: EntryValues<Value>;
  readonly #counters = zeroStats();
  readonly #clock: Clock;
  readonly #lifetimes: Lifetimes<Value>;
  readonly #sweep: ExpirySweep<Value>;
  readonly #stale: StaleValues<Value>;
  readonly #ownLoads: OwnLoads<Value>;
  readonly #peerLoads: PeerLoads<Value>;

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
    checkGroupName(name);
    const resolved = resolveGroupOptions(options);
    const { cacheBytes, clock, codec, eviction, peers, processBudget, shares } = resolved;
    this.#peers = peers;
    this.#clock = clock;
    this.#lifetimes = new Lifetimes(resolved.lifetimes, clock);
    this.#cache = new GroupCache({
      cacheBytes,
      eviction,
      processBudget,
      clock,
      keepsDecoded: shares,
      decodedFactor: codec.decodedFactor ?? 0,
    });
    this.#values = new EntryValues(codec, shares);
    const shared = {
      name,
      options: resolved,
      cache: this.#cache,
      values: this.#values,
      lifetimes: this.#lifetimes,
      counters: this.#counters,
      outsideRequests: options.outsideRequests ?? AsyncLocalStorage.snapshot(),
    };
    this.#sweep = new ExpirySweep(shared);
    const parts: GroupParts<Value> = { ...shared, sweep: this.#sweep };
    this.#stale = new StaleValues(parts);
    this.#ownLoads = new OwnLoads(parts, getter);
    this.#peerLoads = new PeerLoads(parts, this.#ownLoads);
  }

  /**
   * The value of `key`, from memory or loaded; `undefined` if there is none.
   *
   * Rejects with what the getter threw (a `LoadFailedError` where it ran in another process), a `LoadTimeoutError`, or
   * the reason of `options.signal`. A failure is not cached.
   */
  get(key: string, options?: GetOptions): Promise<Value | undefined> {
    const entry = this.#lookup(key, this.#renew);
    if (entry === undefined) return this.#load(key, options?.signal).then((loaded) => this.#valueOf(key, loaded));
    try {
      return Promise.resolve(this.#valueOf(key, entry));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** The values of `keys`, in their order. Rejects as soon as one of them does. */
  getMany(keys: readonly string[], options?: GetOptions): Promise<(Value | undefined)[]> {
    return Promise.all(keys.map((key) => this.get(key, options)));
  }

  /**
   * The value of `key` if it is in this process's memory, and fresh; asks nobody and loads nothing.
   *
   * A use like any other as far as eviction goes, but not counted in `stats`. Throws an `UndecodableValueError` if the
   * codec can't decode what is held.
   */
  peek(key: string): Value | undefined {
    const entry = this.#cache.touch(key);
    return entry === undefined || !this.#lifetimes.isFresh(entry) ? undefined : this.#valueOf(key, entry);
  }

  /**
   * As `get`, but the encoded bytes, without a copy; of another peer's value that is kept here they may be encoded afresh,
   * since what is kept of it is the decoded value.
   */
  getView(key: string, options?: GetOptions): Promise<ByteView | undefined> {
    const entry = this.#lookup(key, this.#renew);
    return entry === undefined
      ? this.#load(key, options?.signal).then((loaded) => this.#viewOf(loaded))
      : Promise.resolve(this.#viewOf(entry));
  }

  /**
   * Copies the encoded bytes into `target`, as many as fit, and resolves to how many were copied (`undefined` if there is
   * no value): Go's `TruncatingByteSliceSink`.
   */
  getInto(key: string, target: Uint8Array, options?: GetOptions): Promise<number | undefined> {
    return this.getView(key, options).then((view) => view?.copyTo(target));
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

  /** The first half of `serve`, without a promise: the answer if it is in memory; else `serveByLoad` must be called. */
  serveFromMemory(key: string): PeerReply | undefined {
    this.#counters.serverRequests++;
    const entry = this.#lookup(key, this.#renewHere);
    if (entry === undefined) return undefined;
    try {
      return this.#replyOf(entry);
    } catch (error) {
      return { outcome: 'failed', error: asError(error) };
    }
  }

  /** The second half of `serve`. */
  serveByLoad(key: string, options?: GetOptions): Promise<PeerReply> {
    this.#counters.loads++;
    const signal = options?.signal;
    return this.#loadHere(key, signal).then(
      (loaded) => this.#replyOf(loaded),
      (error: unknown) => {
        if (signal?.aborted) throw error;
        return { outcome: 'failed', error: asError(error) };
      },
    );
  }

  /** Counters so far. */
  get stats(): GroupStats {
    return { ...this.#counters };
  }

  cacheStats(kind: CacheKind): CacheStats {
    return this.#cache.stats(kind);
  }

  /** Bytes of `cacheBytes` in use: what `cacheStats` reports for both caches, overheads and decoded copies. */
  get footprint(): number {
    return this.#cache.footprint;
  }

  /** Drops what this process holds in memory. Loads under way are not touched, and fill it again. */
  dropMemory(): void {
    this.#cache.clear();
  }

  /** Drops all memory and leaves the process's budget. The group can still be asked, and keeps nothing. */
  close(): void {
    this.#sweep.close();
    this.#cache.close();
  }

  /** What is held of `key` and may be served at once; it may be that there is no value. */
  #lookup(key: string, renew: Renewal): CacheEntry | undefined {
    this.#counters.gets++;
    const entry = this.#cache.get(key);
    if (entry === undefined) return undefined;
    const { dueMs } = entry;
    const isDue = dueMs !== 0 && dueMs <= coarseNow(this.#clock);
    if (isDue && !this.#stale.mayServe(key, entry, renew)) return undefined;
    this.#counters.cacheHits++;
    return entry;
  }

  /** For those who ask for a value: the owner may have to be asked. */
  readonly #renew: Renewal = (key) => {
    if (this.#ownLoads.isLoading(key) || this.#peerLoads.isLoading(key)) return undefined;
    const peer = this.#peers.pickPeer(key);
    return peer === undefined ? this.#ownLoads.load(key, undefined) : this.#peerLoads.load(peer, key, undefined);
  };

  /** For a peer that asks: what it asks for must never be asked of another one. */
  readonly #renewHere: Renewal = (key) =>
    this.#ownLoads.isLoading(key) || this.#peers.pickPeer(key) !== undefined
      ? undefined
      : this.#ownLoads.load(key, undefined);

  #replyOf(entry: CacheEntry | undefined): PeerReply {
    if (entry === undefined) return { outcome: 'notFound' };
    const ttlMs = this.#lifetimes.remainingMs(entry);
    if (entry.isNotFound) return { outcome: 'notFound', ttlMs };
    return { outcome: 'value', value: this.#values.viewOf(entry), minuteQps: this.#cache.minuteQps(entry), ttlMs };
  }

  #viewOf(entry: CacheEntry | undefined): ByteView | undefined {
    return entry === undefined || entry.isNotFound ? undefined : this.#values.viewOf(entry);
  }

  #valueOf(key: string, entry: CacheEntry | undefined): Value | undefined {
    if (entry === undefined || entry.isNotFound) return undefined;
    try {
      return this.#values.valueOf(entry);
    } catch (error) {
      // Or every later get would fail on the same bytes.
      this.#cache.delete(key);
      throw error;
    }
  }

  #load(key: string, signal: AbortSignal | undefined): Promise<CacheEntry | undefined> {
    this.#counters.loads++;
    const flaw = flawOf(key);
    if (flaw !== undefined) return Promise.reject(new InvalidKeyError(this.name, key, flaw));
    const peer = this.#peers.pickPeer(key);
    if (peer === undefined) return this.#loadHere(key, signal);
    return this.#stale.orStale(key, (waiting) => this.#peerLoads.load(peer, key, waiting), signal);
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

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
