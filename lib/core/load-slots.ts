import type { OutsideRequests } from './peer-question.js';

/** A load that waits for a slot. */
export interface QueuedLoad {
  /** Its turn has come, and it has a slot. Must not throw. */
  begin(): void;
}

export interface LoadSlotsOptions {
  /** Loads that run at a time; may be infinite. */
  readonly maxRunning: number;
  /** Loads that wait at a time; may be infinite. */
  readonly maxQueued: number;
  /** Loads that have waited begin in it. */
  readonly outsideRequests: OutsideRequests;
}

/**
 * Bounds the loads that run at a time: further ones wait, in order, in a queue that is bounded too.
 *
 * While there are slots, a load costs a number that goes up and down.
 */
export class LoadSlots {
  readonly #options: LoadSlotsOptions;
  #running = 0;
  #queue = new Set<QueuedLoad>();
  /** Over the queue, as it stands when it is asked: one that began anew would pass all who have left since. */
  #order = this.#queue.values();
  #isScheduled = false;

  constructor(options: LoadSlotsOptions) {
    this.#options = options;
  }

  get running(): number {
    return this.#running;
  }

  get queued(): number {
    return this.#queue.size;
  }

  /** Whether a load can neither run nor wait. */
  get isFull(): boolean {
    return this.#queue.size >= this.#options.maxQueued && !this.#isFree;
  }

  /** Takes a slot, which must be released; false if there is none, or others wait for one. */
  take(): boolean {
    if (!this.#isFree) return false;
    this.#running++;
    return true;
  }

  /** The load is over. The next one begins within the same turn of the event loop, but not within this call. */
  release(): void {
    this.#running--;
    if (this.#queue.size === 0 || this.#isScheduled) return;
    this.#isScheduled = true;
    // Loads that end at once would call each other, as deep as the queue is long.
    queueMicrotask(this.#beginNext);
  }

  /** Has `load` begin when it is its turn. To be called after `take` has failed, unless `isFull`. */
  queue(load: QueuedLoad): void {
    this.#queue.add(load);
  }

  /** `load` does not wait any more. */
  leave(load: QueuedLoad): void {
    this.#queue.delete(load);
  }

  get #isFree(): boolean {
    return this.#running < this.#options.maxRunning && this.#queue.size === 0;
  }

  readonly #beginNext = (): void => {
    this.#isScheduled = false;
    while (this.#running < this.#options.maxRunning && this.#queue.size > 0) {
      const load = this.#order.next().value!;
      this.#queue.delete(load);
      this.#running++;
      this.#options.outsideRequests(() => load.begin());
    }
    if (this.#queue.size > 0) return;
    // A set that entries pass through keeps more and more of what it has been.
    this.#queue = new Set();
    this.#order = this.#queue.values();
  };
}
