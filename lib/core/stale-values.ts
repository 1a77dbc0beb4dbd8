import type { CacheEntry } from './cache-entry.js';
import { coarseNow, type Clock } from './clock.js';
import { DeadlineQueue, type Deadline } from './deadline-queue.js';
import type { GroupParts } from './group-parts.js';

/** How long a value is served after a load that was to renew it has begun, before another one does. */
const RENEWAL_PAUSE_MS = 1_000;

/** Starts a load of `key` for nobody in particular; `undefined` where there is one, or should be none. */
export type Renewal = (key: string) => Promise<unknown> | undefined;

/**
 * What a group does with values whose time is over: HTTP's `stale-while-revalidate` and `stale-if-error`.
 *
 * Only what is still in the cache when it is to be served is served: what has been removed meanwhile is not.
 */
export class StaleValues<Value> {
  readonly #parts: GroupParts<Value>;
  readonly #clock: Clock;
  readonly #softDeadlines: DeadlineQueue | undefined;
  /** When a value may be renewed next. */
  readonly #pauses = new WeakMap<CacheEntry, number>();

  constructor(parts: GroupParts<Value>) {
    const { clock, lifetimes } = parts.options;
    this.#parts = parts;
    this.#clock = clock;
    const { softTimeoutMs } = lifetimes;
    if (softTimeoutMs === 0) return;
    const timers = {
      now: () => clock.now(),
      after: (ms: number, ring: () => void) => parts.outsideRequests(() => clock.after(ms, ring)),
    };
    this.#softDeadlines = new DeadlineQueue(timers, softTimeoutMs);
  }

  /** Whether `entry`, whose `dueMs` is over, may be served at once. Has it renewed where it is time for that. */
  mayServe(key: string, entry: CacheEntry, renew: Renewal): boolean {
    const nowMs = coarseNow(this.#clock);
    switch (this.#parts.lifetimes.freshness(entry, nowMs)) {
      case 'fresh':
        entry.dueMs = entry.expiresMs;
        this.#renew(key, renew);
        return true;
      case 'stale':
        this.#parts.counters.staleServed++;
        if ((this.#pauses.get(entry) ?? nowMs) <= nowMs) {
          this.#pauses.set(entry, nowMs + RENEWAL_PAUSE_MS);
          this.#renew(key, renew);
        }
        return true;
      case 'last-resort':
        return false;
      case 'dead':
        this.#parts.cache.delete(key);
        return false;
    }
  }

  /**
   * What `load` comes to, for one caller; or the value that the cache has had before, if the load fails or takes too long
   * and it may still be served.
   */
  orStale(
    key: string,
    load: () => Promise<CacheEntry | undefined>,
    signal: AbortSignal | undefined,
  ): Promise<CacheEntry | undefined> {
    const { cache, lifetimes, tagMarks } = this.#parts;
    const stale = lifetimes.hasLastResort ? cache.peek(key) : undefined;
    if (stale === undefined) return load();
    const current = (): CacheEntry | undefined => {
      const isUsable =
        cache.peek(key) === stale &&
        lifetimes.freshness(stale, this.#clock.now()) !== 'dead' &&
        !(stale.stamp !== undefined && tagMarks.isStampTouched(stale.stamp)) &&
        !signal?.aborted;
      if (isUsable) this.#parts.counters.staleServed++;
      return isUsable ? stale : undefined;
    };
    const loading = load().catch((error: unknown) => {
      const entry = current();
      if (entry === undefined) throw error;
      return entry;
    });
    return this.#softDeadlines === undefined ? loading : firstOf(loading, current, this.#softDeadlines);
  }

  #renew(key: string, renew: Renewal): void {
    const renewal = renew(key);
    if (renewal === undefined) return;
    this.#parts.counters.refreshes++;
    // A failure has been counted where it happened.
    renewal.catch(() => undefined);
  }
}

/** `loading`, or what `current` says, if it says something, at a deadline of `deadlines`. */
function firstOf<Value>(
  loading: Promise<Value>,
  current: () => Value | undefined,
  deadlines: DeadlineQueue,
): Promise<Value> {
  return new Promise((resolve, reject) => {
    const deadline: Deadline = {
      dueMs: 0,
      isPending: false,
      onDue() {
        const value = current();
        if (value !== undefined) resolve(value);
      },
    };
    deadlines.add(deadline);
    loading.then(resolve, reject).finally(() => deadlines.callOff(deadline));
  });
}
