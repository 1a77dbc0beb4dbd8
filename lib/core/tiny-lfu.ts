import { ByteLru, type CacheEntry, type CacheStats, type EntryCache } from './byte-lru.js';
import { MAX_COUNT, type CountMinSketch } from './count-min-sketch.js';

/**
 * The window's part of what the cache holds, in bytes: from here to there, since entries are not of one size and those
 * that just did not fit must not pass the contest by.
 */
const LEAST_WINDOW_SHARE = 0.18;
const MOST_WINDOW_SHARE = 0.22;

/**
 * Entries by key, of which those are kept that have been asked for most often lately: W-TinyLFU over two LRUs.
 *
 * A new entry comes into a window, a fifth of the cache, whatever else is there. What leaves the window is admitted to
 * the rest only if it is worth more than an entry there, which is then evicted: a scan goes through the window and out
 * again. Evicting and admitting take constant time.
 *
 * Like `ByteLru`, it does not bound itself.
 */
export class TinyLfu implements EntryCache {
  readonly #window: ByteLru;
  readonly #admitted: ByteLru;
  readonly #sketch: CountMinSketch;
  #gets = 0;
  #hits = 0;
  #evictions = 0;

  /** `sketch` is told of hits here; of all other requests it has to be told by its owner. */
  constructor(maxFootprint: number, sketch: CountMinSketch) {
    this.#window = new ByteLru(maxFootprint);
    this.#admitted = new ByteLru(maxFootprint);
    this.#sketch = sketch;
  }

  get footprint(): number {
    return this.#window.footprint + this.#admitted.footprint;
  }

  get size(): number {
    return this.#window.size + this.#admitted.size;
  }

  get(key: string): CacheEntry | undefined {
    this.#gets++;
    const entry = this.touch(key);
    if (entry !== undefined) this.#hits++;
    return entry;
  }

  touch(key: string): CacheEntry | undefined {
    const entry = this.#admitted.touch(key) ?? this.#window.touch(key);
    if (entry !== undefined) this.#sketch.increment(entry.hash);
    return entry;
  }

  peek(key: string): CacheEntry | undefined {
    return this.#admitted.peek(key) ?? this.#window.peek(key);
  }

  *entries(): IterableIterator<[string, CacheEntry]> {
    yield* this.#admitted.entries();
    yield* this.#window.entries();
  }

  set(key: string, entry: CacheEntry): CacheEntry | undefined {
    this.#settleWindow();
    return (this.#admitted.peek(key) === undefined ? this.#window : this.#admitted).set(key, entry);
  }

  delete(key: string): boolean {
    return this.#admitted.delete(key) || this.#window.delete(key);
  }

  evictOne(): boolean {
    const victim = this.#admitted.oldest();
    const candidate = this.#window.oldest();
    if (victim === undefined && candidate === undefined) return false;
    this.#evictions++;
    if (victim === undefined) return this.#window.delete(candidate!);
    if (candidate === undefined || this.#window.footprint < this.footprint * LEAST_WINDOW_SHARE) {
      return this.#evictLesser(victim);
    }
    return this.#contest(candidate, victim);
  }

  clear(): void {
    this.#window.clear();
    this.#admitted.clear();
  }

  stats(): CacheStats {
    return {
      bytes: this.#window.bytes + this.#admitted.bytes,
      items: this.size,
      gets: this.#gets,
      hits: this.#hits,
      evictions: this.#evictions,
    };
  }

  /** Admits what the window has too much of: there is room for it, or it would have been evicted. */
  #settleWindow(): void {
    for (let key = this.#window.oldest(); key !== undefined; key = this.#window.oldest()) {
      const rest = this.#window.footprint - this.#window.peek(key)!.footprint;
      if (rest <= this.footprint * MOST_WINDOW_SHARE) return;
      this.#admit(key);
    }
  }

  #admit(key: string): void {
    const entry = this.#window.peek(key)!;
    this.#window.delete(key);
    this.#admitted.set(key, entry);
  }

  /** Evicts the one of lesser worth. A victim that is spared has its next turn after all others: it is no guard. */
  #contest(candidate: string, victim: string): boolean {
    if (this.#isWorthMore(this.#window.peek(candidate)!, this.#admitted.peek(victim)!)) {
      this.#admitted.delete(victim);
      this.#admit(candidate);
    } else {
      this.#window.delete(candidate);
      this.#admitted.touch(victim);
    }
    return true;
  }

  /** Evicts the lesser of the two oldest admitted, since the very oldest may just be one that was spared. */
  #evictLesser(oldest: string): boolean {
    const entry = this.#admitted.touch(oldest)!;
    const next = this.#admitted.oldest()!;
    const isSpared = this.#isWorthMore(entry, this.#admitted.peek(next)!);
    return this.#admitted.delete(isSpared ? next : oldest);
  }

  /**
   * Whether `one` has been asked for more often for the root of its bytes. By count alone a large entry would cost many
   * small ones their place; byte for byte a large one would never have a place, were it asked for all the time: so size
   * doesn't count either where a count has reached its end.
   */
  #isWorthMore(one: CacheEntry, other: CacheEntry): boolean {
    const oneCount = this.#sketch.estimate(one.hash);
    const otherCount = this.#sketch.estimate(other.hash);
    if (oneCount === MAX_COUNT || otherCount === MAX_COUNT) return oneCount > otherCount;
    return oneCount * oneCount * other.footprint > otherCount * otherCount * one.footprint;
  }
}
