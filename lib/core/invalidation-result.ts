import { toMilliseconds, type Duration } from './duration.js';
import { InvalidOptionError, PartialRemovalError } from './errors.js';

/** What is said of a removal or a set. */
export interface InvalidationOptions {
  /** How long to wait for the peers' confirmations. Default `'500ms'`. */
  readonly timeout?: Duration;

  /** `'all'`: rejects with a `PartialRemovalError` where a peer has not confirmed in time. Default: the result says so. */
  readonly require?: 'all';

  /**
   * Removes once more after this time, in the background: for a getter that reads a replica that lags behind by less. Not
   * for `set`. Default not.
   */
  readonly after?: Duration;
}

/** Who has confirmed. A peer that has does not answer with anything older any more, nor does it hand on such an answer. */
export interface InvalidationResult {
  /** Whether nobody is pending. */
  readonly complete: boolean;
  /** URLs of the peers that have confirmed. */
  readonly acknowledged: readonly string[];
  /** URLs of the peers that have not. They find out as soon as they can be reached; until then `ttl` is the bound. */
  readonly pending: readonly string[];
}

export interface SetResult extends InvalidationResult {
  /** `false`: it was carried out as a removal, since the owner of the key could not be asked or takes another one for it. */
  readonly stored: boolean;
}

export const noPeersResult: InvalidationResult = Object.freeze({ complete: true, acknowledged: [], pending: [] });

const DEFAULT_TIMEOUT_MS = 500;

export interface ResolvedInvalidationOptions {
  readonly timeoutMs: number;
  readonly requiresAll: boolean;
  /** 0: not. */
  readonly afterMs: number;
}

/** Fills in the defaults. Throws an `InvalidOptionError` naming the first option that is not acceptable. */
export function resolveInvalidationOptions(options: InvalidationOptions = {}): ResolvedInvalidationOptions {
  const { after, require, timeout } = options;
  if (require !== undefined && require !== 'all') {
    throw new InvalidOptionError('require', require, `expected 'all', or nothing`);
  }
  return {
    timeoutMs: timeout === undefined ? DEFAULT_TIMEOUT_MS : toMilliseconds('timeout', timeout),
    requiresAll: require === 'all',
    afterMs: after === undefined ? 0 : toMilliseconds('after', after),
  };
}

/** `result`, if it is what has been asked for; throws a `PartialRemovalError` otherwise. */
export function checkResult<Result extends InvalidationResult>(
  group: string,
  result: Result,
  { requiresAll }: ResolvedInvalidationOptions,
): Result {
  if (requiresAll && !result.complete) throw new PartialRemovalError(group, result);
  return result;
}
