import { LRUCache } from 'lru-cache';
import type { ByteView } from './byte-view.js';

/**
 * What an entry costs the process beside its key and value: the cache's slots, the entry, the view and its holder.
 *
 * Measured by `bench/memory-per-entry.mjs`; counted into the budget, not into `bytes`.
 */
export const ENTRY_OVERHEAD_BYTES = 250;

/** What both times of an entry take where one is past what V8 keeps in the entry itself. Measured alike. */
export const LATE_TIMES_BYTES = 32;

/** A value in memory: its bytes and, in groups that share decoded values, what they decode to. */
export class CacheEntry {
  /** The decoded value once somebody has asked for it; only where the group may share it. */
  decoded: unknown = undefined;

  /** How often it is asked for, as `RequestRate` packs it; only in the main cache. */
  rate = 0;

  /** When it stops being fresh, in whole milliseconds of the group's clock; 0: never. */
  expiresMs = 0;

  /** When a get has to look at `expiresMs`, or to have it renewed; 0: never. */
  dueMs = 0;

  constructor(
    /** The encoded value; `undefined` where only the decoded one is kept, or what is kept is that there is none. */
    readonly view: ByteView | undefined,
    /** Bytes of key and value: what Go counts. */
    readonly bytes: number,
    /** Bytes that the entry takes out of the group's budget. Settled before it is kept. */
    public footprint: number,
    /** The key's `keyedHash` where the group's eviction asks for it. */
    readonly hash = 0,
  ) {}

  /** Whether it says that there is no value. */
  get isNotFound(): boolean {
    return this.view === undefined && this.decoded === undefined;
  }
}

/** A cache's counters, by Go's names. */
export interface CacheStats {
  /** Bytes of all keys and values now held. */
  readonly bytes: number;
  /** Entries now held. */
  readonly items: number;
  readonly gets: number;
  /** Gets that found something, though it be past its time. */
  readonly hits: number;
  readonly evictions: number;
}

/** One of a group's two caches. It does not bound itself: its group does, since both share one budget. */
export interface EntryCache {
  /** Bytes of the budget in use. */
  readonly footprint: number;
  readonly size: number;
  /** The entry of `key`, which counts as used now. Counted in `stats`. */
  get(key: string): CacheEntry | undefined;
  /** As `get`, but outside the counters. */
  touch(key: string): CacheEntry | undefined;
  /** The entry of `key`, used or not as it was. */
  peek(key: string): CacheEntry | undefined;
  /** All entries. May be held while the cache changes, and then end early. */
  entries(): IterableIterator<[string, CacheEntry]>;
  /** Keeps `entry`, and returns the one in whose place it comes. */
  set(key: string, entry: CacheEntry): CacheEntry | undefined;
  delete(key: string): boolean;
  /** Evicts the entry that it can best do without; false if there is none. */
  evictOne(): boolean;
  clear(): void;
  stats(): CacheStats;
}

/**
 * Entries by key, least recently used first, with an exact account of their bytes: Go's `cache`.
 *
 * Unlike Go's, whose count drifts, an overwrite is counted as what it is.
 */
export class ByteLru implements EntryCache {
  readonly #entries: LRUCache<string, CacheEntry>;
  #bytes = 0;
  #gets = 0;
  #hits = 0;
  #evictions = 0;

  /** `maxFootprint` in bytes: no entry larger than this will be added. */
  constructor(maxFootprint: number) {
    this.#entries = new LRUCache<string, CacheEntry>({
      // Room for both caches of the group: the group evicts before lru-cache would.
      maxSize: Math.max(1, maxFootprint * 2),
      sizeCalculation: (entry) => entry.footprint,
    });
  }

  /** Bytes of keys and values. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes of the budget in use. */
  get footprint(): number {
    return this.#entries.calculatedSize;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): CacheEntry | undefined {
    this.#gets++;
    const entry = this.#entries.get(key);
    if (entry !== undefined) this.#hits++;
    return entry;
  }

  touch(key: string): CacheEntry | undefined {
    return this.#entries.get(key);
  }

  peek(key: string): CacheEntry | undefined {
    return this.#entries.peek(key);
  }

  entries(): IterableIterator<[string, CacheEntry]> {
    return this.#entries.rentries() as IterableIterator<[string, CacheEntry]>;
  }

  /** The key of the least recently used entry. */
  oldest(): string | undefined {
    for (const key of this.#entries.rkeys()) return key;
    return undefined;
  }

  set(key: string, entry: CacheEntry): CacheEntry | undefined {
    const previous = this.#entries.peek(key);
    if (previous !== undefined) this.#bytes -= previous.bytes;
    this.#bytes += entry.bytes;
    this.#entries.set(key, entry);
    return previous;
  }

  delete(key: string): boolean {
    const entry = this.#entries.peek(key);
    if (entry === undefined) return false;
    this.#bytes -= entry.bytes;
    return this.#entries.delete(key);
  }

  /** Evicts the least recently used entry; false if there is none. */
  evictOne(): boolean {
    const entry = this.#entries.pop();
    if (entry === undefined) return false;
    this.#bytes -= entry.bytes;
    this.#evictions++;
    return true;
  }

  clear(): void {
    this.#entries.clear();
    this.#bytes = 0;
  }

  stats(): CacheStats {
    return {
      bytes: this.#bytes,
      items: this.#entries.size,
      gets: this.#gets,
      hits: this.#hits,
      evictions: this.#evictions,
    };
  }
}
