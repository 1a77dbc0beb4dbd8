import { systemClock } from '../../lib/core/index.js';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../lib/testing/manual-clock.js';

describe('systemClock', () => {
  it('never goes backwards', () => {
    const before = systemClock.now();

    expect(systemClock.now()).toBeGreaterThanOrEqual(before);
  });

  it('calls back once, unless it is called off', async () => {
    const calls: string[] = [];
    const hold = setInterval(() => undefined, 1000);

    const cancel = systemClock.after(1, () => calls.push('called off'));
    cancel();
    await new Promise<void>((resolve) => {
      systemClock.after(2, () => {
        calls.push('fired');
        resolve();
      });
    });

    clearInterval(hold);
    expect(calls).toEqual(['fired']);
  });

  it('does not keep the process alive', () => {
    const before = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;

    const cancel = systemClock.after(60_000, () => undefined);

    expect(process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout')).toHaveLength(before);
    cancel();
  });
});

describe('ManualClock', () => {
  it('stands still until it is moved', () => {
    const clock = new ManualClock(1000);

    expect(clock.now()).toBe(1000);
    clock.advance(5);
    clock.advance(0);

    expect(clock.now()).toBe(1005);
    expect(new ManualClock().now()).toBe(0);
  });

  it('calls what falls due, the earliest first, of equals the one set first, each at its own time', () => {
    const clock = new ManualClock();
    const calls: string[] = [];
    const at = (name: string) => () => calls.push(`${name}@${clock.now()}`);
    clock.after(20, at('c'));
    clock.after(10, at('a'));
    clock.after(10, at('b'));
    clock.after(21, at('later'));

    clock.advance(20);

    expect(calls).toEqual(['a@10', 'b@10', 'c@20']);
    expect(clock.now()).toBe(20);
    expect(clock.pending).toBe(1);
  });

  it('calls what callbacks set on the way, if that falls due as well', () => {
    const clock = new ManualClock();
    const calls: number[] = [];
    const tick = (): void => {
      calls.push(clock.now());
      clock.after(10, tick);
    };
    clock.after(10, tick);

    clock.advance(35);

    expect(calls).toEqual([10, 20, 30]);
    expect(clock.pending).toBe(1);
  });

  it('forgets what is called off, also in the same move', () => {
    const clock = new ManualClock();
    const calls: string[] = [];
    clock.after(5, () => cancel());
    const cancel = clock.after(6, () => calls.push('no'));
    const twice = clock.after(7, () => calls.push('once'));

    clock.advance(10);
    twice();

    expect(calls).toEqual(['once']);
    expect(clock.pending).toBe(0);
  });

  it('fires at once what is set for the past, but never by itself', () => {
    const clock = new ManualClock();
    const calls: string[] = [];

    clock.after(-5, () => calls.push('due'));
    expect(calls).toEqual([]);
    clock.advance(0);

    expect(calls).toEqual(['due']);
  });

  it.each([-1, Number.NaN])('can’t be moved by %d', (milliseconds) => {
    expect(() => new ManualClock().advance(milliseconds)).toThrow(RangeError);
  });
});
