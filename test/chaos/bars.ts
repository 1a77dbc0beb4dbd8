import type { Figure } from './chaos-case.js';

/** What a figure must not pass. */
export interface Bar {
  readonly atMost: number;
  /**
   * What it must not pass on a machine that others use as well, where a short run is asserted. Default `atMost`;
   * `'printed'`: nothing.
   */
  readonly inCi?: number | 'printed';
}

/** What an attempt at a peer may take before it is given up, in milliseconds. */
export const ATTEMPT_TIMEOUT_MS = 1_000;

/** A load's time, what a peer may take longer than that, and what a busy machine may. */
const DEADLINE_MS = 5_000 + 1_000 + 500;

const noErrors = { errors: { atMost: 0 } };
const inTime = { longest: { atMost: DEADLINE_MS } };
const noBreaker = { 'breakers open': { atMost: 0 } };
const quick = (times: number): Bar => ({ atMost: times, inCi: 'printed' });

/** By case and figure. What has none is printed, and no more. */
export const bars: Readonly<Record<string, Readonly<Record<string, Bar>>>> = {
  undisturbed: { ...noErrors, ...inTime, ...noBreaker, 'loads, of undisturbed': { atMost: 1 } },
  killed: {
    ...noErrors,
    ...inTime,
    'p99 of the first second, of before': quick(3),
    'loads a key of the victims’': { atMost: 1.1 },
    'breakers open after': { atMost: 1_000 },
  },
  'two-killed': { ...noErrors, ...inTime },
  stopped: {
    ...noErrors,
    ...inTime,
    'p99 of the first second, beyond an attempt': quick(3),
    'p99 then, of before': quick(1.5),
  },
  blocked: { ...noErrors, ...inTime },
  descriptors: { ...noErrors, ...inTime },
  clock: { ...noErrors, ...inTime },
  'wrong-secret': { ...noErrors, ...inTime },
  refused: { ...noErrors, ...inTime },
  'black-hole': { ...noErrors, ...inTime },
  delayed: { ...noErrors, ...inTime },
  reset: { ...noErrors, ...inTime },
  'half-open': { ...noErrors, ...inTime },
  garbage: { ...noErrors, ...inTime },
  oversize: { ...noErrors, ...inTime },
  'lists-differ': { ...noErrors, ...inTime, 'most loads of a key': { atMost: 2 } },
  'source-hangs': { ...noErrors, ...noBreaker, 'loads, of undisturbed': { atMost: 1.05 } },
  'source-fails': noBreaker,
  'source-slow': { ...noErrors, ...inTime, ...noBreaker, 'loads, of undisturbed': { atMost: 1.05 } },
  rolling: {
    ...noErrors,
    'loads under new URLs': { atMost: 5 },
    'loads under the same URLs': { atMost: 5 },
  },
  'rolling-small': {
    ...noErrors,
    'more loads under new URLs': { atMost: 5 },
    'more loads under the same URLs': { atMost: 5 },
  },
  scale: { ...noErrors, 'loads, 2 to 4': { atMost: 2 } },
  hostile: {
    ...noErrors,
    'processes that ended': { atMost: 0 },
    'heap grown by': { atMost: 5, inCi: 20 },
    'p99 of honest traffic, of before': quick(2),
  },
  soak: {
    ...noErrors,
    'handles left over': { atMost: 0 },
    'heap of the last tenth, of the first': { atMost: 1.05, inCi: 1.15 },
  },
};

/** A figure beside its bar. */
export interface Judged extends Figure {
  readonly bar: number | undefined;
  /** `undefined` where there is no bar. */
  readonly passes: boolean | undefined;
}

/** Puts the figures of a case beside its bars; a bar without a figure has not been passed. */
export function judge(name: string, figures: readonly Figure[], where: 'quiet' | 'ci' = 'quiet'): Judged[] {
  const own = bars[name] ?? {};
  const missing = Object.keys(own).filter((wanted) => !figures.some((figure) => figure.name === wanted));
  const absent = missing.map((absentName): Figure => ({ name: absentName, value: Number.NaN, unit: '' }));
  return [...figures, ...absent].map((figure) => {
    const bar = own[figure.name];
    const most = where === 'ci' ? (bar?.inCi ?? bar?.atMost) : bar?.atMost;
    if (most === undefined || most === 'printed')
      return Object.assign({}, figure, { bar: undefined, passes: undefined });
    return Object.assign({}, figure, { bar: most, passes: figure.value <= most });
  });
}
