import type { Clock } from '../core/clock.js';

interface Timer {
  readonly dueMs: number;
  readonly callback: () => void;
}

/**
 * A clock that stands still until it is told to move.
 *
 * Give it as `clock` to whatever has deadlines; then no test has to wait for one.
 */
export class ManualClock implements Clock {
  /** In the order in which they were set. */
  readonly #timers = new Set<Timer>();
  #nowMs: number;

  /** `startMs` is what `now()` says at first. Default 0. */
  constructor(startMs = 0) {
    this.#nowMs = startMs;
  }

  now(): number {
    return this.#nowMs;
  }

  after(milliseconds: number, callback: () => void): () => void {
    const timer: Timer = { dueMs: this.#nowMs + Math.max(0, milliseconds), callback };
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  }

  /** Timers that have neither fired nor been called off. */
  get pending(): number {
    return this.#timers.size;
  }

  /**
   * Moves on by `milliseconds` and calls, synchronously, what falls due on the way: the earliest first, of equals the one
   * set first, those that callbacks set meanwhile included. `now()` is each one's own time while it runs.
   *
   * Promises that the callbacks settle have not run their reactions yet when it returns.
   */
  advance(milliseconds: number): void {
    if (!(milliseconds >= 0)) throw new RangeError(`A clock can't be moved by ${milliseconds} ms`);
    const endMs = this.#nowMs + milliseconds;
    for (let timer = this.#nextDueBy(endMs); timer !== undefined; timer = this.#nextDueBy(endMs)) {
      this.#timers.delete(timer);
      this.#nowMs = timer.dueMs;
      timer.callback();
    }
    this.#nowMs = endMs;
  }

  #nextDueBy(endMs: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.dueMs <= endMs && (next === undefined || timer.dueMs < next.dueMs)) next = timer;
    }
    return next;
  }
}
