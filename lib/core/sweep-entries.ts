// Not the global one: who takes time in hand for a test must not stop the turns.
import { setImmediate } from 'node:timers';
import type { CacheEntry } from './cache-entry.js';
import type { GroupCache } from './group-cache.js';

/** Entries that are looked at in one turn of the event loop: some ten microseconds. */
const ENTRIES_A_TURN = 1_000;

/**
 * Takes out of `cache` what `isOld`, looking at some entries in each turn of the event loop, and calls `onEnd`.
 *
 * Begins with what has been used last, so that what it misses, since the cache changes meanwhile, has been used or has come
 * meanwhile; only where just the entry is evicted that a turn has ended with, it ends early.
 */
export function sweepEntries(cache: GroupCache, isOld: (entry: CacheEntry) => boolean, onEnd: () => void): void {
  const entries = cache.entries();
  let old: string[] = [];
  const turn = (): void => {
    let next = entries.next();
    // The iteration has gone on from all of these.
    for (const key of old) cache.delete(key);
    old = [];
    for (let count = 1; next.done !== true; count++, next = entries.next()) {
      const [key, entry] = next.value;
      if (isOld(entry)) old.push(key);
      if (count === ENTRIES_A_TURN) {
        setImmediate(turn).unref();
        return;
      }
    }
    for (const key of old) cache.delete(key);
    onEnd();
  };
  turn();
}
