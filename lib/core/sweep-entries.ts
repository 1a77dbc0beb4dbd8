// Not the global one: who takes time in hand for a test must not stop the turns.
import { setImmediate } from 'node:timers';
import type { CacheEntry } from './cache-entry.js';
import type { GroupCache } from './group-cache.js';

/** Entries that are looked at in one turn of the event loop: a hundred microseconds or two. */
const ENTRIES_A_TURN = 250;

/**
 * Takes out of `cache` what `isOld`, looking at some entries in each turn of the event loop, and calls `onEnd`.
 *
 * What comes, or is used, meanwhile may be missed; and where just the entry is evicted that the next turn was to begin with,
 * it ends early.
 */
export function sweepEntries(cache: GroupCache, isOld: (entry: CacheEntry) => boolean, onEnd: () => void): void {
  const entries = cache.entries();
  const turn = (first: IteratorResult<[string, CacheEntry]>): void => {
    const old: [string, CacheEntry][] = [];
    let next = first;
    for (let count = 0; next.done !== true && count < ENTRIES_A_TURN; count++, next = entries.next()) {
      if (isOld(next.value[1])) old.push(next.value);
    }
    // Not the one that the iteration stands at, whose place in the cache might be another's by the next turn.
    for (const [key, entry] of old) if (cache.peek(key) === entry) cache.delete(key);
    if (next.done === true) return onEnd();
    setImmediate(turn, next).unref();
  };
  turn(entries.next());
}
