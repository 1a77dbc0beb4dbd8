import { AsyncLocalStorage } from 'node:async_hooks';
import { systemClock, type Clock } from '../core/clock.js';
import { PeerError } from '../core/errors.js';

/** First wait before a peer that is away is looked for again; doubles each time. */
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5_000;

/** Whether a peer is there: `'away'`, because it has failed or has said that it leaves, is asked for nothing. */
export type PeerState = 'up' | 'suspect' | 'away';

export interface PeerHealthOptions {
  /** Resolves if the peer is there and takes questions; rejects with a `PeerError` if not, by `connectTimeout` at the latest. */
  readonly probe: () => Promise<void>;
  /** The peer is away (by `error`, or by its own word), or is back. */
  readonly onChange: (state: 'away' | 'up', error: PeerError | undefined) => void;
  /** Default `systemClock`. */
  readonly clock?: Clock;
}

/**
 * Whether one peer can be asked: its circuit breaker.
 *
 * Fed by connections that fail and by answers that are none, never by how long a load takes or by what a getter says. A
 * failure has the peer looked at, beside all requests; if that fails as well, or where there is no doubt, the peer is away
 * until it has been seen again.
 */
export class PeerHealth {
  readonly #options: PeerHealthOptions;
  readonly #clock: Clock;
  readonly #outsideRequests = AsyncLocalStorage.snapshot();
  #state: PeerState = 'up';
  #isProbing = false;
  #misses = 0;
  #stopTimer: (() => void) | undefined;
  #isClosed = false;

  constructor(options: PeerHealthOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  get state(): PeerState {
    return this.#state;
  }

  get isAway(): boolean {
    return this.#state === 'away';
  }

  /** The peer has shown that it is there. */
  answered(): void {
    if (this.#state === 'up' || this.#isClosed) return;
    const wasAway = this.isAway;
    this.#state = 'up';
    this.#misses = 0;
    this.#stopTimer?.();
    if (wasAway) this.#options.onChange('up', undefined);
  }

  /** Something has failed that may be the peer's fault; without an `error`, why is what a look at it says. */
  failed(error?: PeerError): void {
    if (this.#state !== 'up' || this.#isClosed) return;
    this.#state = 'suspect';
    this.#probe(error);
  }

  /** The peer is not there, or (without an `error`) has said that it leaves. */
  lost(error: PeerError | undefined): void {
    if (this.isAway || this.#isClosed) return;
    this.#state = 'away';
    this.#options.onChange('away', error);
    this.#probeLater();
  }

  /** Looks for nobody any more. */
  close(): void {
    this.#isClosed = true;
    this.#stopTimer?.();
  }

  #probeLater(): void {
    this.#stopTimer?.();
    const waitMs = Math.min(FIRST_WAIT_MS * 2 ** this.#misses, LONGEST_WAIT_MS) * (0.5 + Math.random() / 2);
    this.#misses++;
    this.#stopTimer = this.#outsideRequests(() => this.#clock.after(waitMs, () => this.#probe(undefined)));
  }

  /** `because` of a failure that is in doubt. */
  #probe(because: PeerError | undefined): void {
    if (this.#isProbing || this.#isClosed) return;
    this.#isProbing = true;
    const ended = (then: () => void): void => {
      this.#isProbing = false;
      if (this.#isClosed || this.#state === 'up') return;
      then();
    };
    this.#outsideRequests(this.#options.probe).then(
      () => ended(() => this.answered()),
      (error: unknown) =>
        ended(() => {
          if (this.isAway) this.#probeLater();
          else this.lost(because ?? (error as PeerError));
        }),
    );
  }
}
