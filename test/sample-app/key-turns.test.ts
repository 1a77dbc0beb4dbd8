import { describe, expect, it } from 'vitest';
import { KeyTurns } from '../../sample-app/cluster/key-turns.js';
import { deferred } from '../core/deferred.js';

describe('KeyTurns', () => {
  it('lets reads go together, and a write alone, in the order in which they come', async () => {
    const turns = new KeyTurns();
    const order: string[] = [];
    const held = ['read 1', 'read 2', 'write 1', 'read 3'].map((name) => ({ name, end: deferred<void>() }));
    const begin = ({ name, end }: (typeof held)[number]) => {
      order.push(name);
      return end.promise;
    };
    const running = held.map((one) =>
      one.name.startsWith('read') ? turns.read(1, () => begin(one)) : turns.write(1, () => begin(one)),
    );
    const other = turns.write(2, async () => void order.push('another key'));
    await other;
    expect(order.toSorted()).toEqual(['another key', 'read 1', 'read 2']);

    held[0]!.end.resolve();
    await running[0];
    expect(order).not.toContain('write 1');
    held[1]!.end.reject(new Error('a read may fail'));
    await expect(running[1]).rejects.toThrow('a read may fail');
    await expect.poll(() => order).toContain('write 1');
    expect(order).not.toContain('read 3');
    held[2]!.end.resolve();
    held[3]!.end.resolve();
    await running[3];

    expect(order.slice(-2)).toEqual(['write 1', 'read 3']);
  });
});
