import { ByteLru } from './byte-lru.js';
import type { ByteView } from './byte-view.js';
import { CacheEntry } from './cache-entry.js';
import type { CacheKind, CacheStats, EntryStore } from './entry-store.js';
import { ownString } from './own-string.js';

/** `eviction: 'lru'`: each cache evicts what has not been used for the longest time, as in Go. */
export class LruStore implements EntryStore {
  readonly #main: ByteLru;
  readonly #hot: ByteLru;
  readonly nextOverhead = 0;

  /** `maxFootprint` in bytes: no entry larger than this will be added. */
  constructor(maxFootprint: number) {
    this.#main = new ByteLru(maxFootprint);
    this.#hot = new ByteLru(maxFootprint);
  }

  get footprint(): number {
    return this.#main.footprint + this.#hot.footprint;
  }

  footprintOf(kind: CacheKind): number {
    return this.#cache(kind).footprint;
  }

  get(key: string): CacheEntry | undefined {
    return this.#main.get(key) ?? this.#hot.get(key);
  }

  touch(key: string): CacheEntry | undefined {
    return this.#main.touch(key) ?? this.#hot.touch(key);
  }

  peek(key: string): CacheEntry | undefined {
    return this.#main.peek(key) ?? this.#hot.peek(key);
  }

  hasCopy(key: string): boolean {
    return this.#hot.peek(key) !== undefined;
  }

  *entries(): IterableIterator<[string, CacheEntry]> {
    yield* this.#main.entries();
    yield* this.#hot.entries();
  }

  get size(): number {
    return this.#main.size + this.#hot.size;
  }

  entryOf(_key: string, view: ByteView | undefined, bytes: number, footprint: number): CacheEntry {
    return new CacheEntry(view, bytes, footprint);
  }

  set(kind: CacheKind, key: string, entry: CacheEntry): CacheEntry | undefined {
    this.#cache(kind === 'main' ? 'hot' : 'main').delete(key);
    return this.#cache(kind).set(ownString(key), entry);
  }

  delete(key: string): void {
    this.#main.delete(key);
    this.#hot.delete(key);
  }

  evictOne(kind: CacheKind): boolean {
    return this.#cache(kind).evictOne();
  }

  clear(): void {
    this.#main.clear();
    this.#hot.clear();
  }

  stats(kind: CacheKind): CacheStats {
    return this.#cache(kind).stats();
  }

  #cache(kind: CacheKind): ByteLru {
    return kind === 'main' ? this.#main : this.#hot;
  }
}
