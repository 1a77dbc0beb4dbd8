import { randomFillSync } from 'node:crypto';

/** Room for the head of a message, its mask included, so that what follows it begins at a multiple of 4. */
export const MESSAGE_HEAD_ROOM = 16;

const FINAL_BINARY = 0x82;
const MASKED = 0x80;
const MASK_BYTES = 4;
/** Keys for masks, which nobody may foresee (RFC 6455, 10.3). */
const masks = new Int32Array(1024);
let nextMask = masks.length;

/**
 * Makes a WebSocket message (RFC 6455, 5.2: binary, in one frame) of the bytes from `start` to `end` of `buffer`, a multiple
 * of 4 that has `MESSAGE_HEAD_ROOM` before it, in place, and returns where the message begins. With `words`, which are those
 * of the same memory, it is masked, as a client's must be; up to 3 bytes after `end` may change then.
 */
export function frameMessage(buffer: Buffer, start: number, end: number, words: Int32Array | undefined): number {
  const length = end - start;
  let head = start;
  let mark = 0;
  if (words !== undefined) {
    maskWords(words, start >> 2, (end + 3) >> 2);
    head -= MASK_BYTES;
    mark = MASKED;
  }
  if (length <= 125) {
    head -= 2;
    buffer[head + 1] = mark | length;
  } else if (length <= 0xffff) {
    head -= 4;
    buffer[head + 1] = mark | 126;
    buffer.writeUInt16BE(length, head + 2);
  } else {
    head -= 10;
    buffer[head + 1] = mark | 127;
    buffer.writeUInt32BE(0, head + 2);
    buffer.writeUInt32BE(length, head + 6);
  }
  buffer[head] = FINAL_BINARY;
  return head;
}

/** Masks the words from `start` to `end`, and leaves the mask before them. */
function maskWords(words: Int32Array, start: number, end: number): void {
  if (nextMask === masks.length) {
    randomFillSync(masks);
    nextMask = 0;
  }
  const mask = masks[nextMask++]!;
  words[start - 1] = mask;
  for (let index = start; index < end; index++) words[index]! ^= mask;
}
