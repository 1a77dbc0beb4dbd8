const table = /* @__PURE__ */ buildTable();

/**
 * CRC-32 (IEEE) of the UTF-8 of `text`, as an unsigned 32-bit number: Go's `crc32.ChecksumIEEE([]byte(text))`.
 *
 * Allocates nothing. Lone surrogates count as U+FFFD.
 */
export function crc32(text: string): number {
  let crc = -1;
  for (let index = 0; index < text.length; index++) {
    let code = text.charCodeAt(index);
    if (code < 0x80) {
      crc = table[(crc ^ code) & 0xff]! ^ (crc >>> 8);
      continue;
    }
    if (code >= 0xd800 && code < 0xe000) {
      const point = text.codePointAt(index)!;
      if (point > 0xffff) index++;
      code = point > 0xffff ? point : 0xfffd;
    }
    if (code < 0x800) {
      crc = table[(crc ^ (0xc0 | (code >> 6))) & 0xff]! ^ (crc >>> 8);
    } else {
      if (code < 0x10000) {
        crc = table[(crc ^ (0xe0 | (code >> 12))) & 0xff]! ^ (crc >>> 8);
      } else {
        crc = table[(crc ^ (0xf0 | (code >> 18))) & 0xff]! ^ (crc >>> 8);
        crc = table[(crc ^ (0x80 | ((code >> 12) & 0x3f))) & 0xff]! ^ (crc >>> 8);
      }
      crc = table[(crc ^ (0x80 | ((code >> 6) & 0x3f))) & 0xff]! ^ (crc >>> 8);
    }
    crc = table[(crc ^ (0x80 | (code & 0x3f))) & 0xff]! ^ (crc >>> 8);
  }
  return ~crc >>> 0;
}

function buildTable(): Int32Array {
  const entries = new Int32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let entry = byte;
    for (let bit = 0; bit < 8; bit++) entry = entry & 1 ? (entry >>> 1) ^ 0xedb88320 : entry >>> 1;
    entries[byte] = entry;
  }
  return entries;
}
