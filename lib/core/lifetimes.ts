import type { CacheEntry } from './cache-entry.js';
import { coarseNow, type Clock } from './clock.js';
import { toMilliseconds, type Duration } from './duration.js';
import { InvalidOptionError } from './errors.js';

const DEFAULT_TTL_MS = 5 * 60_000;

/** How long values live. Times begin when a value has been loaded. */
export interface LifetimeSettings<Value> {
  /**
   * How long a value is fresh; or a function of it that says so, whose 0 means that it is not to be kept. Decided once, by
   * the owner of the key. Default `'5m'`.
   */
  readonly ttl?: Duration | ((value: Value, key: string) => Duration);

  /** Values never expire: what is cached can't change, as in Go. In the place of `ttl`. Default `false`. */
  readonly forever?: boolean;

  /** How long after its `ttl` a value is still served at once, while one load in the background renews it. Default none. */
  readonly staleWhileRevalidate?: Duration;

  /** How long after its `ttl` a value is served where the load fails or takes longer than `softTimeout`. Default none. */
  readonly staleIfError?: Duration;

  /** How long a get waits for a load where a stale value may be served; the load goes on. Default as long as it takes. */
  readonly softTimeout?: Duration;

  /**
   * The share of the `ttl`, between 0 and 1, after which a get that is served from memory starts a load in the background;
   * for each value a little later, by chance, so that the peers do not do so at once. Default none.
   */
  readonly refreshAhead?: number;

  /** The share of the `ttl`, from 0 up to 1, by which a lifetime is shorter at most, by chance. Default 0. */
  readonly jitter?: number;

  /** How long "not found" is remembered. Default not at all. */
  readonly negativeTtl?: Duration;

  /** The longest that a copy of another peer's value is kept. It never outlives the original. Default as long as that. */
  readonly hotTtl?: Duration;
}

/** Milliseconds; 0 where there is none. */
export interface ResolvedLifetimes<Value> {
  /** `Infinity` for `forever`. */
  readonly ttl: number | ((value: Value, key: string) => Duration);
  readonly staleWhileRevalidateMs: number;
  readonly staleIfErrorMs: number;
  readonly softTimeoutMs: number;
  /** A share; 1 where there is none. */
  readonly refreshAhead: number;
  /** A share. */
  readonly jitter: number;
  readonly negativeTtlMs: number;
  /** `Infinity` where there is none. */
  readonly hotTtlMs: number;
}

/** Fills in the defaults. Throws an `InvalidOptionError` naming the first option that is not acceptable. */
export function resolveLifetimes<Value>(settings: LifetimeSettings<Value>): ResolvedLifetimes<Value> {
  const { forever = false, ttl, refreshAhead, jitter, softTimeout, hotTtl } = settings;
  if (typeof forever !== 'boolean') throw new InvalidOptionError('forever', forever, 'expected true or false');
  if (forever && ttl !== undefined) {
    throw new InvalidOptionError('forever', forever, 'a group has a "ttl" or is "forever"; leave out one of the two');
  }
  if (refreshAhead !== undefined && !(refreshAhead > 0 && refreshAhead < 1)) {
    throw new InvalidOptionError('refreshAhead', refreshAhead, 'expected a share of the ttl, above 0 and below 1');
  }
  if (jitter !== undefined && !(jitter >= 0 && jitter < 1)) {
    throw new InvalidOptionError('jitter', jitter, 'expected a share of the ttl, from 0 up to, but not, 1');
  }
  const staleWhileRevalidateMs = milliseconds('staleWhileRevalidate', settings.staleWhileRevalidate);
  const staleIfErrorMs = milliseconds('staleIfError', settings.staleIfError);
  if (softTimeout !== undefined && staleIfErrorMs === 0) {
    throw new InvalidOptionError(
      'softTimeout',
      softTimeout,
      'say by "staleIfError" how old what is served then may be',
    );
  }
  return {
    ttl: forever
      ? Number.POSITIVE_INFINITY
      : typeof ttl === 'function'
        ? ttl
        : toMilliseconds('ttl', ttl ?? DEFAULT_TTL_MS),
    staleWhileRevalidateMs,
    staleIfErrorMs,
    softTimeoutMs: milliseconds('softTimeout', softTimeout),
    refreshAhead: refreshAhead ?? 1,
    jitter: jitter ?? 0,
    negativeTtlMs: milliseconds('negativeTtl', settings.negativeTtl),
    hotTtlMs: hotTtl === undefined ? Number.POSITIVE_INFINITY : toMilliseconds('hotTtl', hotTtl),
  };
}

