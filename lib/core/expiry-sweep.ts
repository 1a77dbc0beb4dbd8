// Not the global one: who takes time in hand for a test must not stop the turns.
import { setImmediate } from 'node:timers';
import type { CacheEntry } from './cache-entry.js';
import type { GroupParts } from './group-parts.js';

/** How long what is dead may take memory, if nobody asks for it. */
const SWEEP_INTERVAL_MS = 30_000;

/** Entries that are looked at in one turn of the event loop: some ten microseconds. */
const ENTRIES_A_TURN = 1_000;

/**
 * Gives back the memory of values that may not be served any more and that nobody asks for. No timer runs while the cache
 * is empty or nothing in it has ever expired.
 */
export class ExpirySweep<Value> {
  readonly #parts: Omit<GroupParts<Value>, 'sweep'>;
  #stopTimer: (() => void) | undefined;
  #isClosed = false;

  constructor(parts: Omit<GroupParts<Value>, 'sweep'>) {
    this.#parts = parts;
  }

  /** Something that expires has come into the cache. */
  expect(): void {
    if (this.#stopTimer !== undefined || this.#isClosed) return;
    const { options, outsideRequests } = this.#parts;
    this.#stopTimer = outsideRequests(() => options.clock.after(SWEEP_INTERVAL_MS, this.#begin));
  }

  close(): void {
    this.#isClosed = true;
    this.#stopTimer?.();
  }

  readonly #begin = (): void => this.#sweep(this.#parts.cache.entries());

  /** `entries` may end early where the cache changes between two turns: the rest has its turn next time. */
  #sweep(entries: Iterator<readonly [string, CacheEntry]>): void {
    if (this.#isClosed) return;
    const { cache, lifetimes, options } = this.#parts;
    const nowMs = options.clock.now();
    const dead: string[] = [];
    let next = entries.next();
    for (let count = 1; next.done !== true; next = entries.next()) {
      const [key, entry] = next.value;
      if (lifetimes.freshness(entry, nowMs) === 'dead') dead.push(key);
      if (++count > ENTRIES_A_TURN) break;
    }
    for (const key of dead) cache.delete(key);
    if (next.done !== true) {
      setImmediate(() => this.#sweep(entries)).unref();
      return;
    }
    this.#stopTimer = undefined;
    if (cache.size > 0) this.expect();
  }
}
