import { describe, expect, it } from 'vitest';
import { ownString } from '../../lib/core/own-string.js';

describe('ownString', () => {
  it.each(['x', 'é', '€', '😀'])('gives the same text back, whatever its length, of %s', (character) => {
    const lengths = [0, 1, 12, 13, 500, 512, 1023, 1024, 1025, 3000];

    for (const length of lengths) expect(ownString(character.repeat(length))).toBe(character.repeat(length));
  });

  it('makes U+FFFD of lone surrogates', () => {
    expect(ownString(`${'x'.repeat(20)}\ud800`)).toBe(`${'x'.repeat(20)}\ufffd`);
  });
});
