import { AsyncLocalStorage } from 'node:async_hooks';
import { systemClock, type Clock } from '../core/clock.js';
import type { HttpPool } from './http-pool.js';
import { checkSelf, type SelfCheck } from './self-check.js';

const CHECK_EVERY_MS = 60_000;

/** Where several processes answer in turn, each is right now and then. */
const RIGHT_IN_A_ROW = 5;

export interface SelfWatchOptions {
  /** Is told when `self` turns out to be wrong, and when it has been right again for five checks; not that it is right. */
  readonly onChange: (check: SelfCheck) => void;
  readonly clock?: Clock;
}

/**
 * Checks again and again, about once a minute, that the process that answers at `self` is this one: what is in front of it
 * may change, and where several share a URL, this one answers now and then.
 *
 * A process that finds itself wrong stays with its peers: by itself it would hear of no removal at all, and among them it
 * does by each answer and whenever it has a link.
 */
export class SelfWatch {
  readonly #pool: HttpPool;
  readonly #onChange: (check: SelfCheck) => void;
  readonly #clock: Clock;
  readonly #outsideRequests = AsyncLocalStorage.snapshot();
  readonly #ended = new AbortController();
  #isStarted = false;
  #isRight = true;
  #rightInARow = 0;
  #stopTimer: (() => void) | undefined;

  constructor(pool: HttpPool, { onChange, clock = systemClock }: SelfWatchOptions) {
    this.#pool = pool;
    this.#onChange = onChange;
    this.#clock = clock;
  }

  /** Checks at once, unless it has been started, and then about every minute in which there are other peers. */
  start(): void {
    if (this.#isStarted || this.#ended.signal.aborted) return;
    this.#isStarted = true;
    this.#outsideRequests(() => void this.#check());
  }

  /** A check that is under way is given up. */
  end(): void {
    this.#ended.abort(new Error('the watch has ended'));
    this.#stopTimer?.();
  }

  async #check(): Promise<void> {
    const { signal } = this.#ended;
    if (this.#pool.hasPeers) {
      const check = await checkSelf(this.#pool, signal);
      if (signal.aborted) return;
      // Without peers nothing is served, to oneself neither.
      if (this.#pool.hasPeers) this.#note(check);
    }
    // Processes that have been started together are not to check together.
    const waitMs = CHECK_EVERY_MS * (0.75 + Math.random() / 2);
    this.#stopTimer = this.#clock.after(waitMs, () => void this.#check());
  }

  #note(check: SelfCheck): void {
    this.#rightInARow = check.isSelf ? this.#rightInARow + 1 : 0;
    const isRight = check.isSelf && (this.#isRight || this.#rightInARow >= RIGHT_IN_A_ROW);
    if (isRight === this.#isRight) return;
    this.#isRight = isRight;
    this.#onChange(check);
  }
}
