import * as fc from 'fast-check';
import { crc32 as zlibCrc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { crc32 } from '../../lib/core/crc32.js';
import { mixedHash } from '../../lib/core/mixed-hash.js';

describe('crc32', () => {
  it('is the CRC-32 of the check value', () => {
    expect(crc32('123456789')).toBe(0xcbf43926);
    expect(crc32('')).toBe(0);
  });

  it.each([
    ['ASCII', fc.string({ unit: 'binary-ascii' })],
    ['any code point', fc.string({ unit: 'binary' })],
    ['what people write', fc.string({ unit: 'grapheme', maxLength: 200 })],
    [
      'any UTF-16, lone surrogates included',
      fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
    ],
    [
      'surrogates only',
      fc.array(fc.integer({ min: 0xd800, max: 0xdfff })).map((units) => String.fromCharCode(...units)),
    ],
  ])('agrees with zlib over the UTF-8 of %s', (_what, texts) => {
    fc.assert(
      fc.property(texts, (text) => {
        expect(crc32(text)).toBe(zlibCrc32(Buffer.from(text)));
      }),
      { numRuns: 500 },
    );
  });
});

describe('mixedHash', () => {
  it('is an unsigned 32-bit number and depends on every character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), fc.nat(), (text, at) => {
        const index = at % text.length;
        const changed = text.slice(0, index) + String.fromCharCode(text.charCodeAt(index) ^ 1) + text.slice(index + 1);

        expect(mixedHash(text)).toBe(mixedHash(text) >>> 0);
        expect(mixedHash(changed)).not.toBe(mixedHash(text));
      }),
    );
  });

  it('is the same in every version: peers of two versions must agree', () => {
    expect(['', 'a', 'key-1', '日本', '🦊'].map(mixedHash)).toMatchInlineSnapshot(`
      [
        3954623016,
        298494453,
        2490034699,
        791801172,
        3787156242,
      ]
    `);
  });

  it('spreads keys that differ in a digit evenly over 16 parts', () => {
    const parts = Array.from({ length: 16 }, () => 0);

    for (let n = 0; n < 16_000; n++) parts[mixedHash(`key-${n}`) >>> 28]!++;

    expect(Math.min(...parts)).toBeGreaterThan(850);
    expect(Math.max(...parts)).toBeLessThan(1150);
  });
});
