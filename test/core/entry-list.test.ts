import { describe, expect, it } from 'vitest';
import { EntryList } from '../../lib/core/entry-list.js';
import { ListedEntry } from '../../lib/core/listed-entry.js';

function listOf(...bytes: readonly number[]): { list: EntryList; entries: ListedEntry[] } {
  const list = new EntryList();
  const entries = bytes.map((count) => new ListedEntry(undefined, count, count + 10, 0));
  for (const entry of entries) list.add(entry);
  return { list, entries };
}

/** The entries from the oldest on, which are all taken out. */
function drain(list: EntryList): ListedEntry[] {
  const drained: ListedEntry[] = [];
  for (let oldest = list.leastRecent(); oldest !== undefined; oldest = list.leastRecent()) {
    list.remove(oldest);
    drained.push(oldest);
  }
  return drained;
}

describe('EntryList', () => {
  it('has its entries in the order of their last use', () => {
    const { list, entries } = listOf(1, 2, 3, 4);
    const [one, two, three, four] = entries as [ListedEntry, ListedEntry, ListedEntry, ListedEntry];

    list.renew(one);
    list.renew(three);
    list.renew(three);

    expect(drain(list)).toEqual([two, four, one, three]);
  });

  it('gives those another turn that have been used', () => {
    const { list, entries } = listOf(1, 2, 3);
    const [one, two, three] = entries as [ListedEntry, ListedEntry, ListedEntry];
    one.isUsed = true;
    three.isUsed = true;

    expect(drain(list)).toEqual([two, one, three]);
    expect([one.isUsed, three.isUsed]).toEqual([false, false]);
  });

  it('spares only so many at a time, so that nobody waits for all of them', () => {
    const { list, entries } = listOf(...Array.from({ length: 1000 }, (_, index) => index));
    for (const entry of entries) entry.isUsed = true;

    list.leastRecent();

    expect(entries.filter(({ isUsed }) => isUsed).length).toBeGreaterThan(900);
  });

  it('counts exactly as entries come and go', () => {
    const { list, entries } = listOf(1, 2, 3);

    expect([list.size, list.bytes, list.footprint]).toEqual([3, 6, 36]);
    list.remove(entries[1]!);
    expect([list.size, list.bytes, list.footprint]).toEqual([2, 4, 24]);
    list.clear();

    expect([list.size, list.bytes, list.footprint, list.leastRecent()]).toEqual([0, 0, 0, undefined]);
  });

  it('leaves nothing in an entry that points to others', () => {
    // Garbage that has grown old would keep all that came after it.
    const { list, entries } = listOf(1, 2, 3);
    const [, middle] = entries as [ListedEntry, ListedEntry, ListedEntry];

    list.remove(middle);

    expect([middle.list, middle.older, middle.newer]).toEqual([undefined, undefined, undefined]);
    expect(drain(list)).toEqual([entries[0], entries[2]]);
  });
});
