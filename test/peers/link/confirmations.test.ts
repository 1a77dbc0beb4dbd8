import { ManualClock } from 'nestjs-groupcache/testing';
import { describe, expect, it } from 'vitest';
import { Confirmations } from '../../../lib/peers/link/confirmations.js';

describe('Confirmations', () => {
  it('are complete once all peers have confirmed the number or a later one', async () => {
    const confirmations = new Confirmations(new ManualClock());
    const first = confirmations.of(1, ['b', 'c'], 10_000);
    const second = confirmations.of(2, ['b', 'c'], 10_000);

    confirmations.confirm('b', 1);
    confirmations.confirm('c', 2);
    expect(await first).toEqual({ complete: true, acknowledged: ['b', 'c'], pending: [] });
    confirmations.confirm('b', 5);

    expect(await second).toEqual({ complete: true, acknowledged: ['c', 'b'], pending: [] });
  });

  it('say who is missing when the time is over, and forget it', async () => {
    const clock = new ManualClock();
    const confirmations = new Confirmations(clock);
    const result = confirmations.of(3, ['b', 'c'], 5);
    confirmations.confirm('c', 3);
    confirmations.confirm('b', 2);
    const later = confirmations.of(4, ['b'], 10_000);

    clock.advance(5);
    expect(await result).toEqual({ complete: false, acknowledged: ['c'], pending: ['b'] });
    confirmations.confirm('b', 4);

    expect((await later).complete).toBe(true);
  });

  it('are there at once where all have confirmed before, or there is nobody', async () => {
    const confirmations = new Confirmations(new ManualClock());
    confirmations.confirm('b', 7);

    expect(await confirmations.of(7, ['b'], 10_000)).toEqual({ complete: true, acknowledged: ['b'], pending: [] });
    expect(await confirmations.of(8, [], 10_000)).toEqual({ complete: true, acknowledged: [], pending: [] });
  });
});
