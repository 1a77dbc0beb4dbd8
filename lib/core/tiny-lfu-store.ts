import type { ByteView } from './byte-view.js';
import { CountMinSketch } from './count-min-sketch.js';
import type { CacheKind, CacheStats, EntryStore } from './entry-store.js';
import { keyedHash } from './keyed-hash.js';
import { ListedEntry } from './listed-entry.js';
import { ownString } from './own-string.js';
import { TinyLfu } from './tiny-lfu.js';

/** `eviction: 'tinylfu'`: a `TinyLfu` for each cache, and one map and one sketch for the keys of both. */
export class TinyLfuStore implements EntryStore {
  readonly #sketch = new CountMinSketch();
  readonly #main = new TinyLfu(this.#sketch);
  readonly #hot = new TinyLfu(this.#sketch);
  #entries = new Map<string, ListedEntry>();
  #gets = 0;

  get footprint(): number {
    return this.#main.footprint + this.#hot.footprint + this.#sketch.footprint;
  }

  get nextOverhead(): number {
    return this.#sketch.footprintFor(this.#entries.size + 1);
  }

  footprintOf(kind: CacheKind): number {
    return this.#cache(kind).footprint;
  }

  get(key: string): ListedEntry | undefined {
    this.#gets++;
    const entry = this.touch(key);
    if (entry !== undefined) entry.list!.hits++;
    return entry;
  }

  touch(key: string): ListedEntry | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#sketch.increment(entry.hash);
    if (!entry.isUsed) entry.isUsed = true;
    return entry;
  }

  peek(key: string): ListedEntry | undefined {
    return this.#entries.get(key);
  }

  hasCopy(key: string): boolean {
    const entry = this.#entries.get(key);
    return entry !== undefined && this.#hot.holds(entry);
  }

  entries(): IterableIterator<[string, ListedEntry]> {
    return this.#entries.entries();
  }

  get size(): number {
    return this.#entries.size;
  }

  entryOf(key: string, view: ByteView | undefined, bytes: number, footprint: number): ListedEntry {
    const hash = keyedHash(key);
    this.#sketch.increment(hash);
    return new ListedEntry(view, bytes, footprint, hash);
  }

  set(kind: CacheKind, key: string, entry: ListedEntry): ListedEntry | undefined {
    this.#sketch.fit(this.#entries.size + 1);
    const cache = this.#cache(kind);
    cache.settleWindow();
    const previous = this.#entries.get(key);
    entry.key = previous?.key ?? ownString(key);
    this.#entries.set(entry.key, entry);
    if (previous === undefined || !cache.holds(previous)) {
      previous?.list!.remove(previous);
      cache.add(entry);
      return undefined;
    }
    cache.replace(previous, entry);
    return previous;
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    entry.list!.remove(entry);
  }

  evictOne(kind: CacheKind): boolean {
    const evicted = this.#cache(kind).evictOne();
    return evicted !== undefined && this.#entries.delete(evicted.key);
  }

  clear(): void {
    this.#entries = new Map();
    this.#main.clear();
    this.#hot.clear();
    this.#sketch.clear();
  }

  stats(kind: CacheKind): CacheStats {
    const gets = kind === 'main' ? this.#gets : this.#gets - this.#main.hits;
    const { bytes, size, hits, evictions } = this.#cache(kind);
    return { bytes, items: size, gets, hits, evictions };
  }

  #cache(kind: CacheKind): TinyLfu {
    return kind === 'main' ? this.#main : this.#hot;
  }
}
