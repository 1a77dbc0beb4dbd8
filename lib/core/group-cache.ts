import { ByteLru, CacheEntry, ENTRY_OVERHEAD_BYTES, type CacheStats, type EntryCache } from './byte-lru.js';
import type { ByteView } from './byte-view.js';
import type { Clock } from './clock.js';
import { CountMinSketch } from './count-min-sketch.js';
import { keyedHash } from './keyed-hash.js';
import type { BudgetMember, MemoryBudget } from './memory-budget.js';
import { ownString } from './own-string.js';
import { RequestRate } from './request-rate.js';
import { TinyLfu } from './tiny-lfu.js';

/** Which of a group's two caches: `main` holds keys that this process owns, `hot` copies of other peers' keys. */
export type CacheKind = 'main' | 'hot';

/** Which entries a group gives up for others: see `GroupSettings.eviction`. */
export type EvictionPolicy = 'lru' | 'tinylfu';

export interface GroupCacheOptions {
  /** Bytes that both caches together may take; 0 keeps nothing. */
  readonly cacheBytes: number;
  /** Whether decoded values are kept. */
  readonly keepsDecoded: boolean;
  /** Bytes that a kept decoded value takes per byte of the value. */
  readonly decodedFactor: number;
  readonly eviction: EvictionPolicy;
  /** The process's bound over all groups. */
  readonly processBudget: MemoryBudget;
  /** For the rates of requests. */
  readonly clock: Clock;
}

/** Before all times. */
const NEVER_FRESH = -1;

/**
 * A group's memory: two caches under one budget.
 *
 * Over budget, the hot cache gives way while it holds more than an eighth of what the main cache does, and the main cache
 * otherwise: Go's `populateCache`. Which of its entries a cache gives up is a matter of `eviction`.
 */
export class GroupCache implements BudgetMember {
  readonly #main: EntryCache;
  readonly #hot: EntryCache;
  readonly #options: GroupCacheOptions;
  readonly #rates: RequestRate;
  /** Of the keys of both caches; only for `'tinylfu'`. */
  readonly #sketch: CountMinSketch | undefined;
  #isClosed = false;

  constructor(options: GroupCacheOptions) {
    const { cacheBytes, clock, eviction, processBudget } = options;
    this.#options = options;
    this.#rates = new RequestRate(clock);
    const sketch = eviction === 'tinylfu' ? new CountMinSketch() : undefined;
    this.#sketch = sketch;
    this.#main = sketch === undefined ? new ByteLru(cacheBytes) : new TinyLfu(cacheBytes, sketch);
    this.#hot = sketch === undefined ? new ByteLru(cacheBytes) : new TinyLfu(cacheBytes, sketch);
    processBudget.add(this);
  }

  get footprint(): number {
    return this.#main.footprint + this.#hot.footprint + (this.#sketch?.footprint ?? 0);
  }

