// Not the global one: who takes time in hand for a test must not stop the turns.
import { setImmediate } from 'node:timers';

/**
 * Time and timers, so that tests can hold them in hand.
 *
 * `systemClock` is the process's own; `ManualClock` of `nestjs-groupcache/testing` moves when it is told to.
 */
export interface Clock {
  /** Milliseconds, 0 or more, on a clock that never goes backwards, from an arbitrary start. */
  now(): number;

  /** As `now`, but perhaps as old as the running turn of the event loop, for those who ask very often. Default `now`. */
  coarseNow?(): number;

  /**
   * Calls `callback` once after `milliseconds`, unless the returned function is called first. Does not keep the process
   * alive.
   */
  after(milliseconds: number, callback: () => void): () => void;
}

/** What `systemClock.coarseNow` says until the turn is over; below 0 there is none. */
let turnMs = -1;
const endTurn = (): void => {
  turnMs = -1;
};

export const systemClock: Clock = {
  now: () => performance.now(),
  coarseNow() {
    if (turnMs < 0) {
      turnMs = performance.now();
      setImmediate(endTurn);
    }
    return turnMs;
  },
  after(milliseconds, callback) {
    const timer = setTimeout(callback, milliseconds);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** The time by `clock`, as coarse as it may be. */
export function coarseNow(clock: Clock): number {
  return clock.coarseNow === undefined ? clock.now() : clock.coarseNow();
}
