/** Calls what has been scheduled in one turn of the event loop together, at its end: one immediate for the links of a pool. */
export class TurnEnd {
  #scheduled: (() => void)[] = [];

  /** `call` must not throw. */
  schedule(call: () => void): void {
    if (this.#scheduled.length === 0) setImmediate(this.#run);
    this.#scheduled.push(call);
  }

  readonly #run = (): void => {
    const scheduled = this.#scheduled;
    this.#scheduled = [];
    for (const call of scheduled) call();
  };
}
