import { toBytes, type ByteSize } from './byte-size.js';
import { systemClock, type Clock } from './clock.js';
import type { Codec } from './codec.js';
import { checkCountLimit } from './count-limit.js';
import { toMilliseconds, type Duration } from './duration.js';
import { InvalidOptionError } from './errors.js';
import type { EvictionPolicy } from './group-cache.js';
import type { InvalidationLog } from './invalidation-log.js';
import { jsonCodec } from './json-codec.js';
import { resolveLifetimes, type LifetimeSettings, type ResolvedLifetimes } from './lifetimes.js';
import { MemoryBudget } from './memory-budget.js';
import { noPeers, type PeerPicker } from './peer-picker.js';
import { promoteOneIn, type PromotionPolicy } from './promotion.js';

/** What a group does with a decoded value: see `GroupSettings.share`. */
export type SharePolicy = 'frozen' | 'copy';

/** What may be set group by group, and for all groups at once. */
export interface GroupSettings<Value> extends LifetimeSettings<Value> {
  /**
   * Memory for the group in this process, main and hot cache together: keys, values, a stated overhead an entry, and
   * decoded copies. 0 caches nothing. Default `'64MiB'`.
   */
  readonly cacheBytes?: ByteSize;

  /**
   * Which entries give way when `cacheBytes` is reached: `'lru'` those that have not been asked for for longest, as in Go;
   * `'tinylfu'` those that have been asked for least, so that a scan does not wash out the rest. Default `'tinylfu'`.
   */
  readonly eviction?: EvictionPolicy;

  /** Turns values into bytes and back. Must be the same at every peer. Default `jsonCodec`. */
  readonly codec?: Codec<Value>;

  /** Which values fetched from their owners are mirrored here. Default `promoteOneIn(10)`, Go's. */
  readonly promote?: PromotionPolicy;

  /**
   * `'frozen'`: a value is decoded once and shared, deeply frozen, by all callers, if its codec allows (JSON and text do).
   * `'copy'`: every caller gets a value of its own, decoded afresh. Default `'frozen'`.
   */
  readonly share?: SharePolicy;

  /**
   * What values can be removed by, see `Group.removeByTag`: a value's tags, as the owner of its key says when it is loaded or
   * set; at most 16 KiB of JSON. A load fails with what the function throws, and with an `InvalidOptionError` for what is no
   * list of texts. Default none.
   */
  readonly tags?: (value: Value, key: string) => readonly string[];

  /**
   * Values may be removed though there are Go peers in the ring, who keep what they have for as long as they like, and answer
   * with it. Default `false`: a group with Go peers refuses removals, and to be made if it has `tags`.
   */
  readonly removesBesideGoPeers?: boolean;

  /**
   * Whether the next peer is asked for a copy where the owner of a key takes longer than 19 of 20 of its answers: 5 % more
   * questions at most, and never a second load. Default false.
   */
  readonly hedge?: boolean;

  /** How long a getter may take before the load fails with a `LoadTimeoutError`. Default `'30s'`. */
  readonly loadTimeout?: Duration;

  /**
   * Getter runs of the group at a time in this process; further loads wait for their turn. A run counts until it settles, or
   * its `loadTimeout` is over. 1 or more, or Infinity: a getter that asks its own group for other keys needs more of them at
   * a time than its gets are deep. Default 1,000.
   */
  readonly maxConcurrentLoads?: number;

  /**
   * Loads that wait for their turn; past them a load fails at once, with an `OverloadedError`. The wait is part of their
   * `loadTimeout`. 0 or more, or Infinity. Default 10,000.
   */
  readonly maxQueuedLoads?: number;

  /** The largest value that a getter may return or a peer may send. Default `'16MiB'`. */
  readonly maxValueBytes?: ByteSize;
}

export interface GroupOptions<Value> extends GroupSettings<Value> {
  /** Who owns which key. Default `noPeers`: this process owns all of them. */
  readonly peers?: PeerPicker;
  /** A bound over several groups. Default none. */
  readonly processBudget?: MemoryBudget;
  /** What is removed in this process, and in others that are connected to it. Default that of `peers`, or one of the group's own. */
  readonly invalidations?: InvalidationLog;
  /** Default `systemClock`. */
  readonly clock?: Clock;
  /**
   * Runs a function in an async context that is nobody's request; loads run in it. Default: the context in which the group
   * is made.
   */
  readonly outsideRequests?: <Result>(run: () => Result) => Result;
}

