import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Meeting } from '../../lib/peers/meeting.js';
import { SilenceWatch } from '../../lib/peers/silence-watch.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Whether `meeting` is over. */
async function isOver(meeting: Meeting): Promise<boolean> {
  return Promise.race([meeting.over.then(() => true), Promise.resolve().then(() => false)]);
}

describe('Meeting', () => {
  it('is over once all others have been met', async () => {
    const meeting = new Meeting(['a', 'b']);
    meeting.met('a');
    meeting.met('a');
    meeting.met('somebody else');
    expect(await isOver(meeting)).toBe(false);

    meeting.met('b');

    expect(await isOver(meeting)).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('waits for half a second at most', async () => {
    const meeting = new Meeting(['a']);
    vi.advanceTimersByTime(499);
    expect(await isOver(meeting)).toBe(false);

    vi.advanceTimersByTime(1);

    expect(await isOver(meeting)).toBe(true);
  });

  it('can be ended', async () => {
    const meeting = new Meeting(['a']);

    meeting.end();

    expect(await isOver(meeting)).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('SilenceWatch', () => {
  it('notices that nothing has been answered for a second', () => {
    const onSilent = vi.fn();
    const watch = new SilenceWatch(onSilent);
    watch.begin();
    watch.begin();

    // What was asked within a second may just have been asked.
    vi.advanceTimersByTime(1_999);
    expect(onSilent).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);

    expect(onSilent).toHaveBeenCalledTimes(1);
  });

  it('does not mind a slow answer among others', () => {
    const onSilent = vi.fn();
    const watch = new SilenceWatch(onSilent);
    watch.begin();

    for (let second = 0; second < 5; second++) {
      watch.begin();
      watch.end(true);
      vi.advanceTimersByTime(1_000);
    }

    expect(onSilent).not.toHaveBeenCalled();
  });

  it('does not take a question that was given up for an answer', () => {
    const onSilent = vi.fn();
    const watch = new SilenceWatch(onSilent);
    watch.begin();
    vi.advanceTimersByTime(1_000);
    watch.begin();
    watch.end(false);
    vi.advanceTimersByTime(1_000);

    expect(onSilent).toHaveBeenCalledTimes(1);
  });

  it('has no timer while nobody asks', () => {
    const watch = new SilenceWatch(() => undefined);
    watch.begin();
    expect(vi.getTimerCount()).toBe(1);

    watch.end(true);

    expect(vi.getTimerCount()).toBe(0);
  });
});
