/**
 * A 32-bit hash of a string whose every bit depends on every character (MurmurHash3's mixing over UTF-16 code units).
 *
 * CRC-32 is linear: keys and peers that differ in a digit or two land near each other, and some peers get half as much
 * again as others. Not cryptographic. Allocates nothing.
 */
export function mixedHash(text: string): number {
  let hash = 0x9747b28c;
  for (let index = 0; index < text.length; index++) {
    let block = Math.imul(text.charCodeAt(index), 0xcc9e2d51);
    block = Math.imul((block << 15) | (block >>> 17), 0x1b873593);
    hash ^= block;
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
  }
  hash ^= text.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
