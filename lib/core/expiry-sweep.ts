// Not the global one: who takes time in hand for a test must not stop the turns.
import { setImmediate } from 'node:timers';
import type { CacheEntry } from './byte-lru.js';
import type { GroupParts } from './group-parts.js';

/** How long what is dead may take memory, if nobody asks for it. */
const SWEEP_INTERVAL_MS = 30_000;

/** Entries that are looked at in one turn of the event loop: a hundred microseconds or two. */
const ENTRIES_A_TURN = 250;

type Entries = Iterator<readonly [string, CacheEntry]>;

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
    this.#stopTimer = outsideRequests(() => options.clock.after(SWEEP_INTERVAL_MS, this.#begin));
  }

  close(): void {
    this.#isClosed = true;
    this.#stopTimer?.();
  }

  readonly #begin = (): void => {
    const entries = this.#parts.cache.entries();
    this.#sweep(entries, entries.next());
  };

  /** From `next` on. `entries` may end early where the cache changes between two turns: the rest has its turn next time. */
  #sweep(entries: Entries, next: IteratorResult<readonly [string, CacheEntry]>): void {
    if (this.#isClosed) return;
    const { cache, lifetimes, options } = this.#parts;
    const nowMs = options.clock.now();
    const dead: string[] = [];
    for (let count = 0; next.done !== true && count < ENTRIES_A_TURN; count++, next = entries.next()) {
      const [key, entry] = next.value;
      if (lifetimes.freshness(entry, nowMs) === 'dead') dead.push(key);
    }
    // Not the one that `entries` stands at, whose place in the cache might be another's by the next turn.
    for (const key of dead) cache.delete(key);
    if (next.done !== true) {
      setImmediate(() => this.#sweep(entries, next)).unref();
      return;
    }
    this.#stopTimer = undefined;
    this.expect();
  }
}
