import { InvalidOptionError } from './errors.js';

/** `limit` if it is a whole number of `least` or more, or Infinity; throws an `InvalidOptionError` otherwise. */
export function checkCountLimit(option: string, limit: number, least: number): number {
  if (limit === Number.POSITIVE_INFINITY || (Number.isInteger(limit) && limit >= least)) return limit;
  throw new InvalidOptionError(option, limit, `expected a whole number of ${least} or more, or Infinity`);
}
