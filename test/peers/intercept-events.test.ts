import { EventEmitter } from 'node:events';
import { describe, expect, it, vi } from 'vitest';
import { interceptEvents } from '../../lib/peers/intercept-events.js';

describe('interceptEvents', () => {
  it('shows an event to interceptors in their order, until one takes it, and then to listeners', () => {
    const emitter = new EventEmitter();
    const seen: string[] = [];
    interceptEvents(emitter, (event, args) => (seen.push(`first: ${String(event)} ${args.join()}`), false));
    interceptEvents(emitter, (event) => (seen.push('second'), event === 'taken'));
    interceptEvents(emitter, () => (seen.push('third'), false));
    for (const event of ['taken', 'left']) emitter.on(event, (...args) => seen.push(`${event}: ${args.join()}`));

    const told = [emitter.emit('taken', 1, 2), emitter.emit('left', 3), emitter.emit('unheard')];

    expect(told).toEqual([true, true, false]);
    expect(seen).toEqual([
      'first: taken 1,2',
      'second',
      'first: left 3',
      'second',
      'third',
      'left: 3',
      'first: unheard ',
      'second',
      'third',
    ]);
  });

  it.each([
    [0, 1],
    [1, 0],
  ])('gives the emitter back unchanged when %d of two is undone before %d', (first, second) => {
    // Two that each put an emit of their own over the other's left one behind.
    const emitter = new EventEmitter();
    const interceptors = [vi.fn(() => true), vi.fn(() => true)];
    const undo = interceptors.map((intercept) => interceptEvents(emitter, intercept));

    undo[first]!();
    emitter.emit('event');
    undo[second]!();
    undo[second]!();
    emitter.emit('event');

    expect([first, second].map((index) => interceptors[index]!.mock.calls.length)).toEqual([0, 1]);
    expect(Object.hasOwn(emitter, 'emit')).toBe(false);
  });

  it('gives back an emit that somebody else has put there, and leaves the one that was put over it', () => {
    const emitter = new EventEmitter();
    const before = vi.fn(emitter.emit);
    emitter.emit = before;
    const undo = interceptEvents(emitter, () => false);
    undo();
    expect(emitter.emit).toBe(before);

    const undoAgain = interceptEvents(emitter, () => true);
    const { emit } = emitter;
    const after = vi.fn((event: string | symbol, ...args: unknown[]) => Reflect.apply(emit, emitter, [event, ...args]));
    emitter.emit = after as typeof emit;
    undoAgain();
    const heard = vi.fn();
    emitter.on('event', heard).emit('event', 1);

    expect(emitter.emit).toBe(after);
    expect([before, after, heard].map((each) => each.mock.calls.at(-1))).toEqual([['event', 1], ['event', 1], [1]]);
  });
});