function milliseconds(option: string, duration: Duration | undefined): number {
  return duration === undefined ? 0 : toMilliseconds(option, duration);
}

/** What may be done with an entry, by its age. */
export type Freshness =
  | 'fresh'
  /** May be served while a load renews it. */
  | 'stale'
  /** May be served where a load fails or takes too long. */
  | 'last-resort'
  /** May not be served any more. */
  | 'dead';

/** Decides how long the entries of one group live, and tells how old they are. */
export class Lifetimes<Value> {
  readonly #settings: ResolvedLifetimes<Value>;
  readonly #clock: Clock;
  readonly #random: () => number;

  /** `random` gives numbers from 0 up to 1. */
  constructor(settings: ResolvedLifetimes<Value>, clock: Clock, random: () => number = Math.random) {
    this.#settings = settings;
    this.#clock = clock;
    this.#random = random;
  }

  /** Whether an entry can be `'last-resort'`. */
  get hasLastResort(): boolean {
    return this.#settings.staleIfErrorMs > 0;
  }

  /** Milliseconds that a value which has just been loaded lives; 0: not to be kept. Throws what the group's function throws. */
  ofLoaded(value: Value, key: string): number {
    const { jitter, ttl } = this.#settings;
    const ttlMs = typeof ttl === 'function' ? ttlOf(ttl(value, key)) : ttl;
    return jitter === 0 || ttlMs === Number.POSITIVE_INFINITY ? ttlMs : ttlMs * (1 - jitter * this.#random());
  }

  /** As `ofLoaded`, for "not found". */
  get ofNotFound(): number {
    return this.#settings.negativeTtlMs;
  }

  /**
   * Milliseconds that a copy of what a peer has answered lives from when it was asked: `ttlMs` by its word. A peer that does
   * not say (one in Go) has the group's own `ttl`, the default one where that is a function.
   */
  ofCopy(ttlMs: number | undefined): number {
    const { hotTtlMs, ttl } = this.#settings;
    return Math.min(ttlMs ?? (typeof ttl === 'function' ? DEFAULT_TTL_MS : ttl), hotTtlMs);
  }

  /** Has `entry` live for `ttlMs` from `startMs` on, a time of the group's clock. */
  begin(entry: CacheEntry, ttlMs: number, startMs: number): void {
    if (ttlMs === Number.POSITIVE_INFINITY) return;
    entry.expiresMs = Math.max(1, Math.floor(startMs + ttlMs));
    const { refreshAhead } = this.#settings;
    // Whole numbers take no memory of their own.
    entry.dueMs =
      refreshAhead === 1
        ? entry.expiresMs
        : Math.max(1, Math.floor(startMs + ttlMs * (refreshAhead + ((1 - refreshAhead) / 2) * this.#random())));
  }

  freshness({ expiresMs }: CacheEntry, nowMs: number): Freshness {
    if (expiresMs === 0 || nowMs < expiresMs) return 'fresh';
    const { staleIfErrorMs, staleWhileRevalidateMs } = this.#settings;
    if (nowMs < expiresMs + staleWhileRevalidateMs) return 'stale';
    return nowMs < expiresMs + staleIfErrorMs ? 'last-resort' : 'dead';
  }

  /** Milliseconds that `entry` is still fresh for, 0 if it is not; `undefined`: for ever. */
  remainingMs({ expiresMs }: CacheEntry): number | undefined {
    return expiresMs === 0 ? undefined : Math.max(0, expiresMs - coarseNow(this.#clock));
  }
}

/** What a function said, for which 0 is a word too. */
function ttlOf(duration: Duration): number {
  return duration === 0 ? 0 : toMilliseconds('ttl', duration);
}
