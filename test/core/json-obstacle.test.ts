import { describe, expect, it } from 'vitest';
import { firstJsonObstacle } from '../../lib/core/json-obstacle.js';

class Dto {
  id = 1;
  tags = ['a'];
}

class SubDto extends Dto {
  more = true;
}

class Price {
  cents = 5;
  format(): string {
    return String(this.cents);
  }
}

class Discount extends Price {}

const cycle: Record<string, unknown> = {};
cycle.self = cycle;

describe('firstJsonObstacle', () => {
  it.each<[string, unknown]>([
    ['null', null],
    ['text', 'é🦊'],
    ['numbers', [0, -1.5, 1e300, Number.MAX_SAFE_INTEGER]],
    ['-0, which counts as 0', -0],
    ['booleans', [true, false]],
    ['nested plain data', { a: [{ b: { c: null } }] }],
    ['a property that is undefined', { a: undefined, b: 1 }],
    ['an instance of a data-only class', new Dto()],
    ['an instance of a data-only subclass', new SubDto()],
    ['an object without a prototype', Object.assign(Object.create(null) as object, { a: 1 })],
    ['an array without a prototype', Object.setPrototypeOf([1], null)],
    ['an array of a class that adds nothing', new (class Rows extends Array<number> {})()],
  ])('has nothing against %s', (_what, value) => {
    expect(firstJsonObstacle(value, 'it')).toBeUndefined();
  });

  it.each<[string, unknown, string, string]>([
    ['undefined', undefined, 'it', 'is undefined'],
    ['undefined in an array', [1, undefined], 'it[1]', 'is undefined'],
    ['a hole', [1, , 2], 'it[1]', 'is undefined'], // oxlint-disable-line no-sparse-arrays
    ['NaN', { a: Number.NaN }, 'it.a', 'is NaN'],
    ['Infinity', [[Infinity]], 'it[0][0]', 'is Infinity'],
    ['a bigint', 1n, 'it', 'is a bigint'],
    ['a function', { run: () => 1 }, 'it.run', 'is a function'],
    ['a symbol', Symbol('s'), 'it', 'is a symbol'],
    ['a lone surrogate', { a: '\ud800' }, 'it.a', 'is a string with a lone surrogate'],
    ['a Date', { items: [{ at: new Date() }] }, 'it.items[0].at', 'is a Date'],
    ['a Map', new Map(), 'it', 'is a Map'],
    ['a Set', new Set(), 'it', 'is a Set'],
    ['a RegExp', /a/, 'it', 'is a RegExp'],
    ['an Error', new TypeError('x'), 'it', 'is a TypeError'],
    ['a promise', Promise.resolve(), 'it', 'is a Promise'],
    ['a Buffer', Buffer.alloc(1), 'it', 'is a Buffer'],
    ['a typed array', new Float64Array(1), 'it', 'is a Float64Array'],
    ['a DataView', new DataView(new ArrayBuffer(1)), 'it', 'is a DataView'],
    ['an ArrayBuffer', new ArrayBuffer(1), 'it', 'is a ArrayBuffer'],
    ['a URL', new URL('http://a'), 'it', 'is a URL'],
    ['a boxed number', Object(1), 'it', 'is a Number'],
    ['something with toJSON', { toJSON: () => 1 }, 'it', 'is a Object'],
    ['an instance with methods', new Price(), 'it', 'is an instance of Price, a class with methods or accessors'],
    ['an instance that inherits methods', new Discount(), 'it', 'is an instance of Discount'],
    [
      'a nameless instance with methods',
      new (class {
        run(): void {}
      })(),
      'it',
      'is an instance of class instance',
    ],
    [
      'an array class with methods',
      [
        new (class Cities extends Array {
          near(): void {}
        })(),
      ],
      'it[0]',
      'is a Cities, an array class',
    ],
    [
      'an array of a subclass of such',
      new (class extends class Base extends Array {
        near(): void {}
      } {})(),
      'it',
      'an array class',
    ],
  ])('names %s, and where it is', (_what, value, path, reason) => {
    const obstacle = firstJsonObstacle(value, 'it');

    expect(obstacle?.path).toBe(path);
    expect(obstacle?.reason).toContain(reason);
  });

  it('ends on a cycle, with a path of a readable length', () => {
    const obstacle = firstJsonObstacle(cycle, 'it');

    expect(obstacle?.reason).toContain('in a cycle');
    expect(obstacle?.path).toHaveLength(80);
  });

  it('says the first of several', () => {
    expect(firstJsonObstacle({ a: 1, b: new Date(), c: 1n }, 'it')?.path).toBe('it.b');
  });
});

describe('firstJsonObstacle, of what JSON drops in silence', () => {
  it.each([
    ['a property called by a symbol', { price: { [Symbol('gt')]: 5 } }, 'the result.price'],
    ['an array with named properties', [/(?<year>[0-9])/.exec('5')], 'the result[0]'],
    [
      'data on a null-prototype parent',
      Object.create(Object.assign(Object.create(null), { inherited: 1 })),
      'the result',
    ],
  ])('refuses %s', (_what, value, path) => {
    expect(firstJsonObstacle(value, 'the result')?.path).toBe(path);
  });
});
