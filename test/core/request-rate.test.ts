import { describe, expect, it } from 'vitest';
import { RequestRate } from '../../lib/core/request-rate.js';
import { ManualClock } from '../../lib/testing/manual-clock.js';

const secondMs = 1000;

/** A rate after `perSecond` requests in each of `seconds` seconds. */
function requestsOf(rates: RequestRate, clock: ManualClock, perSecond: number, seconds: number, start = 0): number {
  let rate = start;
  for (let second = 0; second < seconds; second++) {
    rates.perMinute(rate); // as an asker would, who makes it read the clock
    for (let n = 0; n < perSecond; n++) rate = rates.record(rate);
    clock.advance(secondMs);
  }
  return rate;
}

describe('RequestRate', () => {
  it('is 0 before the first request, and counts those of the last moment one by one', () => {
    const rates = new RequestRate(new ManualClock());

    expect(rates.perMinute(0)).toBe(0);
    expect(rates.perMinute(rates.record(rates.record(0)))).toBe(2);
  });

  it.each([1, 10, 500])('finds a steady %d a second within 10 %%', (perSecond) => {
    const clock = new ManualClock(123_456);
    const rates = new RequestRate(clock);

    const rate = rates.perMinute(requestsOf(rates, clock, perSecond, 600));

    expect(Math.abs(rate / (perSecond * 60) - 1)).toBeLessThan(0.1);
  });

  it('forgets: to 1/e in a minute, to nothing in a quarter of an hour', () => {
    const clock = new ManualClock();
    const rates = new RequestRate(clock);
    let rate = 0;
    for (let n = 0; n < 1000; n++) rate = rates.record(rate);

    clock.advance(60 * secondMs);
    expect(rates.perMinute(rate)).toBeCloseTo(1000 / Math.E, -1);
    clock.advance(14 * 60 * secondMs);

    expect(rates.perMinute(rate)).toBe(0);
  });

  it('follows a key that cools down and one that warms up', () => {
    const clock = new ManualClock();
    const rates = new RequestRate(clock);
    const warm = requestsOf(rates, clock, 100, 300);

    const cooled = requestsOf(rates, clock, 1, 300, warm);

    expect(rates.perMinute(cooled)).toBeLessThan(110);
    expect(rates.perMinute(requestsOf(rates, clock, 100, 300, cooled))).toBeGreaterThan(5000);
  });

  it('stays a small integer, and at its highest there', () => {
    const rates = new RequestRate(new ManualClock(511 * 10 * secondMs));
    let rate = 0;

    for (let n = 0; n < 300_000; n++) rate = rates.record(rate);

    expect(rate).toBeLessThan(2 ** 31);
    expect(Math.floor(rates.perMinute(rate))).toBe(262_143);
  });

  it('reads the clock by itself once in 64 requests', () => {
    const clock = new ManualClock();
    const rates = new RequestRate(clock);
    let rate = 0;
    for (let n = 0; n < 64; n++) rate = rates.record(rate);
    clock.advance(10 * 60 * secondMs);

    for (let n = 0; n < 128; n++) rate = rates.record(rate);

    // The first 63 of them still went for those of ten minutes ago.
    expect(rates.perMinute(rate)).toBeLessThan(67);
  });
});
