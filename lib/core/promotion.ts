import { InvalidOptionError } from './errors.js';

/** A value that has just come from its owner, about which a policy decides. */
export interface PromotionCandidate {
  readonly key: string;
  /** Bytes of the value. */
  readonly bytes: number;
  /** Requests per minute that the owner sees for the key, 0 if it does not say. */
  readonly minuteQps: number;
}

/** Decides whether a value owned by another peer is mirrored into this process's hot cache. Must not throw. */
export type PromotionPolicy = (candidate: PromotionCandidate) => boolean;

/**
 * Mirrors one fetched value in `count` at random, so that what is asked for often gets in soon: Go's own policy, with 10.
 *
 * `random` returns 0 up to 1. Throws an `InvalidOptionError` unless `count` is 1 or more.
 */
export function promoteOneIn(count: number, random: () => number = Math.random): PromotionPolicy {
  if (!(count >= 1)) throw new InvalidOptionError('promoteOneIn', count, 'expected a number of 1 or more');
  return () => random() * count < 1;
}

export interface RatePromotionOptions {
  /** How many times the average rate of what was fetched lately a value must be asked for. Default 4. */
  readonly times?: number;
  /** Decides where the owner does not say how often it is asked, as Go's does not. Default `promoteOneIn(10)`. */
  readonly whenUnknown?: PromotionPolicy;
}

/** Fetches after which what came before them counts for 1/e. */
const FETCHES_REMEMBERED = 500;

/**
 * Mirrors what its owner is asked for most, compared with what else has been fetched from owners lately, and leaves the
 * rest: where all keys are asked for alike it mirrors nothing.
 *
 * It remembers an average, so every group should have one of its own. It looks at rates only; bytes are a matter of the
 * group's eviction. Throws an `InvalidOptionError` unless `times` is a number above 0.
 */
export function promoteByRate(options: RatePromotionOptions = {}): PromotionPolicy {
  const { times = 4, whenUnknown = promoteOneIn(10) } = options;
  if (!(times > 0)) throw new InvalidOptionError('promoteByRate', times, 'expected a number above 0');
  let fetches = 0;
  let average = 0;
  return (candidate) => {
    const rate = candidate.minuteQps;
    if (!(rate > 0 && rate < Number.POSITIVE_INFINITY)) return whenUnknown(candidate);
    if (fetches < FETCHES_REMEMBERED) fetches++;
    average += (rate - average) / fetches;
    return rate >= times * average;
  };
}

/** Mirrors everything: fewest requests between peers, most memory. */
export const promoteAlways: PromotionPolicy = () => true;

/** Mirrors nothing: every get of a foreign key asks its owner. */
export const promoteNever: PromotionPolicy = () => false;
