import type { ByteView } from './byte-view.js';
import { CacheEntry } from './cache-entry.js';
import type { EntryList } from './entry-list.js';

/** An entry that is itself a link of an `EntryList`: that takes half of what arrays of entries and indices do. */
export class ListedEntry extends CacheEntry {
  /** Whether it has been used since its list last looked: whoever uses it says so. */
  isUsed = false;

  /** Where it is, and its neighbours there: all three are the list's. */
  list: EntryList | undefined = undefined;
  older: ListedEntry | undefined = undefined;
  newer: ListedEntry | undefined = undefined;

  /** Set where it is kept. */
  key = '';

  constructor(
    view: ByteView | undefined,
    bytes: number,
    footprint: number,
    /** The key's `keyedHash`. */
    readonly hash: number,
  ) {
    super(view, bytes, footprint);
  }
}