export interface ResolvedGroupOptions<Value> {
  readonly cacheBytes: number;
  readonly eviction: EvictionPolicy;
  readonly codec: Codec<Value>;
  readonly promote: PromotionPolicy;
  readonly shares: boolean;
  readonly loadTimeoutMs: number;
  readonly maxConcurrentLoads: number;
  readonly maxQueuedLoads: number;
  readonly lifetimes: ResolvedLifetimes<Value>;
  readonly maxValueBytes: number;
  readonly peers: PeerPicker;
  readonly processBudget: MemoryBudget;
  readonly clock: Clock;
  readonly tags: ((value: Value, key: string) => readonly string[]) | undefined;
  readonly mayRemove: boolean;
  readonly hedge: boolean;
}

/** Fills in the defaults. Throws an `InvalidOptionError` naming the first option that is not acceptable. */
export function resolveGroupOptions<Value>(options: GroupOptions<Value>): ResolvedGroupOptions<Value> {
  const codec = options.codec ?? (jsonCodec as Codec<Value>);
  if (typeof codec.encode !== 'function' || typeof codec.decode !== 'function') {
    throw new InvalidOptionError('codec', codec, 'expected an object with encode(value) and decode(view)');
  }
  const promote = options.promote ?? promoteOneIn(10);
  if (typeof promote !== 'function') {
    throw new InvalidOptionError(
      'promote',
      promote,
      'expected promoteOneIn(n), promoteByRate(), promoteAlways, promoteNever or a function',
    );
  }
  const eviction = options.eviction ?? 'tinylfu';
  if (eviction !== 'lru' && eviction !== 'tinylfu') {
    throw new InvalidOptionError('eviction', eviction, `expected 'lru' or 'tinylfu'`);
  }
  const share = options.share ?? 'frozen';
  if (share !== 'frozen' && share !== 'copy') {
    throw new InvalidOptionError('share', share, `expected 'frozen' or 'copy'`);
  }
  if (options.tags !== undefined && typeof options.tags !== 'function') {
    throw new InvalidOptionError('tags', options.tags, 'expected a function of a value that gives a list of texts');
  }
  if (options.hedge !== undefined && typeof options.hedge !== 'boolean') {
    throw new InvalidOptionError('hedge', options.hedge, 'expected true or false');
  }
  const peers = options.peers ?? noPeers;
  if (typeof peers.pickPeer !== 'function') {
    throw new InvalidOptionError('peers', peers, 'expected an object with pickPeer(key)');
  }
  const mayRemove = peers.hasGoPeers !== true || options.removesBesideGoPeers === true;
  if (options.tags !== undefined && !mayRemove) throw goPeersError(undefined);
  return {
    cacheBytes: toBytes('cacheBytes', options.cacheBytes ?? '64MiB'),
    eviction,
    codec,
    promote,
    shares: share === 'frozen' && codec.freezable === true,
    loadTimeoutMs: toMilliseconds('loadTimeout', options.loadTimeout ?? '30s'),
    maxConcurrentLoads: checkCountLimit('maxConcurrentLoads', options.maxConcurrentLoads ?? 1_000, 1),
    maxQueuedLoads: checkCountLimit('maxQueuedLoads', options.maxQueuedLoads ?? 10_000, 0),
    lifetimes: resolveLifetimes(options),
    maxValueBytes: toBytes('maxValueBytes', options.maxValueBytes ?? '16MiB'),
    peers,
    processBudget: options.processBudget ?? new MemoryBudget(Number.POSITIVE_INFINITY),
    clock: options.clock ?? systemClock,
    tags: options.tags,
    mayRemove,
    hedge: options.hedge ?? false,
  };
}

/** For what has to be removed in a ring in which some can't be told. */
export function goPeersError(value: boolean | undefined): InvalidOptionError {
  return new InvalidOptionError(
    'removesBesideGoPeers',
    value,
    'Go peers in the ring know of no removal, and answer with what they have: say true if that will do',
  );
}

/** `settings` over `defaults`. An explicit `undefined` means absent: it must not hide a default. */
export function mergeSettings<Value>(
  defaults: Omit<GroupSettings<any>, 'codec'> = {},
  settings: GroupSettings<Value>,
): GroupSettings<Value> {
  const merged: GroupSettings<Value> = { ...defined(defaults), ...defined(settings) };
  // One stands in the place of the other.
  if (settings.ttl !== undefined && settings.forever === undefined) return { ...merged, forever: undefined };
  return settings.forever === true && settings.ttl === undefined ? { ...merged, ttl: undefined } : merged;
}

function defined<Settings extends object>(settings: Settings): Partial<Settings> {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)) as Partial<Settings>;
}
