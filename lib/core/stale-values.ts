import type { CacheEntry } from './cache-entry.js';
import { coarseNow, type Clock } from './clock.js';
import { DeadlineQueue, type Deadline } from './deadline-queue.js';
import type { GroupParts } from './group-parts.js';

/** How long a stale value is served after a load that was to renew it has begun, before another one does. */
const RENEWAL_PAUSE_MS = 1_000;

/** Starts a load of `key` for nobody in particular; `undefined` where there is one, or should be none. */
export type Renewal = (key: string) => Promise<unknown> | undefined;

/** Starts a load, or joins it, for one who waits as long as `signal` says; without one, to its end. */
export type Load = (signal: AbortSignal | undefined) => Promise<CacheEntry | undefined>;

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
        // Once, whatever comes of it: there is time until it expires.
        if (this.#renew(key, renew) && entry.extras !== undefined) entry.extras.refreshMs = 0;
        return true;
      case 'stale':
        this.#parts.counters.staleServed++;
        if ((this.#pauses.get(entry) ?? nowMs) <= nowMs && this.#renew(key, renew)) {
          this.#pauses.set(entry, nowMs + RENEWAL_PAUSE_MS);
        }
        return true;
      case 'last-resort':
        return false;
      case 'dead':
        this.#parts.cache.delete(key);
        return false;
    }
  }

  /** What `load` comes to, for one caller; or what the cache has, if the load fails or takes too long and that may be served. */
  orStale(key: string, load: Load, signal: AbortSignal | undefined): Promise<CacheEntry | undefined> {
    const { cache, lifetimes } = this.#parts;
    if (!lifetimes.hasLastResort || cache.peek(key) === undefined) return load(signal);
    let isServed = false;
    const instead = (): CacheEntry | undefined => {
      // The load of one who was served when it took too long may still fail.
      const entry = isServed || signal?.aborted ? undefined : this.#lastResort(key);
      isServed ||= entry !== undefined;
      return entry;
    };
    const loading = load(signal).catch((error: unknown) => {
      const entry = instead();
      if (entry === undefined) throw error;
      return entry;
    });
    if (this.#softDeadlines === undefined) return loading;
    const onDue = (): CacheEntry | undefined => {
      const entry = instead();
      // Whoever has been served may go, and the load must not end with that.
      if (entry !== undefined && signal !== undefined) load(undefined).catch(() => undefined);
      return entry;
    };
    return firstOf(loading, onDue, this.#softDeadlines);
  }

  /** What the cache has of `key` now, which may be another entry than it had: newer, or none. */
  #lastResort(key: string): CacheEntry | undefined {
    const { cache, counters, lifetimes, tagMarks } = this.#parts;
    const entry = cache.peek(key);
    if (entry === undefined || tagMarks.isOld(entry)) return undefined;
    const freshness = lifetimes.freshness(entry, this.#clock.now());
    if (freshness === 'dead') return undefined;
    if (freshness !== 'fresh') counters.staleServed++;
    return entry;
  }

  /** Whether a load has begun. */
  #renew(key: string, renew: Renewal): boolean {
    const renewal = renew(key);
    if (renewal === undefined) return false;
    this.#parts.counters.refreshes++;
    // A failure has been counted where it happened.
    renewal.catch(() => undefined);
    return true;
  }
}

/** `loading`, or what `instead` says, if it says something, at a deadline of `deadlines`. */
function firstOf<Value>(
  loading: Promise<Value>,
  instead: () => Value | undefined,
  deadlines: DeadlineQueue,
): Promise<Value> {
  return new Promise((resolve, reject) => {
    const deadline: Deadline = {
      dueMs: 0,
      isPending: false,
      onDue() {
        const value = instead();
        if (value !== undefined) resolve(value);
      },
    };
    deadlines.add(deadline);
    loading.then(resolve, reject).finally(() => deadlines.callOff(deadline));
  });
}
