import { ManualClock } from 'nestjs-groupcache/testing';
import { describe, expect, it } from 'vitest';
import { DeadlineQueue, type Deadline } from '../../lib/core/deadline-queue.js';

/** Sets a deadline of `queue` that calls `onDue`. */
function add(queue: DeadlineQueue, onDue: () => void): Deadline {
  const deadline: Deadline = { dueMs: 0, isPending: false, onDue };
  queue.add(deadline);
  return deadline;
}

describe('DeadlineQueue', () => {
  it('calls each when its time is over, by one timer', () => {
    const clock = new ManualClock();
    const queue = new DeadlineQueue(clock, 10);
    const calls: string[] = [];
    add(queue, () => calls.push(`one at ${clock.now()}`));
    clock.advance(4);
    add(queue, () => calls.push(`two at ${clock.now()}`));
    expect(clock.pending).toBe(1);

    clock.advance(20);

    expect(calls).toEqual(['one at 10', 'two at 14']);
    expect(clock.pending).toBe(0);
  });

  it('does not call what has been called off, and has no timer once all are', () => {
    const clock = new ManualClock();
    const queue = new DeadlineQueue(clock, 10);
    const calls: string[] = [];
    const one = add(queue, () => calls.push('one'));
    add(queue, () => calls.push('two'));
    const three = add(queue, () => calls.push('three'));
    queue.callOff(one);
    queue.callOff(one);
    clock.advance(10);
    queue.callOff(three);

    expect(calls).toEqual(['two', 'three']);
    const four = add(queue, () => calls.push('four'));
    queue.callOff(four);
    expect(clock.pending).toBe(0);
  });

  it('takes new ones, and calls off others, from within a call', () => {
    const clock = new ManualClock();
    const queue = new DeadlineQueue(clock, 10);
    const calls: string[] = [];
    add(queue, () => {
      calls.push('one');
      queue.callOff(two);
      add(queue, () => calls.push('three'));
    });
    const two = add(queue, () => calls.push('two'));

    clock.advance(20);

    expect(calls).toEqual(['one', 'three']);
    expect(clock.pending).toBe(0);
  });

  it('has one timer after a call that set a new one', () => {
    const clock = new ManualClock();
    const queue = new DeadlineQueue(clock, 10);
    let calls = 0;
    add(queue, () => {
      calls++;
      add(queue, () => calls++);
    });

    clock.advance(10);

    expect([calls, clock.pending]).toEqual([1, 1]);
    clock.advance(10);
    expect([calls, clock.pending]).toEqual([2, 0]);
  });

  it('counts from when one is set, not from the beginning of a turn that took long', () => {
    const clock = new ManualClock();
    const queue = new DeadlineQueue(
      { now: () => clock.now(), coarseNow: () => 0, after: (ms, ring) => clock.after(ms, ring) },
      10,
    );
    let calls = 0;
    clock.advance(50);
    add(queue, () => calls++);

    clock.advance(9);
    expect(calls).toBe(0);
    clock.advance(1);
    expect(calls).toBe(1);
  });

  it('forgets spent ones while others run on', () => {
    const clock = new ManualClock();
    const queue = new DeadlineQueue(clock, 10);
    let calls = 0;
    let previous = add(queue, () => calls++);
    for (let count = 0; count < 5_000; count++) {
      const next = add(queue, () => calls++);
      queue.callOff(previous);
      previous = next;
    }
    clock.advance(10);
    expect([calls, clock.pending]).toEqual([1, 0]);
  });

  it('does not keep what is over behind one that is not', () => {
    // One slow load kept every later one of the group until its own deadline.
    const clock = new ManualClock();
    const queue = new DeadlineQueue(clock, 10);
    const calls: string[] = [];
    add(queue, () => calls.push('slow'));
    const first = new WeakRef(add(queue, () => calls.push('first')));
    queue.callOff(first.deref()!);
    for (let count = 0; count < 5_000; count++) queue.callOff(add(queue, () => calls.push('fast')));
    add(queue, () => calls.push('last'));

    return new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      globalThis.gc!();
      expect(first.deref()).toBeUndefined();
      clock.advance(10);
      expect(calls).toEqual(['slow', 'last']);
    });
  });
});
