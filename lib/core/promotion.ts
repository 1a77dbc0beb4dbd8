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

/** Mirrors everything: fewest requests between peers, most memory. */
export const promoteAlways: PromotionPolicy = () => true;

/** Mirrors nothing: every get of a foreign key asks its owner. */
export const promoteNever: PromotionPolicy = () => false;
