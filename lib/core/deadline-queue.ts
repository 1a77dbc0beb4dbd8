import type { Clock } from './clock.js';

/** What `DeadlineQueue.add` gives, to call it off. */
export interface Deadline {
  readonly dueMs: number;
  /** `undefined` once it has been called, or called off. */
  callback: (() => void) | undefined;
}

/** Spent entries at the front that are kept at most. */
const MAX_SPENT = 1024;

/**
 * Deadlines that are all equally far away when they are set, so that they fall due in their order: one timer for all of
 * them, which is not touched for each. None runs while none is set.
 */
export class DeadlineQueue {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  #queue: Deadline[] = [];
  #first = 0;
  #pending = 0;
  #stopTimer: (() => void) | undefined;

  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  /** `callback` is called once the timeout is over, unless the deadline is called off before. */
  add(callback: () => void): Deadline {
    const deadline: Deadline = { dueMs: this.#clock.now() + this.#timeoutMs, callback };
    this.#queue.push(deadline);
    this.#pending++;
    this.#stopTimer ??= this.#clock.after(this.#timeoutMs, this.#ring);
    return deadline;
  }

  /** Nothing happens to one that is over. */
  callOff(deadline: Deadline): void {
    if (deadline.callback === undefined) return;
    deadline.callback = undefined;
    if (--this.#pending === 0) this.#clear();
    else if (this.#queue[this.#first] === deadline) this.#skipSpent();
  }

  readonly #ring = (): void => {
    this.#stopTimer = undefined;
    const nowMs = this.#clock.now();
    for (let head = this.#head(); head !== undefined && head.dueMs <= nowMs; head = this.#head()) {
      const { callback } = head;
      head.callback = undefined;
      this.#pending--;
      callback!();
    }
    const next = this.#head();
    if (next === undefined) this.#clear();
    else this.#stopTimer ??= this.#clock.after(Math.max(1, next.dueMs - nowMs), this.#ring);
  };

  #head(): Deadline | undefined {
    this.#skipSpent();
    return this.#queue[this.#first];
  }

  #skipSpent(): void {
    while (this.#first < this.#queue.length && this.#queue[this.#first]!.callback === undefined) this.#first++;
    if (this.#first <= MAX_SPENT) return;
    this.#queue.splice(0, this.#first);
    this.#first = 0;
  }

  #clear(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    this.#queue = [];
    this.#first = 0;
  }
}
