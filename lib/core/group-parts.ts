import type { EntryValues } from './entry-values.js';
import type { ExpirySweep } from './expiry-sweep.js';
import type { GroupCache } from './group-cache.js';
import type { ResolvedGroupOptions } from './group-options.js';
import type { MutableGroupStats } from './group-stats.js';
import type { InvalidationLog } from './invalidation-log.js';
import type { Lifetimes } from './lifetimes.js';
import type { OutsideRequests } from './peer-question.js';
import type { TagMarks } from './tag-marks.js';

/** What a group's loads share with it. */
export interface GroupParts<Value> {
  /** The group's. */
  readonly name: string;
  readonly options: ResolvedGroupOptions<Value>;
  readonly cache: GroupCache;
  readonly values: EntryValues<Value>;
  readonly lifetimes: Lifetimes<Value>;
  readonly tagMarks: TagMarks;
  /** Of all groups of the process. */
  readonly invalidations: InvalidationLog;
  readonly sweep: ExpirySweep<Value>;
  readonly counters: MutableGroupStats;
  readonly outsideRequests: OutsideRequests;
}
