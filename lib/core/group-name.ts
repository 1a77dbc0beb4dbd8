import { InvalidOptionError } from './errors.js';

/** A name goes into every question to a peer. */
const MAX_NAME_CHARACTERS = 1_000;

/** Throws an `InvalidOptionError` if a group can't be called `name`. */
export function checkGroupName(name: unknown): void {
  if (typeof name !== 'string' || name === '' || name.length > MAX_NAME_CHARACTERS || !name.isWellFormed()) {
    throw new InvalidOptionError('group', name, `expected a name of 1 to ${MAX_NAME_CHARACTERS} characters`);
  }
}
