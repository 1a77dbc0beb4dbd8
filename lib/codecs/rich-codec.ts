import { types } from 'node:util';
import { defaultStringifyOperations, DevalueError, parse, stringify } from 'devalue';
import type { Codec } from '../core/codec.js';
import { UnencodableValueError } from '../core/errors.js';

/**
 * A codec for data of JavaScript's own kinds: what JSON has, and Date, Map, Set, bigint, Buffer, typed arrays,
 * ArrayBuffer, RegExp, URL, `undefined`, NaN, the infinities, -0, sparse arrays, cycles and shared references.
 *
 * An instance of a class without methods and accessors (an entity, a DTO) comes back as a plain object. Everything that
 * would come back changed is refused with its path: functions, symbols, errors, promises, boxed primitives, instances of
 * classes with behaviour (subclasses of the built-ins among them). Of a typed array its own bytes are sent, never the
 * rest of the memory that it is a view of.
 *
 * Needs `devalue` 6, an optional peer dependency; why this one: docs/decisions/0001-rich-codec.md.
 */
export const richCodec: Codec<any> = {
  name: 'rich',
  encode(value: unknown) {
    try {
      return stringify(value, reducers, { operations });
    } catch (error) {
      if (error instanceof DevalueError) {
        throw new UnencodableValueError('rich', `the result${error.path ?? ''}`, flawOf(error.value));
      }
      if (error instanceof RangeError) throw new UnencodableValueError('rich', 'the result', 'is nested too deeply');
      throw error;
    }
  },
  decode: (view) => parse(view.toString(), revivers) as unknown,
};

/** A Buffer is a Uint8Array to devalue; copied, since a small one is a view of a pool with other people's bytes. */
const reducers = {
  Buffer: (value: unknown) => Buffer.isBuffer(value) && new Uint8Array(value),
};

const revivers = {
  Buffer(bytes: unknown): Buffer {
    if (!types.isUint8Array(bytes)) throw new TypeError('A Buffer was sent as something else than bytes');
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  },
};

/** How devalue looks at values; stricter than its defaults, which drop what subclasses and extra properties add. */
const operations: NonNullable<NonNullable<Parameters<typeof stringify>[2]>['operations']> = {
  tagOf(value: object) {
    const tag = defaultStringifyOperations.tagOf(value);
    return tag === 'Object' || isBuiltIn(tag, value) ? tag : REFUSED;
  },

  shapeOf(value: object) {
    const isData = defaultStringifyOperations.tagOf(value) === 'Object' && !hasBehaviour(value);
    if (!isData) return { kind: 'not-plain' };
    const isEnumerable = (symbol: symbol): boolean => Object.prototype.propertyIsEnumerable.call(value, symbol);
    if (Object.getOwnPropertySymbols(value).some(isEnumerable)) return { kind: 'symbol-keys' };
    return { kind: Object.getPrototypeOf(value) === null ? 'null-proto' : 'plain', keys: Object.keys(value) };
  },

  viewInfo(view: NodeJS.ArrayBufferView) {
    const isWhole = types.isArrayBuffer(view.buffer) && view.byteLength === view.buffer.byteLength;
    const buffer = isWhole ? view.buffer : bytesOf(view).slice().buffer;
    const { byteLength } = view;
    const length = types.isTypedArray(view) ? view.length : byteLength;
    return { buffer, byteOffset: 0, byteLength, length, bufferByteLength: byteLength };
  },
};

/** A tag that devalue does not know, so that it goes by `shapeOf`. */
const REFUSED = '';

/** Checks by internal slots, which no class can pretend to have. */
const brands: Readonly<Record<string, (value: object) => boolean>> = {
  Array: (value) => Array.isArray(value) && !hasNamedElements(value),
  Date: types.isDate,
  Map: types.isMap,
  Set: types.isSet,
  RegExp: (value) => types.isRegExp(value) && value.lastIndex === 0,
  URL: (value) => value instanceof URL,
  URLSearchParams: (value) => value instanceof URLSearchParams,
  ArrayBuffer: types.isArrayBuffer,
  DataView: types.isDataView,
};

/** Whether `value` is what `tag` says, no subclass of it, and has no properties of its own beside its content. */
function isBuiltIn(tag: string, value: object): boolean {
  if (types.isTypedArray(value)) return prototypesOf(value) === 3;
  const isBranded = brands[tag];
  if (isBranded === undefined || !isBranded(value) || prototypesOf(value) !== 2) return false;
  return Array.isArray(value) || Object.keys(value).length === 0;
}

/** A result of `RegExp.exec`, for one, is an array with names beside its numbers. */
function hasNamedElements(array: readonly unknown[]): boolean {
  const keys = Object.keys(array);
  // Numbers come first.
  return keys.length > 0 && !/^\d+$/.test(keys[keys.length - 1]!);
}

function prototypesOf(value: object): number {
  let count = 0;
  for (let level = parentOf(value); level !== null; level = parentOf(level)) count++;
  return count;
}

/** Whether a class between `value` and Object.prototype (of whichever realm: Jest has its own) has more than data. */
function hasBehaviour(value: object): boolean {
  for (let level = parentOf(value); level !== null; level = parentOf(level)) {
    if (parentOf(level) === null) return false;
    if (Object.getOwnPropertyNames(level).some((name) => name !== 'constructor')) return true;
  }
  return false;
}

function parentOf(value: object): object | null {
  return Object.getPrototypeOf(value) as object | null;
}

function bytesOf(view: NodeJS.ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/** Says, as a predicate, why devalue stopped at `value`. */
function flawOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return `is a ${typeof value}`;
  if (typeof (value as { then?: unknown }).then === 'function') return 'is a promise, or has a method "then"';
  if (!hasBehaviour(value) && defaultStringifyOperations.tagOf(value) === 'Object') {
    return 'has a property that is called by a symbol or "__proto__"';
  }
  const name: unknown = (value as { constructor?: { name?: unknown } }).constructor?.name;
  return (
    `is of ${typeof name === 'string' && name !== '' ? `class ${name}` : 'a class'}, which would lose something on the ` +
    `way. Return plain data, or give the group classCodec(Type) (nestjs-groupcache/codecs/class)`
  );
}
