import * as fc from 'fast-check';
import { InvalidKeyError, UnencodableArgumentError } from 'nestjs-groupcache';
import { describe, expect, it } from 'vitest';
import { customArgsKey, jsonArgsKey } from '../../lib/nest/args-key.js';

const { encode, decode } = jsonArgsKey('searches', 'Service.search');

/** Strings, with many that look like encoded arguments. */
const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: 'grapheme' }).map((rest) => `[${rest}`),
  fc.constantFrom('', '[]', '["a"]', '[', '[1', ' []', 'null', '{}'),
);

/** What JSON has, but for -0, which is 0 to it. */
const json = fc
  .jsonValue()
  .map((value) => JSON.parse(JSON.stringify(value)) as unknown)
  .filter((value) => !hasProto(value));

const args = fc.oneof(
  text.map((one) => [one]),
  fc.array(fc.oneof(text, json)),
);

/** Whether a property is called `__proto__`, which `toEqual` takes for the prototype. */
function hasProto(value: unknown): boolean {
  return JSON.stringify(value).includes('__proto__');
}

describe('jsonArgsKey', () => {
  it.each<[unknown[], string]>([
    [['ACME'], 'ACME'],
    [[''], ''],
    [['a b/ä+%'], 'a b/ä+%'],
    [[' [padded'], ' [padded'],
    [['[bracket'], '["[bracket"]'],
    [['["a"]'], '["[\\"a\\"]"]'],
    [[], '[]'],
    [[7], '[7]'],
    [[null], '[null]'],
    [['a', 'b'], '["a","b"]'],
    [['a', undefined, undefined], 'a'],
    [[undefined], '[]'],
    [[{ b: 1, a: [true, { d: 1, c: null }], u: undefined }], '[{"a":[true,{"c":null,"d":1}],"b":1}]'],
    [[{ 10: 'ten', 9: 'nine' }], '[{"10":"ten","9":"nine"}]'],
  ])('encodes %j as %s', (given, key) => {
    expect(encode(given)).toBe(key);
  });

  it('brings back what it encoded', () => {
    fc.assert(
      fc.property(args, (given) => {
        expect(decode(encode(given))).toEqual(given);
      }),
    );
  });

  it('gives different arguments different keys', () => {
    fc.assert(
      fc.property(args, args, (one, other) => {
        const areSame = encode([one]) === encode([other]);
        expect(encode(one) === encode(other)).toBe(areSame);
      }),
    );
  });

  it('gives one key whatever the order of properties', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (given) => {
        const reversed = Object.fromEntries(Object.entries(given).toReversed());
        expect(encode([reversed])).toBe(encode([given]));
      }),
    );
  });

  it.each([
    '[',
    '[1, 2]',
    '[1.0]',
    '["a"]',
    '[ ]',
    '[{"b":1,"a":2}]',
    '[{"a":1,"a":1}]',
    '["\\u0061","b"]',
    '[1]x',
    '[undefined]',
  ])('refuses %s, another spelling of a key or none', (key) => {
    expect(() => decode(key)).toThrow(InvalidKeyError);
    expect(() => decode(key)).toThrow('Service.search');
  });

  it('accepts every key that it made, and no other that begins with a bracket', () => {
    fc.assert(
      fc.property(text, (key) => {
        let back: readonly unknown[] | undefined;
        try {
          back = decode(key);
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidKeyError);
        }
        if (back !== undefined) expect(encode(back)).toBe(key);
      }),
    );
  });

  it('keeps a property called __proto__', () => {
    const given = JSON.parse('{"__proto__":{"admin":true}}') as object;

    const [back] = decode(encode([given])) as [object];

    expect(Object.keys(back)).toEqual(['__proto__']);
    expect(JSON.stringify(back)).toBe(JSON.stringify(given));
  });

  it('refuses what JSON would change', () => {
    const refused = [
      Symbol('s'),
      1n,
      () => 0,
      new Date(),
      new Map(),
      Number.NaN,
      Infinity,
      new Uint8Array(1),
      [undefined],
    ];
    for (const argument of refused) expect(() => encode(['a', argument])).toThrow(UnencodableArgumentError);
    expect(() => encode([undefined, 'a'])).toThrow('argument 1 is undefined');
    expect(() => encode(['\ud800', 'a'])).toThrow('argument 1 is a string with a lone surrogate');
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    expect(() => encode([cycle])).toThrow('in a cycle');
  });
});

describe('customArgsKey', () => {
  it('uses the codec both ways', () => {
    const key = customArgsKey('days', 'Service.day', {
      encode: (at: Date) => String(at.getTime()),
      decode: (wireKey) => [new Date(Number(wireKey))],
    });

    expect(key.encode([new Date(5)])).toBe('5');
    expect(key.decode('5')).toEqual([new Date(5)]);
  });

  it('holds it to its word', () => {
    const key = customArgsKey('days', 'Service.day', { encode: () => 7 as any, decode: () => 'args' as any });

    expect(() => key.encode([])).toThrow(UnencodableArgumentError);
    expect(() => key.decode('a')).toThrow(InvalidKeyError);
  });
});
