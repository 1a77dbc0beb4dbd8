import type { ByteView } from './byte-view.js';
import { ENTRY_OVERHEAD_BYTES, type CacheEntry } from './cache-entry.js';
import type { Clock } from './clock.js';
import type { CacheKind, CacheStats, EntryStore } from './entry-store.js';
import { LruStore } from './lru-store.js';
import type { BudgetMember, MemoryBudget } from './memory-budget.js';
import { RequestRate } from './request-rate.js';
import { TinyLfuStore } from './tiny-lfu-store.js';

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
  readonly #store: EntryStore;
  readonly #options: GroupCacheOptions;
  readonly #rates: RequestRate;
  #isClosed = false;

  constructor(options: GroupCacheOptions) {
    const { cacheBytes, clock, eviction, processBudget } = options;
    this.#options = options;
    this.#rates = new RequestRate(clock);
    this.#store = eviction === 'lru' ? new LruStore(cacheBytes) : new TinyLfuStore();
    processBudget.add(this);
  }

  get footprint(): number {
    return this.#store.footprint;
  }

  /** The entry of `key` in the main cache or else in the hot one. */
  get(key: string): CacheEntry | undefined {
    if (this.#options.cacheBytes === 0) return undefined;
    const entry = this.#store.get(key);
    if (entry !== undefined) entry.rate = this.#rates.record(entry.rate);
    return entry;
  }

  /** As `get`, but outside the counters. */
  touch(key: string): CacheEntry | undefined {
    if (this.#options.cacheBytes === 0) return undefined;
    const entry = this.#store.touch(key);
    if (entry !== undefined) entry.rate = this.#rates.record(entry.rate);
    return entry;
  }

  /** The entry of `key` in either cache, used or not as it was. */
  peek(key: string): CacheEntry | undefined {
    return this.#store.peek(key);
  }

  /** Whether the hot cache has a copy of `key`. */
  hasCopy(key: string): boolean {
    return this.#store.hasCopy(key);
  }

  /** All entries. May be held while they change, and then end early; what has come or been used meanwhile may be missed. */
  entries(): IterableIterator<[string, CacheEntry]> {
    return this.#store.entries();
  }

  /** Keys in the main cache, those that are asked for most first, roughly. */
  hottestKeys(): string[] {
    const byRate: (string[] | undefined)[] = [];
    for (const [key, entry] of this.#store.entries()) {
      if (this.#store.hasCopy(key)) continue;
      const step = Math.ceil(Math.log2(1 + this.minuteQps(entry)));
      (byRate[step] ??= []).push(key);
    }
    return byRate.toReversed().flatMap((keys) => keys ?? []);
  }

  /** Entries in both caches. */
  get size(): number {
    return this.#store.size;
  }

  /** Requests a minute for an entry, lately and here, its own load among them: see `RequestRate`. */
  minuteQps(entry: CacheEntry): number {
    return this.#rates.perMinute(entry.rate);
  }

  /** An entry for `view`, which has just been asked for and was in neither cache; `tagBytes` for its tags. */
  entryOf(key: string, view: ByteView, tagBytes = 0): CacheEntry {
    const bytes = Buffer.byteLength(key) + view.length;
    const footprint = bytes + ENTRY_OVERHEAD_BYTES + view.overheadBytes + this.#decodedBytes(view) + tagBytes;
    const entry = this.#store.entryOf(key, view, bytes, footprint);
    entry.rate = this.#rates.record(0);
    return entry;
  }

  /**
   * As `entryOf`, with what `view` decodes to, for a copy of another peer's value: where decoded values are kept, they are
   * all that is kept of it, since no peer will ask for its bytes.
   */
  copyOf(key: string, view: ByteView, decoded: unknown, tagBytes = 0): CacheEntry {
    // A text has two bytes a character where one is not Latin-1.
    const decodedBytes = typeof decoded === 'string' && !view.isText ? 2 * decoded.length : this.#decodedBytes(view);
    if (decodedBytes === 0 || decoded === undefined) return this.entryOf(key, view, tagBytes);
    const keyBytes = Buffer.byteLength(key);
    const footprint = keyBytes + ENTRY_OVERHEAD_BYTES + decodedBytes + tagBytes;
    const entry = this.#store.entryOf(key, undefined, keyBytes + view.length, footprint);
    entry.decoded = decoded;
    return entry;
  }

  /** As `entryOf`, for "not found". */
  notFoundEntryOf(key: string): CacheEntry {
    const bytes = Buffer.byteLength(key);
    const entry = this.#store.entryOf(key, undefined, bytes, bytes + ENTRY_OVERHEAD_BYTES);
    entry.rate = this.#rates.record(0);
    return entry;
  }

  /** As `entryOf`, where the entry is only to be handed out and never to be kept. */
  passingEntryOf(key: string, view: ByteView): CacheEntry {
    const entry = this.#store.entryOf(key, view, 0, 0);
    entry.expiresMs = NEVER_FRESH;
    return entry;
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
    const { cacheBytes, processBudget } = this.#options;
    if (entry.footprint > cacheBytes - this.#store.nextOverhead) return this.delete(key);
    const previous = this.#store.set(kind, key, entry);
    if (previous !== undefined) entry.rate = this.#rates.record(previous.rate);
    while (this.#store.footprint > cacheBytes && this.evictOne());
    processBudget.enforce();
  }

  evictOne(): boolean {
    const isHotFirst = this.#store.footprintOf('hot') > this.#store.footprintOf('main') / 8;
    return this.#store.evictOne(isHotFirst ? 'hot' : 'main') || this.#store.evictOne(isHotFirst ? 'main' : 'hot');
  }

  delete(key: string): void {
    this.#store.delete(key);
  }

  /** Drops everything. */
  clear(): void {
    this.#store.clear();
  }

  /** Drops everything, leaves the process's budget, and keeps nothing from now on, since nobody would count it. */
  close(): void {
    this.#isClosed = true;
    this.clear();
    this.#options.processBudget.remove(this);
  }

  stats(kind: CacheKind): CacheStats {
    return this.#store.stats(kind);
  }
}
