import type { ByteView } from './byte-view.js';
import type { EntryExtras } from './entry-extras.js';

/**
 * What an entry costs the process beside its key and value: its place in the map, itself, the view and its holder.
 *
 * Measured by `bench/memory-per-entry.mjs`; counted into the budget, not into `bytes`.
 */
export const ENTRY_OVERHEAD_BYTES = 240;

/** What an entry's times take where one is past what V8 keeps in the entry itself. Measured alike. */
export const LATE_TIMES_BYTES = 32;

/** A value in memory: its bytes and, in groups that share decoded values, what they decode to. */
export class CacheEntry {
  /** The decoded value once somebody has asked for it; only where the group may share it. */
  decoded: unknown = undefined;

  /** How often it is asked for here, as `RequestRate` packs it. */
  rate = 0;

  /** When it stops being fresh, in whole milliseconds of the group's clock; 0: never. */
  expiresMs = 0;

  extras: EntryExtras | undefined = undefined;

  constructor(
    /** The encoded value; `undefined` where only the decoded one is kept, or what is kept is that there is none. */
    readonly view: ByteView | undefined,
    /** Bytes of key and value: what Go counts. */
    readonly bytes: number,
    /** Bytes that the entry takes out of the group's budget. Settled before it is kept. */
    public footprint: number,
  ) {}

  /** When a get has to look closer: it has expired, or is to be renewed; 0: never. */
  get dueMs(): number {
    return this.extras === undefined || this.extras.refreshMs === 0 ? this.expiresMs : this.extras.refreshMs;
  }

  /** Whether it says that there is no value. */
  get isNotFound(): boolean {
    return this.view === undefined && this.decoded === undefined;
  }
}
