import type { Codec } from '../core/codec.js';

type Primitive = string | number | boolean | null | undefined;
type IsAny<Type> = 0 extends 1 & Type ? true : false;

/** How deep types are looked into; what is deeper is looked at when it runs. */
type Depth = [unknown, unknown, unknown, unknown, unknown, unknown];
type Deeper<Left extends unknown[]> = Left extends [unknown, ...infer Rest] ? Rest : [];

/**
 * What in `Type` JSON would change, as a sentence for the compiler to print; `never` if nothing.
 *
 * Interfaces and classes of plain data pass; so do `any` and `unknown`, which are checked when they are encoded.
 */
export type JsonProblem<Type, Path extends string, Left extends unknown[] = Depth> =
  IsAny<Type> extends true
    ? never
    : unknown extends Type
      ? never
      : Left extends []
        ? never
        : Type extends Primitive
          ? never
          : Type extends bigint
            ? `${Path} is a bigint, which JSON does not have`
            : Type extends symbol
              ? `${Path} is a symbol, which JSON does not have`
              : Type extends (...args: any[]) => unknown
                ? `${Path} is a function, which JSON does not have`
                : Type extends Date
                  ? `${Path} is a Date, which JSON makes a string`
                  : Type extends ReadonlyMap<any, any> | WeakMap<any, any>
                    ? `${Path} is a Map, which JSON makes {}`
                    : Type extends ReadonlySet<any> | WeakSet<any>
                      ? `${Path} is a Set, which JSON makes {}`
                      : Type extends ArrayBuffer | ArrayBufferView
                        ? `${Path} is binary, which JSON does not have`
                        : Type extends Promise<any> | RegExp | Error
                          ? `${Path} is an object that JSON makes {}`
                          : Type extends readonly (infer Item)[]
                            ? JsonProblem<Item, `${Path}[]`, Deeper<Left>>
                            : {
                                [Name in keyof Type & string]-?: JsonProblem<Type[Name], `${Path}.${Name}`, Deeper<Left>>;
                              }[keyof Type & string];

/** Parameters without a trailing `AbortSignal`, which is outside the key. */
export type KeyArgs<Parameters extends readonly unknown[]> = Parameters extends readonly [...infer Rest, AbortSignal]
  ? Rest
  : Parameters extends readonly [...infer Rest, (AbortSignal | undefined)?]
    ? AbortSignal extends Parameters[number]
      ? Rest
      : Parameters
    : Parameters;

/** `void`, or a sentence that says why `Method` can't be the getter of the group: the compiler prints it. */
export type CachedMethodCheck<Method extends (...args: any[]) => unknown, Args extends readonly unknown[], Value, Options> =
  IsAny<ReturnType<Method>> extends true
    ? void
    : ReturnType<Method> extends PromiseLike<unknown>
      ? ArgsCheck<KeyArgs<Parameters<Method>>, Args, Options> extends infer ArgsProblem extends string
        ? ArgsProblem
        : ValueCheck<Exclude<Awaited<ReturnType<Method>>, undefined>, Value, Options>
      : '@Cached: the method must be async or return a promise, because its cached value may come from another process';

type ArgsCheck<Parameters extends readonly unknown[], Args extends readonly unknown[], Options> =
  IsAny<Args> extends true
    ? KeyCheck<Parameters, Options>
    : Args extends Parameters
      ? KeyCheck<Args, Options>
      : '@Cached: the method does not take the arguments that its group is defined with';

type KeyCheck<Args extends readonly unknown[], Options> = Options extends { readonly key: object }
  ? void
  : [JsonProblem<Args[number], 'an argument'>] extends [never]
    ? void
    : `@Cached: ${JsonProblem<Args[number], 'an argument'>}; give it a "key" codec`;

type ValueCheck<Result, Value, Options> = [Result] extends [Value]
  ? Options extends { readonly codec: Codec<any> }
    ? void
    : [JsonProblem<Result, 'the result'>] extends [never]
      ? void
      : `@Cached: ${JsonProblem<Result, 'the result'>}; give it a "codec" that knows it`
  : '@Cached: the method does not return the value that its group is defined with';
