import { randomInt } from 'node:crypto';

/**
 * Makes a 32-bit hash of strings under a key that nobody outside of the process knows: HalfSipHash-1-3 over UTF-16 code
 * units.
 *
 * Whoever chooses the strings can't choose which of them meet, as he can with `mixedHash` even when it is seeded. The
 * result is signed, and allocates nothing.
 */
export function createKeyedHash(
  key0: number = randomInt(2 ** 32),
  key1: number = randomInt(2 ** 32),
): (text: string) => number {
  const start0 = key0 | 0;
  const start1 = key1 | 0;
  return (text) => {
    let v0 = start0;
    let v1 = start1;
    let v2 = start0 ^ 0x6c796765;
    let v3 = start1 ^ 0x74656462;
    const { length } = text;
    // Two code units a word; after them the odd one with the length; after that three rounds more. Each is one SipRound.
    const words = length >>> 1;
    for (let word = 0; word <= words + 3; word++) {
      let block = 0;
      if (word < words) block = text.charCodeAt(word * 2) | (text.charCodeAt(word * 2 + 1) << 16);
      else if (word === words) block = (length << 16) | (length & 1 ? text.charCodeAt(length - 1) : 0);
      else if (word === words + 1) v2 ^= 0xff;
      v3 ^= block;
      v0 = (v0 + v1) | 0;
      v1 = (v1 << 5) | (v1 >>> 27);
      v1 ^= v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = (v3 << 8) | (v3 >>> 24);
      v3 ^= v2;
      v0 = (v0 + v3) | 0;
      v3 = (v3 << 7) | (v3 >>> 25);
      v3 ^= v0;
      v2 = (v2 + v1) | 0;
      v1 = (v1 << 13) | (v1 >>> 19);
      v1 ^= v2;
      v2 = (v2 << 16) | (v2 >>> 16);
      v0 ^= block;
    }
    return v1 ^ v3;
  };
}

/** The same for all groups of a process, and another one in every process. */
export const keyedHash = /* @__PURE__ */ createKeyedHash();
