import type { CacheEntry } from './cache-entry.js';
import type { GroupCache } from './group-cache.js';
import { sweepEntries } from './sweep-entries.js';
import { TagSlots } from './tag-slots.js';

/** Invalidated tags that are remembered before all entries are compared with them, so that they can be forgotten. */
const SWEEP_AT = 2_048;

/** Past so many, since more come than there are turns of the event loop, that is done in one go. */
const MAX_TAGS = 4 * SWEEP_AT;

/**
 * Which tags of a group have been invalidated lately.
 *
 * To invalidate one takes constant time: an entry is compared when it is used. So that tags can be forgotten, all entries are
 * compared once in a while, in the background.
 */
export class TagMarks {
  /** The position of each tag's last invalidation, the latest last. */
  readonly #positions = new Map<string, number>();
  /** Made for the first one: most groups have none. */
  #slots: TagSlots | undefined;
  readonly #cache: GroupCache;
  /** Of the last invalidation. */
  #last = 0;
  /** Invalidations up to here may have been forgotten. */
  #forgottenUpTo = 0;
  #isSweeping = false;

  constructor(cache: GroupCache) {
    this.#cache = cache;
  }

  /** `position` is the log's, and higher than before. */
  invalidate(tag: string, position: number): void {
    this.#last = position;
    this.#positions.delete(tag);
    this.#positions.set(tag, position);
    this.#slots ??= new TagSlots();
    this.#slots.invalidate(tag, position);
    if (this.#positions.size > MAX_TAGS) this.#sweepAtOnce();
    else if (this.#positions.size > SWEEP_AT && !this.#isSweeping) this.#sweep(position);
  }

  /** Whether one of `tags` may have been invalidated after `position`. */
  isTouched(tags: readonly string[], position: number): boolean {
    if (position >= this.#last || tags.length === 0) return false;
    if (position < this.#forgottenUpTo) return true;
    return tags.some((tag) => (this.#positions.get(tag) ?? 0) > position);
  }

  /** Whether `entry` has been removed by one of its tags. If not, it has less to be compared with the next time. */
  isOld({ extras }: CacheEntry): boolean {
    if (extras === undefined || extras.position >= this.#last) return false;
    const mayBeTouched = this.#slots?.mayBeTouched(extras.slots, extras.position) ?? true;
    if (mayBeTouched && this.isTouched(extras.tags, extras.position)) return true;
    extras.position = this.#last;
    return false;
  }

  #sweepAtOnce(): void {
    for (const [key, entry] of this.#cache.entries()) if (this.isOld(entry)) this.#cache.delete(key);
    this.#forgottenUpTo = this.#last;
    this.#positions.clear();
  }

  #sweep(upTo: number): void {
    this.#isSweeping = true;
    sweepEntries(
      this.#cache,
      (entry) => this.isOld(entry),
      () => {
        this.#isSweeping = false;
        this.#forgottenUpTo = Math.max(this.#forgottenUpTo, upTo);
        for (const [tag, position] of this.#positions) {
          if (position > upTo) return;
          this.#positions.delete(tag);
        }
      },
    );
  }
}
