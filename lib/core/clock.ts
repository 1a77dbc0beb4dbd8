/**
 * Time and timers, so that tests can hold them in hand.
 *
 * `systemClock` is the process's own; `ManualClock` of `nestjs-groupcache/testing` moves when it is told to.
 */
export interface Clock {
  /** Milliseconds on a clock that never goes backwards, from an arbitrary start. */
  now(): number;

  /**
   * Calls `callback` once after `milliseconds`, unless the returned function is called first. Does not keep the process
   * alive.
   */
  after(milliseconds: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after(milliseconds, callback) {
    const timer = setTimeout(callback, milliseconds);
    timer.unref();
    return () => clearTimeout(timer);
  },
};
