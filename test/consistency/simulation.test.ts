import * as fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { SingleFlight } from '../../lib/core/single-flight.js';
import { LinkInvalidations } from '../../lib/peers/link/link-invalidations.js';
import { findViolations } from './history.js';
import { Simulation, type Step } from './simulation.js';

const runs = Number(process.env['SIMULATION_RUNS'] ?? 300);

const peer = fc.nat(2);
const key = fc.nat(1);
const which = fc.nat(7);

const steps = fc.array(
  fc.oneof<{ arbitrary: fc.Arbitrary<Step>; weight: number }[]>(
    { weight: 12, arbitrary: fc.record({ does: fc.constant('deliver'), which }) },
    { weight: 6, arbitrary: fc.record({ does: fc.constant('get'), peer, key }) },
    { weight: 4, arbitrary: fc.record({ does: fc.constant('load'), which }) },
    { weight: 4, arbitrary: fc.record({ does: fc.constantFrom('remove', 'removeByTag', 'set'), peer, key }) },
    { weight: 1, arbitrary: fc.record({ does: fc.constantFrom('clear', 'restart'), peer }) },
    { weight: 1, arbitrary: fc.record({ does: fc.constantFrom('failToLoad', 'findNothing'), which }) },
    { weight: 2, arbitrary: fc.record({ does: fc.constantFrom('cut', 'mend', 'mend'), peer }) },
    { weight: 1, arbitrary: fc.record({ does: fc.constant('lose'), count: fc.integer({ min: 1, max: 3 }) }) },
    { weight: 1, arbitrary: fc.record({ does: fc.constant('list'), peer, without: fc.nat(3) }) },
    { weight: 1, arbitrary: fc.record({ does: fc.constant('wait'), ms: fc.constantFrom(50, 250, 600) }) },
  ),
  { minLength: 1, maxLength: 120, size: 'max' },
);

/** Values that are gone soon, are served past that, and are renewed meanwhile; or that are not kept at all. */
const lifetimes = fc.oneof(
  fc.constant({ forever: true }),
  fc.record({
    ttl: fc.constantFrom(100, 500).map((ms) => () => ms),
    staleWhileRevalidate: fc.constantFrom(0, 300),
    staleIfError: fc.constant(1_000),
    softTimeout: fc.constantFrom(0, 50),
    refreshAhead: fc.constantFrom(0.5, 1),
    negativeTtl: fc.constantFrom(0, 300),
  }),
  fc.constant({ ttl: () => 0 }),
);

/** Every history keeps the promise, and all peers come to have applied the same. */
const promise = fc.asyncProperty(lifetimes, steps, async (living, given) => {
  const simulation = new Simulation(living);
  await simulation.perform(given);
  const applied = await simulation.settle();
  expect(findViolations(simulation.history)).toEqual([]);
  for (const one of applied) expect(one).toEqual(applied[0]);
});

afterEach(() => {
  vi.restoreAllMocks();
});

describe('a simulated cluster', () => {
  it('keeps its promise in any order of events', { timeout: 60_000 + 100 * runs }, async () => {
    await fc.assert(promise, { numRuns: runs });
  });
});

describe('the simulation', () => {
  it.each([
    ['loads under way are not doubted', () => vi.spyOn(SingleFlight.prototype, 'doubtAll').mockReturnValue()],
    ['loads under way are not superseded', () => vi.spyOn(SingleFlight.prototype, 'supersede').mockReturnValue()],
    [
      'questions do not wait',
      () =>
        vi.spyOn(LinkInvalidations.prototype, 'whenCaughtUp').mockImplementation((then) => (then(), () => undefined)),
    ],
  ])('finds that %s', { timeout: 120_000 }, async (_what, breakIt) => {
    breakIt();

    const { failed } = await fc.check(promise, { numRuns: 6_000, endOnFailure: true });

    expect(failed).toBe(true);
  });
});
