import { AsyncLocalStorage } from 'node:async_hooks';
import { systemClock, type Clock } from '../../core/clock.js';
import type { InvalidationLog } from '../../core/invalidation-log.js';
import type { InvalidationResult } from '../../core/invalidation-result.js';
import { Confirmations } from './confirmations.js';
import type { PeerLink } from './peer-link.js';

/** A link, as far as invalidations go. */
export type ExchangeLink = Pick<PeerLink, 'peer' | 'bootId' | 'invalidations'>;

/** How often what is not confirmed is said again, and links that are missing are dialed. */
const REPEAT_MS = 250;

/** So many of one turn's are told before the rest of them: those that come first must not be forgotten meanwhile. */
const MAX_UNTOLD = 1_000;

export interface InvalidationExchangeOptions {
  readonly log: InvalidationLog;
  /** Those that are not closed. */
  readonly links: () => Iterable<ExchangeLink>;
  /** URLs of the other peers. */
  readonly peers: () => readonly string[];
  /** Dials the peers to whom there is no link. */
  readonly dial: () => void;
  /** Default `systemClock`. */
  readonly clock?: Clock;
}

/**
 * Has what this process invalidates applied by all peers, and tells and asks them what they or this process have missed.
 *
 * Nothing runs before the first invalidation that this process makes or hears of.
 */
export class InvalidationExchange {
  readonly #options: InvalidationExchangeOptions;
  readonly #log: InvalidationLog;
  readonly #clock: Clock;
  readonly #confirmations: Confirmations;
  readonly #outsideRequests = AsyncLocalStorage.snapshot();
  readonly #unwatch: () => void;
  #stopTimer: (() => void) | undefined;
  #isScheduled = false;
  #untold = 0;
  #isClosed = false;

  constructor(options: InvalidationExchangeOptions) {
    this.#options = options;
    this.#log = options.log;
    this.#clock = options.clock ?? systemClock;
    this.#confirmations = new Confirmations(this.#clock);
    this.#unwatch = options.log.watch((origin) => this.#logChanged(origin));
  }

  /** Resolves once all peers have confirmed this process's invalidations up to `seq`, or `timeoutMs` is over. */
  confirm(seq: number, timeoutMs: number): Promise<InvalidationResult> {
    const peers = this.#options.peers();
    if (peers.length > 0) this.#options.dial();
    return this.#confirmations.of(seq, peers, timeoutMs);
  }

  /** A link is open: what both sides have applied has to be said. */
  opened(link: ExchangeLink): void {
    link.invalidations?.begin();
  }

  /** The other side of `link` has said what it has applied. */
  heard(link: ExchangeLink): void {
    if (this.#log.vector.size > 0 || link.invalidations?.isBehind === true) this.#start();
    const seq = link.invalidations?.heardOf(this.#log.origin) ?? 0;
    if (seq > 0) this.#confirmations.confirm(link.peer, seq);
  }

  close(): void {
    this.#isClosed = true;
    this.#unwatch();
    this.#stopTimer?.();
  }

  #logChanged(origin: string): void {
    this.#start();
    for (const link of this.#options.links()) {
      link.invalidations?.logChanged();
      // It waits for the confirmation.
      if (link.bootId === origin) link.invalidations?.tell();
    }
    if (origin !== this.#log.origin) return;
    if (++this.#untold >= MAX_UNTOLD) return this.#tellAll();
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    // Several that are made at once go together.
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.#tellAll();
    });
  }

  #tellAll(): void {
    this.#untold = 0;
    for (const link of this.#options.links()) link.invalidations?.tell();
  }

  #start(): void {
    if (this.#stopTimer !== undefined || this.#isClosed) return;
    this.#stopTimer = this.#outsideRequests(() => this.#clock.after(REPEAT_MS, () => this.#repeat()));
  }

  #repeat(): void {
    this.#stopTimer = undefined;
    this.#start();
    this.#options.dial();
    for (const link of this.#options.links()) link.invalidations?.repeat();
  }
}
