import { HashRing } from 'nestjs-groupcache/core';
import { ManualClock } from 'nestjs-groupcache/testing';
import { describe, expect, it } from 'vitest';
import { OwnShare, takesBy } from '../../lib/peers/own-share.js';

const keys = Array.from({ length: 4_000 }, (_, number) => `key ${number}`);

describe('takesBy', () => {
  it('takes about the share of the keys, none at 0 and all at 1', () => {
    const taken = [0, 0.125, 0.5, 0.875, 1].map((share) => keys.filter((key) => takesBy(share, key)).length);

    expect([taken[0], taken[4]]).toEqual([0, keys.length]);
    expect(taken[1]! / keys.length).toBeCloseTo(0.125, 1);
    expect(taken[2]! / keys.length).toBeCloseTo(0.5, 1);
    expect(taken[3]! / keys.length).toBeCloseTo(0.875, 1);
  });

  it('takes with more all that it has taken with less', () => {
    const lost = keys.filter((key) => takesBy(0.25, key) && !takesBy(0.375, key));

    expect(lost).toEqual([]);
  });

  it('takes of each peer about the same share: it is no piece of the ring', () => {
    const ring = new HashRing(['http://10.0.0.1', 'http://10.0.0.2', 'http://10.0.0.3'], { replicas: 50 });
    for (const peer of ring.peers) {
      const owned = keys.filter((key) => ring.ownerOf(key) === peer);
      expect(owned.filter((key) => takesBy(0.5, key)).length / owned.length).toBeCloseTo(0.5, 1);
    }
  });
});

describe('OwnShare', () => {
  it('is all of the keys from the start, and tells nothing', () => {
    const told: number[] = [];
    const share = new OwnShare((value) => told.push(value), new ManualClock());

    expect([share.value, keys.every((key) => share.takes(key)), told]).toEqual([1, true, []]);
  });

  it('grows in eight steps within a second, and tells each', () => {
    const told: number[] = [];
    const clock = new ManualClock();
    const share = new OwnShare((value) => told.push(value), clock);

    void share.grow();
    expect(told).toEqual([1 / 8]);
    clock.advance(124);
    expect(share.value).toBe(1 / 8);
    clock.advance(1);
    expect(share.value).toBe(2 / 8);
    clock.advance(750);

    expect(told).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((step) => step / 8));
    expect(clock.pending).toBe(0);
  });

  it('has grown for all who wait for it, also if it has begun anew meanwhile (one once waited for ever), or leaves', async () => {
    const clock = new ManualClock();
    const share = new OwnShare(() => undefined, clock);
    const first = share.grow();
    clock.advance(400);
    const second = share.grow();
    expect(share.value).toBe(1 / 8);
    clock.advance(875);
    await Promise.all([first, second]);
    expect(share.value).toBe(1);

    const third = share.grow();
    share.leave();
    await third;
  });

  it('is nothing once it leaves, and grows no more', () => {
    const told: number[] = [];
    const clock = new ManualClock();
    const share = new OwnShare((value) => told.push(value), clock);
    void share.grow();

    share.leave();
    share.leave();
    clock.advance(10_000);

    expect([told, share.value, share.takes('key')]).toEqual([[1 / 8, 0], 0, false]);
  });
});
