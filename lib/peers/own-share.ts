import { systemClock, type Clock } from '../core/clock.js';
import { mixedHash } from '../core/mixed-hash.js';

const STEPS = 8;
const STEP_MS = 125;

/** Whether a peer that takes `share` of its keys takes `key`: the same keys at everybody, and all that it took with less. */
export function takesBy(share: number, key: string): boolean {
  // Of another text than the ring's, which would make it a piece of the ring.
  return share === 1 || mixedHash(`share ${key}`) < share * 2 ** 32;
}

/**
 * Which share of its keys this process takes: all of them; of a cluster that is warm more and more within a second, so that it
 * does not get all of its load while it is cold; none once it is leaving.
 */
export class OwnShare {
  readonly #announce: (share: number) => void;
  readonly #clock: Clock;
  #share = 1;
  #isLeaving = false;
  /** While it grows, however often it has begun anew. */
  #grown: Promise<void> | undefined;
  #endGrowth: () => void = () => undefined;
  #stopTimer: (() => void) | undefined;

  /** `announce` is called at each change. */
  constructor(announce: (share: number) => void, clock: Clock = systemClock) {
    this.#announce = announce;
    this.#clock = clock;
  }

  get value(): number {
    return this.#share;
  }

  takes(key: string): boolean {
    return takesBy(this.#share, key);
  }

  /** Begins with a small share, again if need be, and resolves once that has become all, or this process leaves. */
  grow(): Promise<void> {
    this.#grown ??= new Promise((resolve) => (this.#endGrowth = resolve));
    const grown = this.#grown;
    this.#stopTimer?.();
    if (this.#isLeaving) this.#endGrowth();
    else this.#step(1);
    return grown;
  }

  /** Takes nothing from now on. */
  leave(): void {
    this.#isLeaving = true;
    this.#stopTimer?.();
    this.#set(0);
    this.#endGrowth();
  }

  #step(step: number): void {
    this.#set(step / STEPS);
    if (step < STEPS) {
      this.#stopTimer = this.#clock.after(STEP_MS, () => this.#step(step + 1));
      return;
    }
    this.#grown = undefined;
    this.#endGrowth();
  }

  #set(share: number): void {
    if (this.#share === share) return;
    this.#share = share;
    this.#announce(share);
  }
}
