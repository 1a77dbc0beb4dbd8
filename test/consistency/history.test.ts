import { describe, expect, it } from 'vitest';
import { findViolations, type GetRecord, type History, type LoadRecord, type RemovalRecord } from './history.js';

const load = (value: string, start: number, end?: number): LoadRecord => ({ value, key: 'k', peer: 'P', start, end });
const get = (value: string | null | undefined, start: number, peer = 'P'): GetRecord => ({
  key: 'k',
  peer,
  start,
  end: start + 5,
  value,
});
const removal = (start: number, end: number | undefined, other: Partial<RemovalRecord> = {}): RemovalRecord => ({
  kind: 'key',
  subject: 'k',
  acknowledged: ['P'],
  start,
  end,
  ...other,
});
const historyOf = (history: Partial<History>): History => ({
  loads: [],
  gets: [],
  removals: [],
  tagOf: () => 't',
  ...history,
});

describe('findViolations', () => {
  const loads = [load('old', 1, 2), load('new', 11, 12)];

  it.each([
    ['a removal of the key', removal(10, 20)],
    ['a removal of its tag', removal(10, 20, { kind: 'tag', subject: 't' })],
    ['a removal of everything', removal(10, 20, { kind: 'all', subject: '' })],
    ['a set', removal(10, 20, { kind: 'set', value: 'set', isStored: true })],
  ])('finds a get that comes to what was loaded before %s', (_what, removed) => {
    const found = findViolations(historyOf({ loads, removals: [removed], gets: [get('old', 21)] }));

    expect(found).toMatchObject([{ kind: 'stale', bornBy: 1, removedAt: 10 }]);
  });

  it.each([
    ['has come to what was loaded after the call', removal(10, 20), get('new', 21)],
    ['has begun before the confirmation', removal(10, 20), get('old', 20)],
    ['is at a peer that has not confirmed', removal(10, 20), get('old', 21, 'Q')],
    ['has no value', removal(10, 20), get(undefined, 21)],
    ['is of another tag', removal(10, 20, { kind: 'tag', subject: 'u' }), get('old', 21)],
    ['is of another key', removal(10, 20, { subject: 'l' }), get('old', 21)],
    ['follows a removal that nobody knows to have happened', removal(10, undefined), get('old', 21)],
  ])('lets a get be that %s', (_what, removed, read) => {
    expect(findViolations(historyOf({ loads, removals: [removed], gets: [read] }))).toEqual([]);
  });

  it('takes the latest of the removals that a peer has confirmed', () => {
    const removals = [removal(10, 40), removal(15, 30)];

    expect(findViolations(historyOf({ loads, removals, gets: [get('new', 35)] }))).toHaveLength(1);
    expect(findViolations(historyOf({ loads, removals, gets: [get('new', 29)] }))).toEqual([]);
  });

  it('lets the owner put a set after a removal that was called before it ended', () => {
    const counts = (
      [
        [9, true, 'P'],
        [11, true, 'P'],
        [undefined, true, 'P'],
        // Removals in the end, after which they are nowhere where that has been confirmed.
        [9, false, 'P'],
        [9, false, 'Q'],
      ] as const
    ).map(([end, isStored, acknowledged]) => {
      const set = removal(5, end, { kind: 'set', value: 'set', isStored, acknowledged: [acknowledged] });
      return findViolations(historyOf({ removals: [set, removal(10, 20)], gets: [get('set', 21)] })).length;
    });

    expect(counts).toEqual([1, 0, 0, 1, 0]);
  });

  it('finds a get that comes to nothing, where nothing was found before a removal only', () => {
    const counts = [9, 11, 27].map((foundAt) => {
      const nothing = { ...load('nothing', foundAt), isNothing: true };
      return findViolations(historyOf({ loads: [nothing], removals: [removal(10, 20)], gets: [get(null, 21)] })).length;
    });

    expect(counts).toEqual([1, 0, 1]);
  });

  it('finds a value that nobody has loaded', () => {
    const found = findViolations(historyOf({ removals: [removal(10, 20)], gets: [get('none', 21)] }));

    expect(found).toHaveLength(1);
  });

  it('finds a third load of a key at a time in one process', () => {
    const running = [load('1', 1, 10), load('2', 2, 10), load('3', 3, 4)];

    expect(findViolations(historyOf({ loads: running }))).toMatchObject([{ kind: 'third load', load: running[2] }]);
    expect(findViolations(historyOf({ loads: [load('1', 1, 3), ...running.slice(1)] }))).toEqual([]);
  });
});
