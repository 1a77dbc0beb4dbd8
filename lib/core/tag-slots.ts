import { mixedHash } from './mixed-hash.js';

const SLOT_BITS = 10;
const SLOTS = 2 ** SLOT_BITS;
/** So many fit in what V8 keeps without a number object of its own. */
const MAX_PACKED = 3;
const UNKNOWN = -1;

/** Which slots the tags of a value have, in one small number, by `packSlots`. */
export type PackedSlots = number;

/** `tags` must have one or more; of many it is not known. */
export function packSlots(tags: readonly string[]): PackedSlots {
  if (tags.length > MAX_PACKED) return UNKNOWN;
  let packed = 0;
  for (let place = 0; place < MAX_PACKED; place++) {
    const tag = tags[Math.min(place, tags.length - 1)]!;
    packed = (packed << SLOT_BITS) | (mixedHash(tag) % SLOTS);
  }
  return packed;
}

/**
 * When a tag of each slot was last invalidated; a tag's slot is given by its hash.
 *
 * Of most values it says that none of their tags has been, by a few numbers that are close together: to go to the tags
 * themselves, which are all over the memory, takes longer than the rest of a hit. See `bench/tags.mjs`.
 */
export class TagSlots {
  readonly #positions = new Float64Array(SLOTS);

  invalidate(tag: string, position: number): void {
    this.#positions[mixedHash(tag) % SLOTS] = position;
  }

  /** Whether a tag may have been invalidated after `position`: never `false` if one was. */
  mayBeTouched(packed: PackedSlots, position: number): boolean {
    if (packed === UNKNOWN) return true;
    const positions = this.#positions;
    return (
      positions[packed & (SLOTS - 1)]! > position ||
      positions[(packed >> SLOT_BITS) & (SLOTS - 1)]! > position ||
      positions[packed >> (2 * SLOT_BITS)]! > position
    );
  }
}
