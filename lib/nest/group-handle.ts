import { InvalidOptionError } from '../core/errors.js';

declare const types: unique symbol;

/**
 * A group's name, with the types of its loader's arguments and of its values: what `@Cached`, `GroupService.of` and
 * `@InjectGroup` take.
 */
export interface GroupHandle<Args extends readonly unknown[] = any, Value = any> {
  readonly name: string;
  /** Types only. */
  readonly [types]?: { readonly args: Args; readonly value: Value };
}

/**
 * Names a group and says what it takes and gives.
 *
 * ```ts
 * export const Prices = defineGroup<[symbol: string], Quote>('prices');
 * ```
 */
export function defineGroup<Args extends readonly unknown[], Value>(name: string): GroupHandle<Args, Value> {
  if (typeof name !== 'string' || name === '') {
    throw new InvalidOptionError('group', name, 'expected a name of at least one character');
  }
  return Object.freeze({ name });
}

/** The name of a group given by handle or by name. */
export function groupName(group: GroupHandle | string): string {
  return typeof group === 'string' ? group : group.name;
}
