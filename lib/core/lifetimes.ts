import { LATE_TIMES_BYTES, type CacheEntry } from './cache-entry.js';
import { coarseNow, type Clock } from './clock.js';
import { toLifetime, toMilliseconds, type Duration } from './duration.js';
import { EXTRAS_BYTES, plainExtras } from './entry-extras.js';
import { InvalidOptionError } from './errors.js';

const DEFAULT_TTL_MS = 5 * 60_000;

/** Whole numbers up to this one take no memory of their own: 24 days of a clock that starts with the process. */
const LAST_SMALL_MS = 2 ** 31 - 1;

/** How long values live. Times begin when a value has been loaded. */
export interface LifetimeSettings<Value> {
  /**
   * How long a value is fresh; or a function of it that says so, whose 0 or less means that it is not to be kept. Decided
   * once, by the owner of the key; a load fails with what the function throws, and with an `InvalidOptionError` for what is
   * no duration. Default `'5m'`.
   */
  readonly ttl?: Duration | ((value: Value, key: string) => Duration);

  /** Values never expire: what is cached can't change, as in Go. In the place of `ttl`. Default `false`. */
  readonly forever?: boolean;

  /**
   * How long after its `ttl` a value is still served at once, while one load in the background renews it. 0: not at all,
   * the default.
   */
  readonly staleWhileRevalidate?: Duration;

  /**
   * How long after its `ttl` a value is served where the load fails or takes longer than `softTimeout`. 0: not at all, the
   * default.
   */
  readonly staleIfError?: Duration;

  /**
   * How long a get waits for a load where a value may be served by `staleIfError`; the load goes on. 0: as long as it takes,
   * the default.
   */
  readonly softTimeout?: Duration;

  /**
   * The share of the `ttl`, above 0, after which a get that is served from memory starts one load in the background; for
   * each value a little later, by chance, so that the peers do not do so at once. 1: never, the default.
   */
  readonly refreshAhead?: number;

  /** The share of the `ttl`, from 0 up to 1, by which a lifetime is shorter at most, by chance. Default 0. */
  readonly jitter?: number;

  /** How long "not found" is remembered; it is never served past that. 0: not at all, the default. */
  readonly negativeTtl?: Duration;

  /** The longest that a copy of another peer's value is fresh, which is never longer than the original. Default as long. */
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
  if (refreshAhead !== undefined && !(refreshAhead > 0 && refreshAhead <= 1)) {
    throw new InvalidOptionError('refreshAhead', refreshAhead, 'expected a share of the ttl, above 0 and up to 1');
  }
  if (jitter !== undefined && !(jitter >= 0 && jitter < 1)) {
    throw new InvalidOptionError('jitter', jitter, 'expected a share of the ttl, from 0 up to, but not, 1');
  }
  const staleIfErrorMs = lifetime('staleIfError', settings.staleIfError);
  const softTimeoutMs = isNone(softTimeout) ? 0 : toMilliseconds('softTimeout', softTimeout);
  if (softTimeoutMs > 0 && staleIfErrorMs === 0) {
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
        : toLifetime('ttl', ttl ?? DEFAULT_TTL_MS),
    staleWhileRevalidateMs: lifetime('staleWhileRevalidate', settings.staleWhileRevalidate),
    staleIfErrorMs,
    softTimeoutMs,
    refreshAhead: refreshAhead ?? 1,
    jitter: jitter ?? 0,
    negativeTtlMs: lifetime('negativeTtl', settings.negativeTtl),
    hotTtlMs: hotTtl === undefined ? Number.POSITIVE_INFINITY : toLifetime('hotTtl', hotTtl),
  };
}

function lifetime(option: string, duration: Duration | undefined): number {
  return isNone(duration) ? 0 : toLifetime(option, duration);
}

/** 0 too, so that a group can do without what the module's defaults say. */
function isNone(duration: Duration | undefined): duration is 0 | undefined {
  return duration === undefined || duration === 0;
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

  /** Whether copies live shorter than the originals. */
  get limitsCopies(): boolean {
    return this.#settings.hotTtlMs !== Number.POSITIVE_INFINITY;
  }

  /** As `ofCopy`, of what is moved here by a peer that had it for its own. */
  ofMoved(ttlMs: number | undefined): number {
    const { ttl } = this.#settings;
    if (typeof ttl === 'function') return ttlMs ?? DEFAULT_TTL_MS;
    // The peer may be of a version that lets it live longer.
    return Math.min(ttlMs ?? Number.POSITIVE_INFINITY, ttl);
  }

  /** Has `entry`, which is not kept yet, live for `ttlMs` from `startMs` on, a time of the group's clock. */
  begin(entry: CacheEntry, ttlMs: number, startMs: number): void {
    if (ttlMs === Number.POSITIVE_INFINITY) return;
    entry.expiresMs = Math.max(1, Math.floor(startMs + ttlMs));
    const { refreshAhead } = this.#settings;
    if (refreshAhead < 1) {
      if (entry.extras === undefined) {
        entry.extras = plainExtras();
        entry.footprint += EXTRAS_BYTES;
      }
      const share = refreshAhead + ((1 - refreshAhead) / 2) * this.#random();
      entry.extras.refreshMs = Math.max(1, Math.floor(startMs + ttlMs * share));
    }
    if (entry.expiresMs > LAST_SMALL_MS) entry.footprint += LATE_TIMES_BYTES;
  }

  freshness(entry: CacheEntry, nowMs: number): Freshness {
    const { expiresMs } = entry;
    if (expiresMs === 0 || nowMs < expiresMs) return 'fresh';
    // That something was missing once is no value, and no help where a load fails.
    if (entry.isNotFound) return 'dead';
    const { staleIfErrorMs, staleWhileRevalidateMs } = this.#settings;
    if (nowMs < expiresMs + staleWhileRevalidateMs) return 'stale';
    return nowMs < expiresMs + staleIfErrorMs ? 'last-resort' : 'dead';
  }

  /** Whether `entry` may be served as it is. */
  isFresh({ expiresMs }: CacheEntry): boolean {
    return expiresMs === 0 || coarseNow(this.#clock) < expiresMs;
  }

  /** Milliseconds that `entry` is still fresh for, 0 if it is not; `undefined`: for ever. */
  remainingMs({ expiresMs }: CacheEntry): number | undefined {
    return expiresMs === 0 ? undefined : Math.max(0, expiresMs - coarseNow(this.#clock));
  }
}

/** What a function said, for which a time that is over is a word too: `(token) => token.expiresAt - Date.now()`. */
function ttlOf(duration: Duration): number {
  if (typeof duration === 'number') return duration <= 0 ? 0 : toLifetime('ttl', duration);
  try {
    return toLifetime('ttl', duration);
  } catch {
    // It may be the value, or a part of it, which no message holds.
    throw new InvalidOptionError('ttl', typeof duration, 'its function must return milliseconds or a duration');
  }
}
