import { describe, expect, it } from 'vitest';
import { TurnEnd } from '../../../lib/peers/link/turn-end.js';

const immediate = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('TurnEnd', () => {
  it('calls all that one turn has scheduled in its end, and what they schedule in the next', async () => {
    const turnEnd = new TurnEnd();
    const calls: string[] = [];

    turnEnd.schedule(() => {
      calls.push('one');
      turnEnd.schedule(() => calls.push('three'));
    });
    turnEnd.schedule(() => calls.push('two'));
    expect(calls).toEqual([]);

    await immediate();
    expect(calls).toEqual(['one', 'two']);
    await immediate();
    expect(calls).toEqual(['one', 'two', 'three']);
  });
});
