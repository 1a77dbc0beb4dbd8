import type { Codec } from '../core/codec.js';
import type { Duration } from '../core/duration.js';

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
                  : Type extends AbortSignal
                    ? `${Path} is an AbortSignal, which only the last parameter may be`
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
                                  [Name in keyof Type & string]-?: JsonProblem<
                                    Type[Name],
                                    `${Path}.${Name}`,
                                    Deeper<Left>
                                  >;
                                }[keyof Type & string];

/** Parameters without a trailing `AbortSignal`, which is outside the key. */
export type KeyArgs<Parameters extends readonly unknown[]> = Parameters extends readonly [...infer Rest, AbortSignal]
  ? Rest
  : Parameters extends readonly [...infer Rest, (AbortSignal | undefined)?]
    ? AbortSignal extends Parameters[number]
      ? Rest
      : Parameters
    : Parameters;

/** Why `Method` can't be the getter of the group, as a sentence for the compiler to print; `never` if it can. */
export type CachedProblem<Method extends (...args: any[]) => unknown, Args extends readonly unknown[], Value, Options> =
  IsAny<ReturnType<Method>> extends true
    ? never
    : ReturnType<Method> extends PromiseLike<unknown>
      ? | ArgsProblem<KeyArgs<Parameters<Method>>, Args, Options>
        | ValueProblem<Exclude<Awaited<ReturnType<Method>>, undefined>, Value, Options>
        | TtlProblem<KeyArgs<Parameters<Method>>, Exclude<Awaited<ReturnType<Method>>, undefined>, Options>
        | TagsProblem<KeyArgs<Parameters<Method>>, Exclude<Awaited<ReturnType<Method>>, undefined>, Options>
      : 'the method must be async or return a promise, because its cached value may come from another process';

type ArgsProblem<Parameters extends readonly unknown[], Args extends readonly unknown[], Options> =
  IsAny<Args> extends true
    ? KeyProblem<Parameters[number], Options>
    : Args extends Parameters
      ? KeyProblem<Args[number] | Parameters[number], Options>
      : 'the method does not take the arguments that its group is defined with';

type KeyProblem<Arg, Options> = Options extends { readonly key: object }
  ? never
  : [JsonProblem<Arg, 'an argument'>] extends [never]
    ? never
    : `${JsonProblem<Arg, 'an argument'>}; give @Cached a "key" codec`;

type TtlProblem<Parameters extends readonly unknown[], Result, Options> = Options extends {
  readonly ttl: infer Ttl extends (...args: any[]) => unknown;
}
  ? Ttl extends (value: Result, ...args: Parameters) => Duration
    ? never
    : 'its "ttl" is not a function of the result and the arguments of the method to a duration'
  : never;

type TagsProblem<Parameters extends readonly unknown[], Result, Options> = Options extends {
  readonly tags: infer Tags extends (...args: any[]) => unknown;
}
  ? Tags extends (value: Result, ...args: Parameters) => readonly string[]
    ? never
    : 'its "tags" is not a function of the result and the arguments of the method to a list of texts'
  : never;

type ValueProblem<Result, Value, Options> = [Result] extends [Value]
  ? Options extends { readonly codec: Codec<any> }
    ? never
    : [JsonProblem<Result, 'the result'>] extends [never]
      ? never
      : `${JsonProblem<Result, 'the result'>}; give @Cached a "codec" that knows it`
  : 'the method does not return the value that its group is defined with';
