import type { CacheEntry } from './cache-entry.js';
import type { GroupParts } from './group-parts.js';
import { sweepEntries } from './sweep-entries.js';

/** How long what is dead may take memory, if nobody asks for it. */
const SWEEP_INTERVAL_MS = 30_000;

/**
 * Gives back the memory of values that may not be served any more and that nobody asks for. No timer runs before something
 * that expires has come into the cache, nor while the cache is empty.
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
    if (this.#stopTimer !== undefined || this.#isClosed || this.#parts.cache.size === 0) return;
    const { options, outsideRequests } = this.#parts;
    this.#stopTimer = outsideRequests(() => options.clock.after(SWEEP_INTERVAL_MS, this.#sweep));
  }

  close(): void {
    this.#isClosed = true;
    this.#stopTimer?.();
  }

  readonly #sweep = (): void => {
    const { cache, lifetimes, options } = this.#parts;
    const nowMs = options.clock.now();
    const isDead = (entry: CacheEntry): boolean => lifetimes.freshness(entry, nowMs) === 'dead';
    sweepEntries(cache, isDead, () => {
      this.#stopTimer = undefined;
      this.expect();
    });
  };
}
