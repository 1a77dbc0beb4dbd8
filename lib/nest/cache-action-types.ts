import type { KeyArgs } from './cacheable-types.js';

type IsAny<Type> = 0 extends 1 & Type ? true : false;

/**
 * A function of a method's result and arguments. Where it is written, the method is not known yet: its parameters are
 * `unknown` until their types are said, and the decorator compares these with the method.
 */
export type OfCall<Given> = {
  // A method, since its parameters may be said to be narrower.
  of(result: unknown, ...args: unknown[]): Given;
}['of'];

/** What the compiler prints, with the reason, where `@CachePut` or `@CacheEvict` does not fit the method. */
export interface NotFitting<Problem extends string> {
  readonly 'cache action': Problem;
}

/** Why what is said of a group does not fit `Method`, as a sentence for the compiler to print; `never` if it does. */
export type ActionProblem<
  Kind extends 'put' | 'evict',
  Method extends (...args: any[]) => unknown,
  Args extends readonly unknown[],
  Value,
  Options,
> =
  IsAny<ReturnType<Method>> extends true
    ? never
    : ReturnType<Method> extends PromiseLike<unknown>
      ? | (Kind extends 'put'
            ? | PutProblem<Exclude<Awaited<ReturnType<Method>>, undefined>, Value>
              | OwnArgsProblem<Method, Args, Options, 'args'>
            : TargetProblem<Options> | OwnArgsProblem<Method, Args, Options, Target>)
        | FunctionProblem<Method, Options, 'when' | Target>
      : 'the method must be async or return a promise, because it ends when the cache has been changed';

/** Ways of saying what `@CacheEvict` removes. */
type Target = 'args' | 'argsList' | 'tags' | 'all';

/** Those of the options `Names` that are given; none where there are no options at all, and so no type of them. */
type Said<Options, Names extends string> = {
  [Name in Names]: Options extends { readonly [Each in Name]: unknown } ? Name : never;
}[Names];

type PutProblem<Result, Value> = [Result] extends [Value]
  ? never
  : 'the method does not return the value that the group is defined with';

/** Where nothing else is said, the method's arguments are the key's. */
type OwnArgsProblem<Method extends (...args: any[]) => unknown, Args, Options, Names extends string> =
  // A group that is given by its name.
  readonly unknown[] extends Args
    ? never
    : [Said<Options, Names>] extends [never]
      ? KeyArgs<Parameters<Method>> extends Args
        ? never
        : 'the arguments of the method are not those that the group is defined with; say by "args" which they are'
      : never;

type TargetProblem<Options> =
  IsUnion<Said<Options, Target>> extends true
    ? 'say one of "args", "argsList", "tags" and "all", and no other one'
    : never;

type IsUnion<Type, Each = Type> = [Type] extends [never]
  ? false
  : Each extends unknown
    ? [Type] extends [Each]
      ? false
      : true
    : never;

/** For each of the options `Names` that is a function. */
type FunctionProblem<Method extends (...args: any[]) => unknown, Options, Names extends string> = {
  [Name in Names]: Options extends { readonly [Each in Name]: infer Given extends (...args: any[]) => unknown }
    ? Given extends (result: Awaited<ReturnType<Method>>, ...args: Parameters<Method>) => unknown
      ? never
      : `its "${Name}" is not a function of the result and the arguments of the method`
    : never;
}[Names];

/** Applies to methods that the group and the options fit; for others the compiler prints why they don't. */
export interface ActionDecorator<Kind extends 'put' | 'evict', Args extends readonly unknown[], Value, Options> {
  // Two of them for the reason that `CachedDecorator` has two.
  <Method extends (...args: any[]) => any>(
    target: object,
    name: string | symbol,
    descriptor: TypedPropertyDescriptor<Method>,
    ...none: [ActionProblem<Kind, Method, Args, Value, Options>] extends [never] ? [never] : []
  ): NotFitting<ActionProblem<Kind, Method, Args, Value, Options>>;
  <Method extends (...args: any[]) => any>(
    target: object,
    name: string | symbol,
    descriptor: TypedPropertyDescriptor<Method>,
  ): void;
}
