import type { ByteView } from './byte-view.js';
import type { CacheEntry } from './cache-entry.js';

/** Which of a group's two caches: `main` holds keys that this process owns, `hot` copies of other peers' keys. */
export type CacheKind = 'main' | 'hot';

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

/**
 * A group's two caches; a key is in one of them at most. The store does not bound itself: its group does, since both share
 * one budget.
 */
export interface EntryStore {
  /** Bytes of the budget in use, for the entries and for what is counted beside them. */
  readonly footprint: number;
  /** What `footprint` will be at least, beside the entries, once there is one more. */
  readonly nextOverhead: number;
  /** Bytes of the budget that the entries of `kind` use. */
  footprintOf(kind: CacheKind): number;
  /** The entry of `key`, which counts as used now. Counted in `stats`, where hot is asked for what is not in main. */
  get(key: string): CacheEntry | undefined;
  /** As `get`, but outside the counters. */
  touch(key: string): CacheEntry | undefined;
  /** The entry of `key` in either cache, used or not as it was. */
  peek(key: string): CacheEntry | undefined;
  /** Whether the hot cache has a copy of `key`. */
  hasCopy(key: string): boolean;
  /** All entries. May be held while they change, and then end early; what has come or been used meanwhile may be missed. */
  entries(): IterableIterator<[string, CacheEntry]>;
  /** Entries in both caches. */
  readonly size: number;
  /** An entry that can be kept here, of a key that was just asked for in vain; for some stores to know of that. */
  entryOf(key: string, view: ByteView | undefined, bytes: number, footprint: number): CacheEntry;
  /**
   * Keeps `entry`, which `entryOf` has made, in the place of any other of `key`, and returns the one that was there if it
   * was of the same kind.
   */
  set(kind: CacheKind, key: string, entry: CacheEntry): CacheEntry | undefined;
  delete(key: string): void;
  /** Evicts the entry of `kind` that it can best do without; false if there is none. */
  evictOne(kind: CacheKind): boolean;
  /** Drops all entries, and what is counted beside them. */
  clear(): void;
  stats(kind: CacheKind): CacheStats;
}
