import { isDeepStrictEqual } from 'node:util';
import { instanceToPlain, plainToInstance, type ClassConstructor, type ClassTransformOptions } from 'class-transformer';
import type { Codec } from '../core/codec.js';
import { UnencodableValueError } from '../core/errors.js';

/**
 * A codec for instances of `type`, or by `classCodec([Type])` for arrays of them, over class-transformer: what is decoded
 * is an instance again, with its methods.
 *
 * `@Type` says what nested properties are (`@Type(() => Date)` too), `@Transform` how they travel. `@Exclude` and
 * `@Expose` on properties are for output and not heeded: a cached entity keeps its password hash, and Nest's
 * ClassSerializerInterceptor still leaves it out of the response.
 *
 * Only instances of exactly `type` are taken (and `null`), not plain objects that look like one, nor instances of a
 * subclass. Each is decoded once more when it is encoded, and refused with its path if it does not come back equal: a
 * Date without `@Type(() => Date)`, a constructor that can't be called without arguments. A property that is `undefined`
 * counts as absent.
 *
 * Needs `class-transformer` and `reflect-metadata`, optional peer dependencies.
 */
export function classCodec<Instance extends object>(type: ClassConstructor<Instance>): Codec<Instance>;
export function classCodec<Instance extends object>(type: readonly [ClassConstructor<Instance>]): Codec<Instance[]>;
export function classCodec(type: ClassConstructor<object> | readonly [ClassConstructor<object>]): Codec<unknown> {
  const isList = typeof type !== 'function';
  const itemType = isList ? type[0] : type;
  const name = isList ? `class [${itemType.name}]` : `class ${itemType.name}`;
  const decode = (text: string): unknown => plainToInstance(itemType, JSON.parse(text) as unknown, options);

  return {
    name,
    encode(value: unknown) {
      const flaw = isList ? flawOfList(value, itemType) : flawOfInstance(value, itemType, 'the result');
      if (flaw !== undefined) throw new UnencodableValueError(name, flaw.path, flaw.reason);
      const text = attempt(name, () => JSON.stringify(instanceToPlain(value, options)));
      const path = firstDifference(
        value,
        attempt(name, () => decode(text)),
        'the result',
      );
      if (path !== undefined) {
        throw new UnencodableValueError(
          name,
          path,
          'would come back changed: give the property a @Type(() => Class), or a @Transform that can be turned back',
        );
      }
      return text;
    },
    decode: (view) => decode(view.toString()),
  };
}

const options: ClassTransformOptions = { ignoreDecorators: true };

interface Flaw {
  readonly path: string;
  readonly reason: string;
}

function flawOfList(value: unknown, type: ClassConstructor<object>): Flaw | undefined {
  if (value === null) return undefined;
  if (!Array.isArray(value)) return { path: 'the result', reason: `is not an array of ${type.name}` };
  for (const [index, item] of value.entries()) {
    const flaw = flawOfInstance(item, type, `the result[${index}]`);
    if (flaw !== undefined) return flaw;
  }
  return undefined;
}

function flawOfInstance(value: unknown, type: ClassConstructor<object>, path: string): Flaw | undefined {
  if (value === null) return undefined;
  if (!(value instanceof type)) return { path, reason: `is not an instance of ${type.name}` };
  if (Object.getPrototypeOf(value) === type.prototype) return undefined;
  return {
    path,
    reason: `is an instance of ${value.constructor.name}, a subclass of ${type.name}, and would become the latter`,
  };
}

function attempt<Result>(codec: string, step: () => Result): Result {
  try {
    return step();
  } catch (error) {
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    throw new UnencodableValueError(codec, 'the result', `can't make the round trip (${reason})`);
  }
}

/** The path of the first place where `after` is not what `before` is. */
function firstDifference(before: unknown, after: unknown, path: string): string | undefined {
  if (Object.is(before, after) || (before === 0 && after === 0)) return undefined;
  const isNode = typeof before === 'object' && before !== null && typeof after === 'object' && after !== null;
  if (!isNode || Object.getPrototypeOf(before) !== Object.getPrototypeOf(after)) return path;
  if (Array.isArray(before) && before.length !== (after as unknown[]).length) return path;
  if (Object.prototype.toString.call(before) !== '[object Object]' && !Array.isArray(before)) {
    return isDeepStrictEqual(before, after) ? undefined : path;
  }
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const step = Array.isArray(before) ? `[${name}]` : `.${name}`;
    const difference = firstDifference(
      (before as Record<string, unknown>)[name],
      (after as Record<string, unknown>)[name],
      path + step,
    );
    if (difference !== undefined) return difference;
  }
  return undefined;
}
