import { ListedEntry } from './listed-entry.js';

/** So many used entries are spared at a time at most: however many have been used, no eviction waits for all of them. */
const MOST_TURNS = 64;

/**
 * Entries in about the order of their last use, with an exact account of their bytes. An entry is in one list at most.
 *
 * As in CLOCK, a use marks the entry and moves nothing, which leaves the neighbours' memory alone; who looks for the oldest
 * gives marked ones another turn. Who has left a list points to none of it: garbage that has grown old would keep all
 * that came after it until the next major collection.
 */
export class EntryList {
  /** Stands between the newest and the oldest. */
  readonly #end = new ListedEntry(undefined, 0, 0, 0);
  #size = 0;
  #bytes = 0;
  #footprint = 0;

  /** Gets that found an entry here; whoever finds it counts. */
  hits = 0;

  constructor() {
    this.clear();
  }

  get size(): number {
    return this.#size;
  }

  /** Bytes of keys and values. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes of the budget in use. */
  get footprint(): number {
    return this.#footprint;
  }

  /** The entry that has not been used for about the longest time. Used ones before it become the newest, and unused. */
  leastRecent(): ListedEntry | undefined {
    const end = this.#end;
    let oldest = end.newer!;
    for (let turn = 0; turn < MOST_TURNS && oldest.isUsed; turn++) {
      oldest.isUsed = false;
      this.renew(oldest);
      oldest = end.newer!;
    }
    return oldest === end ? undefined : oldest;
  }

  /** Adds `entry`, which must be in no list, as the newest. */
  add(entry: ListedEntry): void {
    this.#link(entry);
    entry.list = this;
    this.#size++;
    this.#bytes += entry.bytes;
    this.#footprint += entry.footprint;
  }

  /** Makes `entry`, which must be in this list, the newest. */
  renew(entry: ListedEntry): void {
    if (entry === this.#end.older) return;
    this.#unlink(entry);
    this.#link(entry);
  }

  /** Takes out `entry`, which must be in this list. */
  remove(entry: ListedEntry): void {
    this.#unlink(entry);
    entry.list = undefined;
    entry.older = undefined;
    entry.newer = undefined;
    this.#size--;
    this.#bytes -= entry.bytes;
    this.#footprint -= entry.footprint;
  }

  /** Forgets all entries, which are not to be used again. */
  clear(): void {
    const end = this.#end;
    end.older = end;
    end.newer = end;
    this.#size = 0;
    this.#bytes = 0;
    this.#footprint = 0;
  }

  #link(entry: ListedEntry): void {
    const end = this.#end;
    const newest = end.older!;
    entry.older = newest;
    entry.newer = end;
    newest.newer = entry;
    end.older = entry;
  }

  #unlink({ older, newer }: ListedEntry): void {
    older!.newer = newer;
    newer!.older = older;
  }
}
