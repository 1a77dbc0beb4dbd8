import { PeerError } from 'nestjs-groupcache/core';
import { ManualClock } from 'nestjs-groupcache/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PeerHealth, type PeerHealthOptions } from '../../lib/peers/peer-health.js';
import { deferred, reactions, type Deferred } from '../core/deferred.js';

const failure = new PeerError('http://10.0.0.1:3000', 'could not be asked');
const whyNot = new PeerError('http://10.0.0.1:3000', 'can not be reached');

/** A peer whose probes wait until the test ends them. */
function createHealth(options: Partial<PeerHealthOptions> = {}) {
  const clock = new ManualClock();
  const probes: Deferred<void>[] = [];
  const changes: (readonly [string, PeerError | undefined])[] = [];
  const probe = (): Promise<void> => {
    const one = deferred<void>();
    probes.push(one);
    return one.promise;
  };
  const health = new PeerHealth({
    clock,
    probe,
    onChange: (state, error) => changes.push([state, error]),
    ...options,
  });
  /** Has the last probe end, and what comes of it happen. */
  const end = async (error?: PeerError): Promise<void> => {
    if (error === undefined) probes.at(-1)!.resolve();
    else probes.at(-1)!.reject(error);
    await reactions();
  };
  return { clock, probes, changes, health, end };
}

beforeEach(() => {
  // The longest of the waits that are drawn.
  vi.spyOn(Math, 'random').mockReturnValue(1);
});
afterEach(() => {
  vi.restoreAllMocks();
});

describe('PeerHealth', () => {
  it('has a peer looked at once that has failed, who is asked meanwhile', () => {
    const { health, probes, changes } = createHealth();

    health.failed(failure);
    health.failed(failure);

    expect([health.state, health.isAway, probes.length, changes]).toEqual(['suspect', false, 1, []]);
  });

  it('goes on where the probe, or an answer, shows that the peer is there', async () => {
    const { health, end, changes } = createHealth();

    health.failed(failure);
    await end();
    expect(health.state).toBe('up');
    health.failed(failure);
    health.answered();
    await end(whyNot);

    expect([health.state, changes]).toEqual(['up', []]);
  });

  it('takes a peer for away once the probe has failed as well, and tells it once, with what failed', async () => {
    const { health, end, changes } = createHealth();

    health.failed(failure);
    await end(whyNot);
    health.failed(failure);
    health.lost(failure);

    expect([health.isAway, changes]).toEqual([true, [['away', failure]]]);
  });

  it('tells what the probe says where nothing else is known', async () => {
    const { health, end, changes } = createHealth();

    health.failed();
    await end(whyNot);

    expect(changes).toEqual([['away', whyNot]]);
  });

  it('takes a peer for away at once that is lost without doubt, or has said that it leaves', () => {
    const { health, probes, changes } = createHealth();

    health.lost(undefined);

    expect([health.isAway, probes.length, changes]).toEqual([true, 0, [['away', undefined]]]);
  });

  it('looks for a peer that is away after 100 ms, then after twice as long each time, up to 5 s', async () => {
    const { health, clock, probes, end } = createHealth();
    health.lost(failure);

    for (const waitMs of [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]) {
      const before = probes.length;
      clock.advance(waitMs - 1);
      expect(probes).toHaveLength(before);
      clock.advance(1);
      expect(probes).toHaveLength(before + 1);
      await end(whyNot);
    }
  });

  it('waits half as long at least, so that not all look at once', () => {
    vi.spyOn(Math, 'random').mockReturnValue(0);
    const { health, clock, probes } = createHealth();

    health.lost(failure);
    clock.advance(49);
    expect(probes).toHaveLength(0);
    clock.advance(1);

    expect(probes).toHaveLength(1);
  });

  it('tells once that the peer is back, by a probe or by its own sign, and begins anew with the waits', async () => {
    const { health, clock, probes, end, changes } = createHealth();
    health.lost(failure);
    clock.advance(100);
    await end(whyNot);
    clock.advance(200);
    await end();
    health.answered();
    expect([health.state, changes.at(-1), changes.length, clock.pending]).toEqual(['up', ['up', undefined], 2, 0]);

    health.lost(failure);
    clock.advance(100);
    expect(probes).toHaveLength(3);
    health.answered();
    expect(changes.map(([state]) => state)).toEqual(['away', 'up', 'away', 'up']);
  });

  it('does not believe a probe that has begun before a sign of the peer', async () => {
    const { health, end, changes, clock } = createHealth();
    health.lost(failure);
    clock.advance(100);
    health.answered();
    await end(whyNot);

    expect([health.state, changes.length]).toEqual(['up', 2]);
  });

  it('looks for nobody and tells nothing once it is closed', async () => {
    const { health, clock, probes, end, changes } = createHealth();
    health.failed(failure);
    health.close();
    await end(whyNot);
    health.lost(failure);
    health.answered();
    clock.advance(10_000);

    expect([probes.length, changes, clock.pending]).toEqual([1, [], 0]);
  });
});