  /** The entry of `key` in the main cache or else in the hot one. */
  get(key: string): CacheEntry | undefined {
    if (this.#options.cacheBytes === 0) return undefined;
    const entry = this.#main.get(key);
    if (entry === undefined) return this.#hot.get(key);
    entry.rate = this.#rates.record(entry.rate);
    return entry;
  }

  /** As `get`, but outside the counters. */
  touch(key: string): CacheEntry | undefined {
    if (this.#options.cacheBytes === 0) return undefined;
    const entry = this.#main.touch(key);
    if (entry === undefined) return this.#hot.touch(key);
    entry.rate = this.#rates.record(entry.rate);
    return entry;
  }

  /** The entry of `key` in either cache, used or not as it was. */
  peek(key: string): CacheEntry | undefined {
    return this.#main.peek(key) ?? this.#hot.peek(key);
  }

  /** Whether the hot cache has a copy of `key`. */
  hasCopy(key: string): boolean {
    return this.#hot.peek(key) !== undefined;
  }

  /** All entries of both caches. May be held while they change, and then end early. */
  *entries(): IterableIterator<[string, CacheEntry]> {
    yield* this.#main.entries();
    yield* this.#hot.entries();
  }

  /** Entries in both caches. */
  get size(): number {
    return this.#main.size + this.#hot.size;
  }

  /** Requests a minute for an entry of the main cache, lately, its own load among them: see `RequestRate`. */
  minuteQps(entry: CacheEntry): number {
    return this.#rates.perMinute(entry.rate);
  }

  /** An entry for `view`, which has just been asked for and was in neither cache. */
  entryOf(key: string, view: ByteView): CacheEntry {
    const bytes = Buffer.byteLength(key) + view.length;
    const footprint = bytes + ENTRY_OVERHEAD_BYTES + view.overheadBytes + this.#decodedBytes(view);
    const entry = new CacheEntry(view, bytes, footprint, this.#countRequest(key));
    entry.rate = this.#rates.record(0);
    return entry;
  }

  /**
   * As `entryOf`, with what `view` decodes to, for a copy of another peer's value: where decoded values are kept, they are
   * all that is kept of it, since no peer will ask for its bytes.
   */
  copyOf(key: string, view: ByteView, decoded: unknown): CacheEntry {
    // A text has two bytes a character where one is not Latin-1.
    const decodedBytes = typeof decoded === 'string' && !view.isText ? 2 * decoded.length : this.#decodedBytes(view);
    if (decodedBytes === 0 || decoded === undefined) return this.entryOf(key, view);
    const keyBytes = Buffer.byteLength(key);
    const footprint = keyBytes + ENTRY_OVERHEAD_BYTES + decodedBytes;
    const entry = new CacheEntry(undefined, keyBytes + view.length, footprint, this.#countRequest(key));
    entry.decoded = decoded;
    return entry;
  }

  /** As `entryOf`, for "not found". */
  notFoundEntryOf(key: string): CacheEntry {
    const bytes = Buffer.byteLength(key);
    const entry = new CacheEntry(undefined, bytes, bytes + ENTRY_OVERHEAD_BYTES, this.#countRequest(key));
    entry.rate = this.#rates.record(0);
    return entry;
  }

  /** As `entryOf`, where the entry is only to be handed out and never to be kept. */
  passingEntryOf(key: string, view: ByteView): CacheEntry {
    this.#countRequest(key);
    const entry = new CacheEntry(view, 0, 0);
    entry.expiresMs = NEVER_FRESH;
    return entry;
  }

  /** The key's hash, which has been told to the sketch; 0 if there is none. */
  #countRequest(key: string): number {
    if (this.#sketch === undefined) return 0;
    const hash = keyedHash(key);
    this.#sketch.increment(hash);
    return hash;
  }

  /** Bytes of a value's decoded copy. */
  #decodedBytes({ isText, length }: ByteView): number {
    const { decodedFactor, keepsDecoded } = this.#options;
    // Text that is held as such decodes to itself; bytes never do.
    return keepsDecoded ? Math.ceil(length * Math.max(decodedFactor, isText ? 0 : 1)) : 0;
  }

  /**
   * Keeps `entry` in the place of any other of `key`, at the cost of others; with `'tinylfu'` it may itself be given up at
   * once. If it is larger than the whole budget, nothing is kept of `key`.
   */
  keep(kind: CacheKind, key: string, entry: CacheEntry): void {
    if (this.#isClosed) return;
    const entries = this.size + 1;
    const bytesForEntries = this.#options.cacheBytes - (this.#sketch?.footprintFor(entries) ?? 0);
    if (entry.footprint > bytesForEntries) return this.delete(key);
    this.#sketch?.fit(entries);
    const previous = (kind === 'main' ? this.#main : this.#hot).set(ownString(key), entry);
    if (previous !== undefined) entry.rate = this.#rates.record(previous.rate);
    // A key has one entry: a copy of it in the other cache would be older.
    (kind === 'main' ? this.#hot : this.#main).delete(key);
    while (this.footprint > this.#options.cacheBytes && this.evictOne());
    this.#options.processBudget.enforce();
  }

  evictOne(): boolean {
    const [victim, other] =
      this.#hot.footprint > this.#main.footprint / 8 ? [this.#hot, this.#main] : [this.#main, this.#hot];
    return victim.evictOne() || other.evictOne();
  }

  delete(key: string): void {
    this.#main.delete(key);
    this.#hot.delete(key);
  }

  /** Drops everything. */
  clear(): void {
    this.#main.clear();
    this.#hot.clear();
    this.#sketch?.clear();
  }

  /** Drops everything, leaves the process's budget, and keeps nothing from now on, since nobody would count it. */
  close(): void {
    this.#isClosed = true;
    this.clear();
    this.#options.processBudget.remove(this);
  }

  stats(kind: CacheKind): CacheStats {
    return (kind === 'main' ? this.#main : this.#hot).stats();
  }
}
