import { InvalidOptionError } from '../core/errors.js';
import { resolveInvalidationOptions, type InvalidationOptions } from '../core/invalidation-result.js';
import { checkFunction, keyArgsOf, listOf } from './action-options.js';
import { actAfter, type CacheAction, type GroupChoice } from './cache-action.js';
import { allOf } from './cache-action.runner.js';
import type { ActionDecorator, OfCall } from './cache-action-types.js';

/** One of `args`, `argsList`, `tags` and `all`; without any, what the method's own arguments are the key of is removed. */
export interface CacheEvictOptions<Args extends readonly unknown[] = any> extends InvalidationOptions {
  /** The arguments whose value is removed. */
  readonly args?: OfCall<Args>;

  /** Several sets of arguments whose values are removed. */
  readonly argsList?: OfCall<readonly Args[]>;

  /** The tags whose values are removed. */
  readonly tags?: readonly string[] | OfCall<readonly string[]>;

  /** Everything in the group is removed. */
  readonly all?: true;

  /** Whether anything is to be removed. Default always. */
  readonly when?: OfCall<boolean>;
}

/**
 * Removes values of a group everywhere once a method has succeeded (and its transaction is committed, see
 * `GroupcacheOptions.afterCommit`), and before its caller is answered. Several may stand on one method.
 *
 * A method that throws removes nothing. Peers that have not confirmed in time are no failure, but with `require: 'all'`,
 * by which the caller gets a `PartialRemovalError` although the method has succeeded. Without a `GroupcacheModule` the method
 * just runs.
 */
export function CacheEvict<Args extends readonly unknown[], Value, const Options extends CacheEvictOptions<Args>>(
  group: GroupChoice<Args, Value>,
  options?: Options,
): ActionDecorator<'evict', Args, Value, Options> {
  return actAfter('@CacheEvict', { group, when: options?.when, plan: planOf(options ?? {}) });
}

function planOf({
  args: argsOf,
  argsList,
  tags,
  all,
  when: _when,
  ...options
}: CacheEvictOptions): CacheAction['plan'] {
  const said = [argsOf, argsList, tags, all].filter((option) => option !== undefined);
  if (said.length > 1) {
    throw new InvalidOptionError(
      '@CacheEvict',
      { args: argsOf, argsList, tags, all },
      'say one of these, and no other one',
    );
  }
  if (all !== undefined && !all) throw new InvalidOptionError('all', all, 'expected true, or nothing');
  checkFunction('args', argsOf);
  checkFunction('argsList', argsList);
  resolveInvalidationOptions(options);

  if (all) return () => (group) => group.clear(options);
  if (tags !== undefined) {
    if (typeof tags !== 'function') listOf('tags', tags, tags);
    return (result, args) => {
      const list = typeof tags === 'function' ? listOf('tags', tags, tags(result, ...args)) : tags;
      return (group) => allOf(list.map((tag) => group.removeByTag(tag, options)));
    };
  }
  if (argsList !== undefined) {
    return (result, args) => {
      const list = listOf<readonly unknown[]>('argsList', argsList, argsList(result, ...args));
      for (const one of list) listOf('argsList', argsList, one);
      return (group) => group.removeMany(list, options);
    };
  }
  return (result, args) => {
    const key = keyArgsOf(argsOf, result, args);
    return (group) => group.removeMany([key], options);
  };
}
