import { ownString } from './own-string.js';
import { packSlots, type PackedSlots } from './tag-slots.js';

/** What an entry's extras take beside the characters of tags, and what each tag takes. */
export const EXTRAS_BYTES = 88;
const TAG_BYTES = 32;

const NO_TAGS: readonly string[] = Object.freeze([]);

/** What only some entries have. */
export interface EntryExtras {
  readonly tags: readonly string[];
  /** Of the tags, so that they need not be looked at; 0 without any. */
  readonly slots: PackedSlots;
  /** Up to which position of the log the tags have been compared with what was invalidated. */
  position: number;
  /** When a get is to have it renewed, in whole milliseconds of the group's clock; 0: not before it has expired. */
  refreshMs: number;
}

/** Of an entry without tags. */
export function plainExtras(): EntryExtras {
  return { tags: NO_TAGS, slots: 0, position: 0, refreshMs: 0 };
}

/** `undefined` for no tags. */
export function taggedExtras(tags: readonly string[] | undefined, position: number): EntryExtras | undefined {
  if (tags === undefined || tags.length === 0) return undefined;
  return { tags: tags.map(ownString), slots: packSlots(tags), position, refreshMs: 0 };
}

/** Bytes that `taggedExtras` take. */
export function taggedExtrasBytes(tags: readonly string[] | undefined): number {
  if (tags === undefined || tags.length === 0) return 0;
  return tags.reduce((sum, tag) => sum + TAG_BYTES + 2 * tag.length, EXTRAS_BYTES);
}
