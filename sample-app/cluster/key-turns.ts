/** The order of what is done with one key: reads together, a write alone. */
interface Turns {
  lastWrite: Promise<unknown>;
  readsSince: Promise<unknown>[];
}

/**
 * Has a key's writes and reads wait for each other, in the order in which they come.
 *
 * A load that runs while its value is being changed is not kept, since it may have read either; so how often a version is
 * read is certain only where the two do not meet.
 */
export class KeyTurns {
  readonly #turns = new Map<number, Turns>();

  /** After the writes that have come before. */
  read<Result>(key: number, run: () => Promise<Result>): Promise<Result> {
    const turns = this.#turnsOf(key);
    const reading = turns.lastWrite.then(run);
    turns.readsSince.push(ended(reading));
    return reading;
  }

  /** After all that has come before. */
  write<Result>(key: number, run: () => Promise<Result>): Promise<Result> {
    const turns = this.#turnsOf(key);
    const writing = Promise.all([turns.lastWrite, ...turns.readsSince]).then(run);
    turns.lastWrite = ended(writing);
    turns.readsSince = [];
    return writing;
  }

  #turnsOf(key: number): Turns {
    let turns = this.#turns.get(key);
    if (turns === undefined) this.#turns.set(key, (turns = { lastWrite: Promise.resolve(), readsSince: [] }));
    return turns;
  }
}

/** Whoever comes next waits for the end, and not for success. */
function ended(promise: Promise<unknown>): Promise<unknown> {
  return promise.catch(() => {});
}
