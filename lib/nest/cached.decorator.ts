import type { CachedProblem } from './cacheable-types.js';
import { cachedMethods } from './cached-method.js';
import type { CachedOptions } from './cached-options.js';
import { copyFunctionFace, decoratedMethod, type AnyMethod } from './decorated-method.js';
import type { GroupHandle } from './group-handle.js';
import type { TypedGroup } from './typed-group.js';

/** What the compiler prints, with the reason, where a method can't be cached. */
export interface NotCacheable<Problem extends string> {
  readonly '@Cached': Problem;
}

/** Applies to methods whose arguments and result can make the trip; for others the compiler prints why they can't. */
export interface CachedDecorator<Args extends readonly unknown[], Value, Options> {
  // Taken where there is a problem. Where types are still open (a generic class), neither is seen, and it is not taken.
  <Method extends (...args: any[]) => any>(
    target: object,
    name: string | symbol,
    descriptor: TypedPropertyDescriptor<Method>,
    ...none: [CachedProblem<Method, Args, Value, Options>] extends [never] ? [never] : []
  ): NotCacheable<CachedProblem<Method, Args, Value, Options>>;
  <Method extends (...args: any[]) => any>(
    target: object,
    name: string | symbol,
    descriptor: TypedPropertyDescriptor<Method>,
  ): void;
}

/**
 * Makes a provider's method the getter of a group: callers get its values from the cache, and it runs once in the whole
 * cluster, in the process that owns the key, with the arguments that the key decodes to.
 *
 * What stands below this decorator runs with the method, on the owner; what stands above on every call. Without a
 * `GroupcacheModule` the method just runs. `group` may be a function of the instance, for a base class whose subclasses
 * have a group each.
 *
 * Throws an `UncacheableMethodError` on anything but a method of an instance.
 */
// First, because a function has a name, as a handle has.
export function Cached<const Options extends CachedOptions>(
  group: string | ((instance: any) => string | GroupHandle),
  options?: Options,
): CachedDecorator<any, any, Options>;
export function Cached<Args extends readonly unknown[], Value, const Options extends CachedOptions<Args, Value>>(
  group: GroupHandle<Args, Value>,
  options?: Options,
): CachedDecorator<Args, Value, Options>;
export function Cached(
  group: GroupHandle | string | ((instance: any) => string | GroupHandle),
  options: CachedOptions = {},
): CachedDecorator<any, any, any> {
  return (target: object, name: string | symbol, descriptor: TypedPropertyDescriptor<any>): any => {
    const method = decoratedMethod('@Cached', target, name, descriptor);
    const { original } = method;
    // By instance, because two applications in one process have two instances of the class, and a group each.
    const bound = new WeakMap<object, TypedGroup<unknown[], unknown>>();
    const wrapper: AnyMethod = function (...args) {
      const typedGroup = bound.get(this as object);
      return typedGroup === undefined ? original.apply(this, args) : typedGroup.getByArgs(args);
    };
    copyFunctionFace(original, wrapper);
    cachedMethods.register(target, { ...method, group, options, bound });
    descriptor.value = wrapper;
  };
}
