import type { ByteView } from './byte-view.js';
import { InvalidOptionError, ValueTooLargeError } from './errors.js';

/** JSON of a value's tags, which go to peers with it. */
const MAX_TAGS_BYTES = 16 * 1024;

/** What JSON takes at most for a UTF-16 code unit, and beside them for each text. */
const MAX_UNIT_BYTES = 6;
const TEXT_BYTES = 3;

/** Throws a `ValueTooLargeError`. */
export function checkValueBytes(group: string, { length }: ByteView, maxValueBytes: number): void {
  if (length > maxValueBytes) throw new ValueTooLargeError(group, length, maxValueBytes);
}

/**
 * What the function `tagsOf` of `group` has given, if peers can be told of it. Throws an `InvalidOptionError`, which does not
 * show the tags: they may be as private as a key.
 */
export function checkTags(group: string, tagsOf: unknown, tags: unknown): readonly string[] {
  const refuse = (reason: string): never => {
    throw new InvalidOptionError('tags', tagsOf, `what it has given for a value of group "${group}" ${reason}`);
  };
  if (!Array.isArray(tags)) return refuse('is no list: give a list of texts, an empty one for a value without tags');
  let atMost = 2;
  for (const tag of tags as readonly unknown[]) {
    if (typeof tag !== 'string') return refuse(`has a ${typeof tag} in it: give a list of texts`);
    if (!tag.isWellFormed()) return refuse('has a text with a lone surrogate in it, which UTF-8 does not have');
    atMost += MAX_UNIT_BYTES * tag.length + TEXT_BYTES;
  }
  if (atMost > MAX_TAGS_BYTES && Buffer.byteLength(JSON.stringify(tags)) > MAX_TAGS_BYTES) {
    return refuse(`takes more than ${MAX_TAGS_BYTES} bytes as JSON: give fewer tags, or shorter ones (a digest, say)`);
  }
  return tags as readonly string[];
}
