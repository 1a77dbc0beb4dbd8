import { BUFFER_OVERHEAD_BYTES, ByteLru, CacheEntry, ENTRY_OVERHEAD_BYTES, type CacheStats } from './byte-lru.js';
import type { ByteView } from './byte-view.js';
import { ownString } from './own-string.js';
import type { BudgetMember, MemoryBudget } from './memory-budget.js';

/** Which of a group's two caches: `main` holds keys that this process owns, `hot` copies of other peers' keys. */
export type CacheKind = 'main' | 'hot';

export interface GroupCacheOptions {
  /** Bytes that both caches together may take; 0 keeps nothing. */
  readonly cacheBytes: number;
  /** Whether decoded values are kept. */
  readonly keepsDecoded: boolean;
  /** Bytes that a kept decoded value takes per byte of the value. */
  readonly decodedFactor: number;
  /** The process's bound over all groups. */
  readonly processBudget: MemoryBudget;
}

/**
 * A group's memory: two LRUs under one budget.
 *
 * Over budget, the hot cache gives way while it holds more than an eighth of what the main cache does, and the main cache
 * otherwise: Go's `populateCache`.
 */
export class GroupCache implements BudgetMember {
  readonly #main: ByteLru;
  readonly #hot: ByteLru;
  readonly #options: GroupCacheOptions;
  #isClosed = false;

  constructor(options: GroupCacheOptions) {
    this.#options = options;
    this.#main = new ByteLru(options.cacheBytes);
    this.#hot = new ByteLru(options.cacheBytes);
    options.processBudget.add(this);
  }

  get footprint(): number {
    return this.#main.footprint + this.#hot.footprint;
  }

  /** The entry of `key` in the main cache or else in the hot one. */
  get(key: string): CacheEntry | undefined {
    if (this.#options.cacheBytes === 0) return undefined;
    return this.#main.get(key) ?? this.#hot.get(key);
  }

  /** As `get`, but outside the counters. */
  touch(key: string): CacheEntry | undefined {
    if (this.#options.cacheBytes === 0) return undefined;
    return this.#main.touch(key) ?? this.#hot.touch(key);
  }

  /** An entry for `view` that is in neither cache. */
  entryOf(key: string, view: ByteView): CacheEntry {
    const bytes = Buffer.byteLength(key) + view.length;
    return new CacheEntry(view, bytes, bytes + ENTRY_OVERHEAD_BYTES + this.#costBeside(view));
  }

  /** What a value takes beside its bytes: the way in which it is held, and its decoded copy. */
  #costBeside({ held, length }: ByteView): number {
    const { decodedFactor } = this.#options;
    const isText = typeof held === 'string';
    // V8 has two bytes a character where one is not Latin-1.
    const wide = isText && held.length !== length ? Math.max(0, 2 * held.length - length) : 0;
    // Text that is held as such decodes to itself; bytes never do.
    const decoded = this.#options.keepsDecoded ? Math.ceil(length * Math.max(decodedFactor, isText ? 0 : 1)) : 0;
    return (isText ? wide : BUFFER_OVERHEAD_BYTES) + decoded;
  }

  /** Keeps `entry` in the place of any other of `key`; if it is larger than the whole budget, nothing is kept of `key`. */
  keep(kind: CacheKind, key: string, entry: CacheEntry): void {
    if (this.#isClosed) return;
    if (entry.footprint > this.#options.cacheBytes) return this.delete(key);
    (kind === 'main' ? this.#main : this.#hot).set(ownString(key), entry);
    // A key has one entry: a copy of it in the other cache would be older.
    (kind === 'main' ? this.#hot : this.#main).delete(key);
    while (this.footprint > this.#options.cacheBytes && this.evictOne());
    this.#options.processBudget.enforce();
  }

  evictOne(): boolean {
    const [victim, other] =
      this.#hot.footprint > this.#main.footprint / 8 ? [this.#hot, this.#main] : [this.#main, this.#hot];
    return victim.removeOldest() || other.removeOldest();
  }

  delete(key: string): void {
    this.#main.delete(key);
    this.#hot.delete(key);
  }

  /** Drops everything. */
  clear(): void {
    this.#main.clear();
    this.#hot.clear();
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
