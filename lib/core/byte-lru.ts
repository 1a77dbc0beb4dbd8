import { LRUCache } from 'lru-cache';
import type { CacheEntry } from './cache-entry.js';
import type { CacheStats } from './entry-store.js';

/**
 * Entries by key, least recently used first, with an exact account of their bytes: Go's `cache`.
 *
 * Unlike Go's, whose count drifts, an overwrite is counted as what it is.
 */
export class ByteLru {
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

  /** The entry of `key`, which counts as used now. Counted in `stats`. */
  get(key: string): CacheEntry | undefined {
    this.#gets++;
    const entry = this.#entries.get(key);
    if (entry !== undefined) this.#hits++;
    return entry;
  }

  /** As `get`, but outside the counters. */
  touch(key: string): CacheEntry | undefined {
    return this.#entries.get(key);
  }

  /** The entry of `key`, used or not as it was. */
  peek(key: string): CacheEntry | undefined {
    return this.#entries.peek(key);
  }

  /** All entries, the most recently used first. May be held while they change. */
  entries(): IterableIterator<[string, CacheEntry]> {
    return this.#entries.entries() as IterableIterator<[string, CacheEntry]>;
  }

  /** Keeps `entry`, and returns the one in whose place it comes. */
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
