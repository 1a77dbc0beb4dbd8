import type { Clock } from './clock.js';

/** Requests are taken to have come together within one tick. */
const TICK_MS = 10_000;

/** Ticks until what is remembered has sunk to 1/e. */
const TICKS_PER_MINUTE = 60_000 / TICK_MS;

/** The clock is read once in so many requests, and whenever a rate is asked for. */
const REQUESTS_PER_CLOCK_READING = 64;

/** A packed rate: 9 bits of time in ticks above 22 bits of requests in sixteenths. */
const COUNT_BITS = 22;
const COUNT_MASK = 2 ** COUNT_BITS - 1;
const TICK_MASK = 2 ** 9 - 1;
const ONE_REQUEST = 16;

const decay = Float64Array.from({ length: 128 }, (_, ticks) => Math.exp(-ticks / TICKS_PER_MINUTE));

/**
 * Rates of requests, each in one number of 31 bits (8 bytes of an object): requests in about the last minute, those of
 * a minute ago counted for 1/e.
 *
 * A steady rate is found within 10 %, up to 262,143 a minute, which stands for more as well. What was not asked for for
 * 85 minutes may look as if that had been a moment ago.
 */
export class RequestRate {
  readonly #clock: Clock;
  #tick: number;
  #unread = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#tick = tickOf(clock);
  }

  /** `rate` with one more request; 0 is a rate without any. Allocates nothing. */
  record(rate: number): number {
    if (++this.#unread === REQUESTS_PER_CLOCK_READING) this.#readClock();
    const count = this.#decayed(rate) + ONE_REQUEST;
    return (this.#tick << COUNT_BITS) | (count < COUNT_MASK ? count : COUNT_MASK);
  }

  /** Requests a minute, as of now. */
  perMinute(rate: number): number {
    this.#readClock();
    return this.#decayed(rate) / ONE_REQUEST;
  }

  #decayed(rate: number): number {
    const count = rate & COUNT_MASK;
    const ticks = (this.#tick - (rate >>> COUNT_BITS)) & TICK_MASK;
    return ticks === 0 ? count : Math.trunc(count * (decay[ticks] ?? 0));
  }

  #readClock(): void {
    this.#unread = 0;
    this.#tick = tickOf(this.#clock);
  }
}

function tickOf(clock: Clock): number {
  return Math.floor(clock.now() / TICK_MS) & TICK_MASK;
}
