import { InvalidOptionError } from '../core/errors.js';
import type { OfCall } from './cache-action-types.js';
import { isSignal } from './typed-group.js';

/** Throws an `InvalidOptionError` for anything but a function or nothing. */
export function checkFunction(option: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'function') {
    throw new InvalidOptionError(option, value, 'expected a function of the result and the arguments of the method');
  }
}

/** `given`, which is what an option says, or its function has given. A text would be taken for a list of characters. */
export function listOf<Item>(option: string, said: unknown, given: readonly Item[]): readonly Item[] {
  if (!Array.isArray(given))
    throw new InvalidOptionError(option, said, 'expected a list, or a function that gives one');
  return given;
}

/** The arguments that make a key: what the option `args` gives, or those of the method. */
export function keyArgsOf(
  argsOf: OfCall<readonly unknown[]> | undefined,
  result: unknown,
  args: readonly unknown[],
): readonly unknown[] {
  if (argsOf !== undefined) return listOf('args', argsOf, argsOf(result, ...args));
  return isSignal(args.at(-1)) ? args.slice(0, -1) : args;
}
