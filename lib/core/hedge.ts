import type { Clock } from './clock.js';

/** Answers of a peer before its time is known well enough. */
const LEAST_ANSWERS = 20;
/** Share of what is asked that may be asked once more, and how much of that can be saved up. */
const BUDGET_SHARE = 0.05;
const MAX_SAVED = 10;
/** How far one answer moves what is taken for the 95th percentile, as a share of it. */
const STEP = 0.1;
const LEAST_MS = 1;

interface PeerTimes {
  answers: number;
  p95Ms: number;
}

/**
 * When a question to a peer has taken so long that somebody else is asked as well: longer than 19 of 20 of that peer's answers,
 * and within a budget of 5 % of all questions.
 */
export class Hedge {
  readonly #clock: Clock;
  readonly #peers = new Map<string, PeerTimes>();
  #saved = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `peer` is asked: calls `late` once that takes too long, unless the returned function is called, within its answer, before. */
  watch(peer: string, late: () => void): (hasAnswered: boolean) => void {
    const startMs = this.#clock.now();
    this.#saved = Math.min(this.#saved + BUDGET_SHARE, MAX_SAVED);
    const times = this.#timesOf(peer);
    const stop =
      times.answers < LEAST_ANSWERS
        ? undefined
        : this.#clock.after(times.p95Ms, () => {
            if (this.#saved < 1) return;
            this.#saved--;
            late();
          });
    return (hasAnswered) => {
      stop?.();
      if (hasAnswered) learn(times, this.#clock.now() - startMs);
    };
  }

  /** Of each peer that is asked: as many as there are in the lists. */
  #timesOf(peer: string): PeerTimes {
    let times = this.#peers.get(peer);
    if (times === undefined) this.#peers.set(peer, (times = { answers: 0, p95Ms: LEAST_MS }));
    return times;
  }
}

/** Up by 19 steps where an answer has taken longer, down by one where it has not: it rests where 19 of 20 have not. */
function learn(times: PeerTimes, tookMs: number): void {
  times.answers++;
  const step = (STEP * Math.max(times.p95Ms, LEAST_MS)) / 19;
  times.p95Ms = Math.max(LEAST_MS, tookMs > times.p95Ms ? times.p95Ms + 19 * step : times.p95Ms - step);
}
