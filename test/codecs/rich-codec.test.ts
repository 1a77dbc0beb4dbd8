import * as fc from 'fast-check';
import { ByteView, jsonCodec, UnencodableValueError } from '../../lib/core/index.js';
import { richCodec } from '../../lib/codecs/rich-codec.js';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { roundTrip } from './round-trips.js';

class Visit {
  constructor(
    readonly at: Date,
    readonly by: string,
  ) {}
}

class Price {
  constructor(readonly cents: number) {}
  format(): string {
    return `${this.cents / 100}`;
  }
}

describe('richCodec', () => {
  it.each<[string, unknown]>([
    ['a Date', new Date(1_700_000_000_123)],
    ['the earliest Date', new Date(-8.64e15)],
    ['a Map with objects for keys', new Map([[{ id: 1 }, new Set([1, 'a', { b: 2 }])]])],
    [
      'a Map with odd keys',
      new Map<unknown, unknown>([
        [1n, 1],
        [Number.NaN, 2],
        [undefined, 3],
        [null, 4],
      ]),
    ],
    ['a Set of Dates', new Set([new Date(1), new Date(2)])],
    ['a bigint', 5n],
    ['a bigint over 64 bits', 2n ** 200n + 1n],
    ['a negative bigint over 64 bits', -(2n ** 70n)],
    ['an integer over 2^53, as a bigint', 9_007_199_254_740_993n],
    ['a Buffer', Buffer.from([0, 1, 254, 255])],
    ['an empty Buffer', Buffer.alloc(0)],
    ['a Uint8Array', new Uint8Array([1, 2, 3])],
    ['a Uint8ClampedArray', new Uint8ClampedArray([1, 300])],
    ['an Int16Array', new Int16Array([-1, 32_767])],
    ['a Uint32Array', new Uint32Array([4_294_967_295])],
    ['a Float32Array', new Float32Array([1.5, -0])],
    ['a Float64Array', new Float64Array([1.5, Number.NaN, -0, Infinity])],
    ['a BigInt64Array', new BigInt64Array([1n, -5n])],
    ['a BigUint64Array', new BigUint64Array([2n ** 64n - 1n])],
    ['an ArrayBuffer', new Uint8Array([1, 2]).buffer],
    ['a DataView', new DataView(new Uint8Array([1, 2]).buffer)],
    ['undefined as a property', { a: undefined, b: 1 }],
    ['undefined in an array', [undefined, 1, undefined]],
    ['an array with holes', [1, , 3]], // oxlint-disable-line no-sparse-arrays
    ['NaN', Number.NaN],
    ['-Infinity', -Infinity],
    ['-0', -0],
    ['null', null],
    ['false', false],
    ['an empty string', ''],
    ['a lone surrogate', '\ud800x'],
    ['a NUL and a line separator', '\0\u2028</script>'],
    ['a RegExp', /a+b/gi],
    ['a URL', new URL('http://a.example/b?c=d#e')],
    ['search parameters', new URLSearchParams('a=1&a=2')],
    ['an object without a prototype', Object.assign(Object.create(null) as object, { a: 1 })],
    ['property names with dots', { 'a.b': new Date(1), a: { b: new Date(2) } }],
    ['a property called constructor', { constructor: { prototype: 1 } }],
    ['a frozen object', Object.freeze({ a: new Date(1) })],
  ])('brings back %s', (_what, value) => {
    const back: unknown = roundTrip(richCodec, { value }).value;

    expect(isDeepStrictEqual(back, value)).toBe(true);
    expect(isDeepStrictEqual(roundTrip(richCodec, value), value)).toBe(true);
  });

  it('brings back an invalid Date', () => {
    const back: Date = roundTrip(richCodec, new Date(Number.NaN));

    expect(back).toBeInstanceOf(Date);
    expect(back.getTime()).toBeNaN();
  });

  it('brings back cycles and shared references', () => {
    const shared = { at: new Date(1) };
    const value: Record<string, unknown> = { first: shared, second: shared };
    value.self = value;

    const back = roundTrip(richCodec, value) as typeof value;

    expect(back.self).toBe(back);
    expect(back.first).toBe(back.second);
    expect(back.first).toEqual(shared);
  });

  it('makes plain objects of instances of classes without behaviour, and keeps what is in them', () => {
    const back = roundTrip(richCodec, { visits: [new Visit(new Date(5), 'Ada')] }) as { visits: Visit[] };

    expect(back.visits[0]).toStrictEqual({ at: new Date(5), by: 'Ada' });
  });

  it('sends the bytes of a view and nothing of the memory around it', () => {
    const memory = new Uint8Array(64).fill(0x53);
    const view = new Uint16Array(memory.buffer, 8, 2).fill(7);
    const data = new DataView(memory.buffer, 8, 4);

    const encoded = richCodec.encode({ view, data, buffer: Buffer.from(memory.buffer, 8, 4) }) as string;
    const back = richCodec.decode(ByteView.from(encoded)) as { view: Uint16Array; data: DataView; buffer: Buffer };

    expect(back.view).toEqual(new Uint16Array([7, 7]));
    expect(back.view.buffer.byteLength).toBe(4);
    expect(back.data.byteLength).toBe(4);
    expect(back.buffer).toEqual(Buffer.from([7, 0, 7, 0]));
    expect(encoded).not.toContain('U1NT');
  });

  it('copies bytes out of shared memory', () => {
    const view = new Uint8Array(new SharedArrayBuffer(4)).fill(9);

    const back = roundTrip(richCodec, view) as Uint8Array;

    expect([...back]).toEqual([9, 9, 9, 9]);
    expect(back.buffer).toBeInstanceOf(ArrayBuffer);
  });

  it.each<[string, unknown, string]>([
    ['a function', () => 1, 'is a function'],
    ['a symbol', Symbol('s'), 'is a symbol'],
    ['an instance of a class with methods', new Price(5), 'is of class Price'],
    [
      'an instance of a class with accessors',
      new (class Box {
        get size(): number {
          return 1;
        }
      })(),
      'is of class Box',
    ],
    [
      'a nameless instance with methods',
      new (class {
        run(): void {}
      })(),
      'is of a class,',
    ],
    ['an Error', new TypeError('no'), 'is of class TypeError'],
    ['a promise', Promise.resolve(1), 'is a promise'],
    ['a WeakMap', new WeakMap(), 'is of class WeakMap'],
    ['a boxed number', Object(5), 'is of class Number'],
    [
      'a subclass of Array',
      new (class Cities extends Array<number> {
        nearest(): void {}
      })(),
      'is of class Cities',
    ],
    ['a subclass of Map', new (class Index extends Map<string, number> {})([['a', 1]]), 'is of class Index'],
    ['a subclass of Date', new (class Day extends Date {})(1), 'is of class Day'],
    ['a subclass of a typed array', new (class Pixels extends Uint8Array {})(2), 'is of class Pixels'],
    [
      'a class that says that it is a Map',
      new (class Fake {
        readonly [Symbol.toStringTag] = 'Map';
      })(),
      'is of class Fake',
    ],
    ['an array with names', Object.assign([1], { extra: 1 }), 'is of class Array'],
    ['a result of exec', /a/.exec('a'), 'is of class Array'],
    ['a Map with properties', Object.assign(new Map(), { extra: 1 }), 'is of class Map'],
    ['a RegExp in the middle of its work', Object.assign(/a/g, { lastIndex: 3 }), 'is of class RegExp'],
    ['a property called by a symbol', { [Symbol('s')]: 1 }, 'is called by a symbol'],
    ['a property called __proto__', JSON.parse('{"__proto__":{"a":1}}'), '"__proto__"'],
    [
      'arguments',
      (function () {
        return arguments;
      })(),
      'is of class Object',
    ], // oxlint-disable-line prefer-rest-params
  ])('refuses %s, naming the path', (_what, value, reason) => {
    const encode = (): unknown => richCodec.encode({ items: [{ value }] });

    expect(encode).toThrow(UnencodableValueError);
    expect(encode).toThrow('the result.items[0].value ');
    expect(encode).toThrow(reason);
  });

  it('names the key of a Map on the way to what it refuses', () => {
    expect(() => richCodec.encode(new Map([['k', () => 1]]))).toThrow('the result.get("k") is a function');
  });

  it('refuses what is nested too deeply', () => {
    let nested: unknown[] = [];
    for (let depth = 0; depth < 100_000; depth++) nested = [nested];

    expect(() => richCodec.encode(nested)).toThrow('is nested too deeply');
  });

  it('lets through what an accessor of the value throws', () => {
    const error = new Error('lazy relation is not loaded');

    expect(() =>
      richCodec.encode({
        get owner(): never {
          throw error;
        },
      }),
    ).toThrow(error);
  });

  it('gives every caller a value of its own', () => {
    const view = ByteView.from(richCodec.encode({ at: new Date(1) }));

    expect(richCodec.decode(view)).not.toBe(richCodec.decode(view));
    expect(richCodec.freezable).toBeFalsy();
  });

  it.each([
    '',
    'null',
    '{}',
    '[]',
    '[["Buffer",1],"text"]',
    '[["Buffer",1],{"buffer":2},5]',
    '[{"__proto__":1},{"polluted":2},true]',
    '[["null","__proto__",1],{}]',
    '[["Uint8Array",1],1000000000]',
    '[["Error",1],"x"]',
    '[["constructor",1],"x"]',
    '[["Buffer",0]]',
  ])('does not decode %j', (text) => {
    expect(() => richCodec.decode(ByteView.from(text)) as unknown).toThrow();
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it('does not reserve memory that only a number asks for', () => {
    const sparse = richCodec.decode(ByteView.from('[[-7,4294967295]]')) as unknown[];

    expect(sparse).toHaveLength(4_294_967_295);
    expect(Object.keys(sparse)).toEqual([]);
  });

  it('brings back any value, or refuses it', () => {
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withTypedArray: true,
      withSparseArray: true,
      withNullPrototype: true,
      withBoxedValues: true,
      withUnicodeString: true,
    } as fc.ObjectConstraints);

    fc.assert(
      fc.property(anything, (value) => {
        let encoded: string;
        try {
          encoded = richCodec.encode(value) as string;
        } catch (error) {
          expect(error).toBeInstanceOf(UnencodableValueError);
          return;
        }
        // Compared as it would be by a reader: isDeepStrictEqual holds two invalid Dates to be different.
        expect(richCodec.decode(ByteView.from(encoded))).toStrictEqual(value);
      }),
      { numRuns: 1000 },
    );
  });

  it('agrees with jsonCodec on what that takes', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        fc.pre(!JSON.stringify(value).includes('__proto__'));
        expect(roundTrip(richCodec, value)).toEqual(value);
        expect(roundTrip(jsonCodec, roundTrip(richCodec, value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});
