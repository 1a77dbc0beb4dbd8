import { MAX_COUNT, type CountMinSketch } from './count-min-sketch.js';
import { EntryList } from './entry-list.js';
import type { ListedEntry } from './listed-entry.js';

/**
 * The window's part of what the cache holds, in bytes: from here to there, since entries are not of one size and those
 * that just did not fit must not pass the contest by.
 */
const LEAST_WINDOW_SHARE = 0.18;
const MOST_WINDOW_SHARE = 0.22;

/**
 * Entries of which those are kept that have been asked for most often lately: W-TinyLFU over two lists.
 *
 * A new entry comes into a window, a fifth of the cache, whatever else is there. What leaves the window is admitted to
 * the rest only if it is worth more than an entry there, which is then evicted: a scan goes through the window and out
 * again. Evicting and admitting take constant time.
 *
 * It does not bound itself, and finds nothing by key: its owner has the map of keys, and tells `sketch` of all requests.
 */
export class TinyLfu {
  readonly #window = new EntryList();
  readonly #admitted = new EntryList();
  readonly #sketch: CountMinSketch;
  #evictions = 0;

  constructor(sketch: CountMinSketch) {
    this.#sketch = sketch;
  }

  /** Bytes of the budget in use. */
  get footprint(): number {
    return this.#window.footprint + this.#admitted.footprint;
  }

  /** Bytes of keys and values. */
  get bytes(): number {
    return this.#window.bytes + this.#admitted.bytes;
  }

  get size(): number {
    return this.#window.size + this.#admitted.size;
  }

  get hits(): number {
    return this.#window.hits + this.#admitted.hits;
  }

  get evictions(): number {
    return this.#evictions;
  }

  holds({ list }: ListedEntry): boolean {
    return list === this.#window || list === this.#admitted;
  }

  add(entry: ListedEntry): void {
    this.#window.add(entry);
  }

  /** Puts `entry` where `previous` was, as if that had just been used. */
  replace(previous: ListedEntry, entry: ListedEntry): void {
    const list = previous.list!;
    list.remove(previous);
    list.add(entry);
  }

  /** Takes out the entry that it can best do without, and returns it. */
  evictOne(): ListedEntry | undefined {
    const victim = this.#admitted.leastRecent();
    const candidate = this.#window.leastRecent();
    if (victim === undefined && candidate === undefined) return undefined;
    this.#evictions++;
    if (victim === undefined) return this.#takeOut(candidate!);
    if (candidate === undefined || this.#window.footprint < this.footprint * LEAST_WINDOW_SHARE) {
      return this.#takeOut(this.#lesserOfOldest(victim));
    }
    return this.#contest(candidate, victim);
  }

  clear(): void {
    this.#window.clear();
    this.#admitted.clear();
  }

  /** Admits what the window has too much of: there is room for it, or it would have been evicted. */
  settleWindow(): void {
    for (let next = this.#window.leastRecent(); next !== undefined; next = this.#window.leastRecent()) {
      const rest = this.#window.footprint - next.footprint;
      if (rest <= this.footprint * MOST_WINDOW_SHARE) return;
      this.#admit(next);
    }
  }

  #admit(entry: ListedEntry): void {
    this.#window.remove(entry);
    this.#admitted.add(entry);
  }

  #takeOut(entry: ListedEntry): ListedEntry {
    entry.list!.remove(entry);
    return entry;
  }

  /** Evicts the one of lesser worth. A victim that is spared has its next turn after all others: it is no guard. */
  #contest(candidate: ListedEntry, victim: ListedEntry): ListedEntry {
    if (!this.#isWorthMore(candidate, victim)) {
      this.#admitted.renew(victim);
      return this.#takeOut(candidate);
    }
    this.#admit(candidate);
    return this.#takeOut(victim);
  }

  /** The lesser of the two oldest admitted, since the very oldest may just be one that was spared. */
  #lesserOfOldest(oldest: ListedEntry): ListedEntry {
    this.#admitted.renew(oldest);
    const next = this.#admitted.leastRecent()!;
    return this.#isWorthMore(oldest, next) ? next : oldest;
  }

  /**
   * Whether `one` has been asked for more often for the root of its bytes. By count alone a large entry would cost many
   * small ones their place; byte for byte a large one would never have a place, were it asked for all the time: so size
   * doesn't count either where a count has reached its end.
   */
  #isWorthMore(one: ListedEntry, other: ListedEntry): boolean {
    const oneCount = this.#sketch.estimate(one.hash);
    const otherCount = this.#sketch.estimate(other.hash);
    if (oneCount === MAX_COUNT || otherCount === MAX_COUNT) return oneCount > otherCount;
    return oneCount * oneCount * other.footprint > otherCount * otherCount * one.footprint;
  }
}
