import type { CacheEntry } from './cache-entry.js';
import type { Clock } from './clock.js';
import type { GroupCache } from './group-cache.js';
import type { Lifetimes } from './lifetimes.js';
import type { OutsideRequests } from './peer-question.js';
import { sweepEntries } from './sweep-entries.js';

/** How long what is dead may take memory, if nobody asks for it. */
const SWEEP_INTERVAL_MS = 30_000;

export interface ExpirySweepOptions {
  readonly cache: GroupCache;
  readonly clock: Clock;
  readonly lifetimes: Lifetimes<any>;
  /** In which its timer is set. */
  readonly outsideRequests: OutsideRequests;
}

/**
 * Gives back the memory of values that may not be served any more and that nobody asks for. No timer runs before something
 * that expires has come into the cache, nor while the cache is empty.
 */
export class ExpirySweep {
  readonly #options: ExpirySweepOptions;
  #stopTimer: (() => void) | undefined;
  #isClosed = false;

  constructor(options: ExpirySweepOptions) {
    this.#options = options;
  }

  /** Something that expires has come into the cache. */
  expect(): void {
    if (this.#stopTimer !== undefined || this.#isClosed || this.#options.cache.size === 0) return;
    const { clock, outsideRequests } = this.#options;
    this.#stopTimer = outsideRequests(() => clock.after(SWEEP_INTERVAL_MS, this.#sweep));
  }

  close(): void {
    this.#isClosed = true;
    this.#stopTimer?.();
  }

  readonly #sweep = (): void => {
    const { cache, clock, lifetimes } = this.#options;
    const nowMs = clock.now();
    const isDead = (entry: CacheEntry): boolean => lifetimes.freshness(entry, nowMs) === 'dead';
    sweepEntries(cache, isDead, () => {
      this.#stopTimer = undefined;
      this.expect();
    });
  };
}
