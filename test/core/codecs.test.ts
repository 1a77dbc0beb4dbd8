import * as fc from 'fast-check';
import { bytesCodec, ByteView, jsonCodec, textCodec, UnencodableValueError } from '../../lib/core/index.js';
import { describe, expect, it } from 'vitest';

describe('bytesCodec', () => {
  it('brings back bytes as a Buffer of the caller’s own', () => {
    const view = ByteView.from(bytesCodec.encode(Buffer.from([0, 255])));

    const first = bytesCodec.decode(view);
    first.fill(9);

    expect(bytesCodec.decode(view)).toEqual(Buffer.from([0, 255]));
    expect(bytesCodec.freezable).toBeFalsy();
  });

  it('takes any Uint8Array and nothing else', () => {
    expect(bytesCodec.encode(new Uint8Array([1]) as Buffer)).toEqual(new Uint8Array([1]));
    for (const value of ['text', [1], new Uint16Array(1), new ArrayBuffer(1), null]) {
      expect(() => bytesCodec.encode(value as never)).toThrow(UnencodableValueError);
    }
  });
});

describe('textCodec', () => {
  it('brings back any well-formed text, however it was sent', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const encoded = textCodec.encode(text) as string;

        expect(textCodec.decode(ByteView.from(encoded))).toBe(text);
        expect(textCodec.decode(ByteView.from(Buffer.from(encoded)))).toBe(text);
      }),
    );
  });

  it('refuses what is not a string', () => {
    expect(() => textCodec.encode(5 as never)).toThrow("The text codec can't carry this result");
  });
});

describe('jsonCodec', () => {
  it('brings back plain data', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const view = ByteView.from(jsonCodec.encode(value));

        // -0 is 0 in JSON.
        expect(jsonCodec.decode(view)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('either brings a value back as it was or refuses it', () => {
    const values = fc.anything({
      withDate: true,
      withMap: true,
      withSet: true,
      withBigInt: true,
      withTypedArray: true,
    });
    fc.assert(
      fc.property(values, (value) => {
        let encoded: string;
        try {
          encoded = jsonCodec.encode(value) as string;
        } catch (error) {
          expect(error).toBeInstanceOf(UnencodableValueError);
          return;
        }
        expect(withoutNegativeZero(JSON.parse(encoded))).toEqual(withoutNegativeZero(value));
      }),
      { numRuns: 500 },
    );
  });

  it('names the path and a way out in what it throws', () => {
    const value = { items: [{ createdAt: new Date() }] };

    expect(() => jsonCodec.encode(value)).toThrow(
      "The json codec can't carry this result: the result.items[0].createdAt is a Date.",
    );
    expect(() => jsonCodec.encode(value)).toThrow('richCodec (nestjs-groupcache/codecs/rich)');
  });
});

function withoutNegativeZero(value: unknown): unknown {
  if (value === 0) return 0;
  if (Array.isArray(value)) return value.map(withoutNegativeZero);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, withoutNegativeZero(part)]));
}
