import type { Clock } from './clock.js';

/** Something that has to be over by a time. */
export interface Deadline {
  /** Set by the queue. */
  dueMs: number;
  /** Set by the queue: false once `onDue` has been called, or the deadline called off. */
  isPending: boolean;
  /** The time is over. */
  onDue(): void;
}

/** Spent entries that are kept at most, beside as many as are pending. */
const MAX_SPENT = 1024;

/**
 * Deadlines that are all equally far away when they are set, so that they fall due in their order: one timer for all of
 * them, which is not touched for each. None runs while none is set.
 */
export class DeadlineQueue {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  #queue: (Deadline | undefined)[] = [];
  #first = 0;
  #pending = 0;
  #stopTimer: (() => void) | undefined;

  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  /** Has `deadline.onDue` called once the timeout is over, unless it is called off before. */
  add(deadline: Deadline): void {
    // Not the coarse time: after a turn that was long it would be over too early.
    deadline.dueMs = this.#clock.now() + this.#timeoutMs;
    deadline.isPending = true;
    this.#queue.push(deadline);
    this.#pending++;
    this.#stopTimer ??= this.#clock.after(this.#timeoutMs, this.#ring);
  }

  /** Nothing happens to one that is over. */
  callOff(deadline: Deadline): void {
    if (!deadline.isPending) return;
    deadline.isPending = false;
    if (--this.#pending === 0) this.#clear();
    else if (this.#queue[this.#first] === deadline) this.#skipSpent();
    else if (this.#queue.length - this.#first > 2 * this.#pending + MAX_SPENT) this.#dropSpent();
  }

  readonly #ring = (): void => {
    this.#stopTimer = undefined;
    const nowMs = this.#clock.now();
    for (let head = this.#head(); head !== undefined && head.dueMs <= nowMs; head = this.#head()) {
      head.isPending = false;
      this.#pending--;
      head.onDue();
    }
    const next = this.#head();
    if (next === undefined) this.#clear();
    else {
      // One that has been added meanwhile has set it for its own time.
      (this.#stopTimer as (() => void) | undefined)?.();
      this.#stopTimer = this.#clock.after(Math.max(1, next.dueMs - nowMs), this.#ring);
    }
  };

  #head(): Deadline | undefined {
    this.#skipSpent();
    return this.#queue[this.#first];
  }

  #skipSpent(): void {
    while (this.#first < this.#queue.length && !this.#queue[this.#first]!.isPending) {
      // Not to be kept alive until the whole front is cut off.
      this.#queue[this.#first++] = undefined;
    }
    if (this.#first <= MAX_SPENT) return;
    this.#queue.splice(0, this.#first);
    this.#first = 0;
  }

  /** One that is far from its end may stand before any number of others. */
  #dropSpent(): void {
    this.#queue = this.#queue.filter((deadline) => deadline?.isPending);
    this.#first = 0;
  }

  #clear(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
    this.#queue = [];
    this.#first = 0;
  }
}
