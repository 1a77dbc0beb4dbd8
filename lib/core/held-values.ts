import { coarseNow } from './clock.js';
import type { ByteView } from './byte-view.js';
import type { CacheEntry } from './cache-entry.js';
import type { GroupParts } from './group-parts.js';
import type { PeerReply } from './peer-picker.js';
import type { Renewal, StaleValues } from './stale-values.js';

/** What a group holds in memory: which of it may be served, and what it is for callers and for peers. */
export class HeldValues<Value> {
  readonly #parts: GroupParts<Value>;
  readonly #stale: StaleValues<Value>;

  constructor(parts: GroupParts<Value>, stale: StaleValues<Value>) {
    this.#parts = parts;
    this.#stale = stale;
  }

  /** What is held of `key` and may be served at once, counted as a get; it may be that there is no value. */
  get(key: string, renew: Renewal): CacheEntry | undefined {
    const { cache, counters, options, tagMarks } = this.#parts;
    counters.gets++;
    const entry = cache.get(key);
    if (entry === undefined) return undefined;
    if (entry.extras !== undefined && tagMarks.isOld(entry)) return undefined;
    const { dueMs } = entry;
    const isDue = dueMs !== 0 && dueMs <= coarseNow(options.clock);
    if (isDue && !this.#stale.mayServe(key, entry, renew)) return undefined;
    counters.cacheHits++;
    return entry;
  }

  /** What is held of `key` and is good, not counted. */
  peek(key: string): CacheEntry | undefined {
    const { cache, lifetimes, tagMarks } = this.#parts;
    const entry = cache.touch(key);
    return entry === undefined || tagMarks.isOld(entry) || !lifetimes.isFresh(entry) ? undefined : entry;
  }

  /** What is held of `key` is no more than a copy from now on. */
  demote(key: string): void {
    const { cache, lifetimes } = this.#parts;
    const entry = cache.peek(key);
    if (entry === undefined || cache.hasCopy(key)) return;
    // Copies have a time of their own, which this one does not know.
    if (lifetimes.limitsCopies) cache.delete(key);
    else cache.keep('hot', key, entry);
  }

  /** What a peer is told that asks for what is held alone; `undefined`: nothing is. */
  peekReply(key: string): PeerReply | undefined {
    const entry = this.peek(key);
    return entry === undefined ? undefined : this.replyOf(entry);
  }

  /** Throws an `UndecodableValueError`, and does not keep what can't be decoded. */
  valueOf(key: string, entry: CacheEntry | undefined): Value | undefined {
    if (entry === undefined || entry.isNotFound) return undefined;
    const { cache, values } = this.#parts;
    try {
      return values.valueOf(entry);
    } catch (error) {
      // Or every later get would fail on the same bytes.
      cache.delete(key);
      throw error;
    }
  }

  viewOf(entry: CacheEntry | undefined): ByteView | undefined {
    return entry === undefined || entry.isNotFound ? undefined : this.#parts.values.viewOf(entry);
  }

  /** What a peer is told. A codec that fails is an answer as well. */
  replyOf(entry: CacheEntry | undefined): PeerReply {
    if (entry === undefined) return { outcome: 'notFound' };
    const { cache, lifetimes, values } = this.#parts;
    const ttlMs = lifetimes.remainingMs(entry);
    if (entry.isNotFound) return { outcome: 'notFound', ttlMs };
    try {
      const value = values.viewOf(entry);
      return { outcome: 'value', value, minuteQps: cache.minuteQps(entry), ttlMs, tags: tagsOf(entry) };
    } catch (error) {
      return { outcome: 'failed', error: asError(error) };
    }
  }
}

function tagsOf({ extras }: CacheEntry): readonly string[] | undefined {
  return extras === undefined || extras.tags.length === 0 ? undefined : extras.tags;
}

export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
