/** First wait after a failure; doubles with each. */
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 10_000;
/** A peer that does not know links, or something on the way that does not, may be replaced some day. */
const DECLINED_WAIT_MS = 60_000;

/** When one peer may be dialed: not while it is being dialed, and not too soon after that failed. */
export class LinkDial {
  #isUnderWay = false;
  #failures = 0;
  #notBeforeMs = 0;

  /** Whether to dial now; it is under way then. */
  begin(nowMs: number): boolean {
    if (this.#isUnderWay || nowMs < this.#notBeforeMs) return false;
    this.#isUnderWay = true;
    return true;
  }

  succeed(): void {
    this.#isUnderWay = false;
    this.#failures = 0;
    this.#notBeforeMs = 0;
  }

  /** `isDeclined`: the peer has answered, and not by a link. */
  fail(nowMs: number, isDeclined: boolean): void {
    this.#isUnderWay = false;
    const waitMs = isDeclined ? DECLINED_WAIT_MS : Math.min(FIRST_WAIT_MS * 2 ** this.#failures, LONGEST_WAIT_MS);
    this.#failures++;
    // Or peers that lost each other at once would meet again at once.
    this.#notBeforeMs = nowMs + waitMs * (0.5 + Math.random() / 2);
  }
}
