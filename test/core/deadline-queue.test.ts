import { ManualClock } from 'nestjs-groupcache/testing';
import { describe, expect, it } from 'vitest';
import { DeadlineQueue } from '../../lib/core/deadline-queue.js';

describe('DeadlineQueue', () => {
  it('calls each when its time is over, by one timer', () => {
    const clock = new ManualClock();
    const queue = new DeadlineQueue(clock, 10);
    const calls: string[] = [];
    queue.add(() => calls.push(`one at ${clock.now()}`));
    clock.advance(4);
    queue.add(() => calls.push(`two at ${clock.now()}`));
    expect(clock.pending).toBe(1);

    clock.advance(20);

    expect(calls).toEqual(['one at 10', 'two at 14']);
    expect(clock.pending).toBe(0);
  });

  it('does not call what has been called off, and has no timer once all are', () => {
    const clock = new ManualClock();
    const queue = new DeadlineQueue(clock, 10);
    const calls: string[] = [];
    const one = queue.add(() => calls.push('one'));
    queue.add(() => calls.push('two'));
    const three = queue.add(() => calls.push('three'));
    queue.callOff(one);
    queue.callOff(one);
    clock.advance(10);
    queue.callOff(three);

    expect(calls).toEqual(['two', 'three']);
    const four = queue.add(() => calls.push('four'));
    queue.callOff(four);
    expect(clock.pending).toBe(0);
  });

  it('takes new ones, and calls off others, from within a call', () => {
    const clock = new ManualClock();
    const queue = new DeadlineQueue(clock, 10);
    const calls: string[] = [];
    queue.add(() => {
      calls.push('one');
      queue.callOff(two);
      queue.add(() => calls.push('three'));
    });
    const two = queue.add(() => calls.push('two'));

    clock.advance(20);

    expect(calls).toEqual(['one', 'three']);
    expect(clock.pending).toBe(0);
  });

  it('forgets spent ones while others run on', () => {
    const clock = new ManualClock();
    const queue = new DeadlineQueue(clock, 10);
    let calls = 0;
    let previous = queue.add(() => calls++);
    for (let count = 0; count < 5_000; count++) {
      const next = queue.add(() => calls++);
      queue.callOff(previous);
      previous = next;
    }
    clock.advance(10);
    expect([calls, clock.pending]).toEqual([1, 0]);
  });
});
