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

/** `duration` in milliseconds. Throws an `InvalidOptionError` naming `option` unless it is positive and fits a timer. */
export function toMilliseconds(option: string, duration: Duration): number {
  const milliseconds = typeof duration === 'number' ? duration : parseDuration(duration);
  if (!(milliseconds > 0 && milliseconds <= MAX_TIMER_MS)) {
    throw new InvalidOptionError(
      option,
      duration,
      `expected milliseconds above 0, or a duration such as '250ms', '5s', '10m', '1h', at most 24 days`,
    );
  }
  return milliseconds;
}

function parseDuration(text: unknown): number {
  const match = typeof text === 'string' ? /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text.trim()) : null;
  return match === null ? Number.NaN : Number(match[1]) * millisecondsPerUnit[match[2]!]!;
}
