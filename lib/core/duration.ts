import { InvalidOptionError } from './errors.js';

/** Milliseconds, or a number with a unit: `250`, `'250ms'`, `'5s'`, `'10m'`, `'1.5h'`, `'1d'`. */
export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`;

const millisecondsPerUnit: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Node's timers take no more than 2^31-1 ms (24.8 days) and fire at once past it. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** The longest that a value may live, unless it does for ever. No timer waits for its end. */
export const MAX_LIFETIME_MS = 3_650 * 86_400_000;

/** `duration` in milliseconds. Throws an `InvalidOptionError` naming `option` unless it is positive and fits a timer. */
export function toMilliseconds(option: string, duration: Duration): number {
  return parsed(option, duration, MAX_TIMER_MS, '24 days');
}

/** As `toMilliseconds`, but up to `MAX_LIFETIME_MS`. */
export function toLifetime(option: string, duration: Duration): number {
  return parsed(option, duration, MAX_LIFETIME_MS, '3650 days');
}

function parsed(option: string, duration: Duration, maxMs: number, max: string): number {
  const milliseconds = typeof duration === 'number' ? duration : parseDuration(duration);
  if (!(milliseconds > 0 && milliseconds <= maxMs)) {
    throw new InvalidOptionError(
      option,
      duration,
      `expected milliseconds above 0, or a duration such as '250ms', '5s', '10m', '1h', at most ${max}`,
    );
  }
  return milliseconds;
}

function parseDuration(text: unknown): number {
  const match = typeof text === 'string' ? /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text.trim()) : null;
  return match === null ? Number.NaN : Number(match[1]) * millisecondsPerUnit[match[2]!]!;
}
