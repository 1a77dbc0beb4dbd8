import { PartialRemovalError } from '../core/errors.js';
import { resolveInvalidationOptions, type InvalidationOptions } from '../core/invalidation-result.js';
import { checkFunction, keyArgsOf } from './action-options.js';
import { actAfter, type GroupChoice } from './cache-action.js';
import type { ActionDecorator, OfCall } from './cache-action-types.js';
import type { TypedGroup } from './typed-group.js';

export interface CachePutOptions<Args extends readonly unknown[] = any> extends Omit<InvalidationOptions, 'after'> {
  /** The arguments that the result is the value for. Default those of the method. */
  readonly args?: OfCall<Args>;

  /** Whether the result is to be put. Default always. */
  readonly when?: OfCall<boolean>;
}

/**
 * Makes what a method gives the new value of a group everywhere, once it has succeeded (and its transaction is committed,
 * see `GroupcacheOptions.afterCommit`), and before its caller is answered. `undefined` takes the value away.
 *
 * A method that throws changes nothing. If the value can't be put, the old one is removed, and the caller is told why,
 * although the method has succeeded: by what the codec throws, a `ValueTooLargeError`, an `UnencodableArgumentError`, or,
 * with `require: 'all'`, a `PartialRemovalError`. Without a `GroupcacheModule` the method just runs.
 */
export function CachePut<Args extends readonly unknown[], Value, const Options extends CachePutOptions<Args>>(
  group: GroupChoice<Args, Value>,
  putOptions?: Options,
): ActionDecorator<'put', Args, Value, Options> {
  const { args: argsOf, when, ...options }: CachePutOptions = putOptions ?? {};
  checkFunction('args', argsOf);
  resolveInvalidationOptions(options);
  return actAfter('@CachePut', {
    group,
    when,
    plan(result, args) {
      const key = keyArgsOf(argsOf, result, args);
      return (typedGroup) => put(typedGroup, key, result, options);
    },
  });
}

async function put(
  group: TypedGroup<any, any>,
  args: readonly unknown[],
  value: unknown,
  options: InvalidationOptions,
): Promise<unknown> {
  if (value === undefined) return group.removeMany([args], options);
  try {
    return await group.set(args, value, options);
  } catch (error) {
    // The source has the new value: the old one is wrong, even if the new one can't be kept.
    if (!(error instanceof PartialRemovalError)) await group.removeMany([args], options);
    throw error;
  }
}
