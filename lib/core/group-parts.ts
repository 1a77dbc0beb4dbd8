import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { EntryValues } from './entry-values.js';
import { ExpirySweep } from './expiry-sweep.js';
import { GroupCache } from './group-cache.js';
import { checkGroupName } from './group-name.js';
import { resolveGroupOptions, type GroupOptions, type ResolvedGroupOptions } from './group-options.js';
import { zeroStats, type MutableGroupStats } from './group-stats.js';
import { InvalidationLog } from './invalidation-log.js';
import { Lifetimes } from './lifetimes.js';
import type { OutsideRequests } from './peer-question.js';
import { TagMarks } from './tag-marks.js';

/** What a group and its rooms share. */
export interface GroupParts<Value> {
  /** The group's. */
  readonly name: string;
  readonly options: ResolvedGroupOptions<Value>;
  readonly cache: GroupCache;
  readonly values: EntryValues<Value>;
  readonly lifetimes: Lifetimes<Value>;
  readonly sweep: ExpirySweep;
  readonly tagMarks: TagMarks;
  /** Of all groups of the process. */
  readonly invalidations: InvalidationLog;
  readonly counters: MutableGroupStats;
  readonly outsideRequests: OutsideRequests;
}

/** Throws an `InvalidOptionError` if the name or an option is not acceptable. */
export function createGroupParts<Value>(name: string, options: GroupOptions<Value>): GroupParts<Value> {
  checkGroupName(name);
  const resolved = resolveGroupOptions(options);
  const { cacheBytes, clock, codec, eviction, peers, processBudget, shares } = resolved;
  const lifetimes = new Lifetimes(resolved.lifetimes, clock);
  const outsideRequests = options.outsideRequests ?? AsyncLocalStorage.snapshot();
  const cache = new GroupCache({
    cacheBytes,
    eviction,
    processBudget,
    clock,
    keepsDecoded: shares,
    decodedFactor: codec.decodedFactor ?? 0,
  });
  return {
    name,
    options: resolved,
    cache,
    values: new EntryValues(codec, shares),
    lifetimes,
    sweep: new ExpirySweep({ cache, clock, lifetimes, outsideRequests }),
    tagMarks: new TagMarks(cache),
    invalidations: options.invalidations ?? peers.invalidations ?? new InvalidationLog(randomUUID()),
    counters: zeroStats(),
    outsideRequests,
  };
}
