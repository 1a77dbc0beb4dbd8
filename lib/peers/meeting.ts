/** How long a process that comes waits at most for what its peers have to say. */
const MEETING_MS = 500;

/**
 * The first moments of a process among others: until each of them has said what has been removed, or can't be reached, or half
 * a second is over. Loads wait for its end, since what they get may have been removed before.
 */
export class Meeting {
  readonly over: Promise<void>;
  readonly #missing: Set<string>;
  readonly #end: () => void;
  readonly #timer: NodeJS.Timeout;

  /** `peers` are the others. */
  constructor(peers: Iterable<string>) {
    this.#missing = new Set(peers);
    let resolve!: () => void;
    this.over = new Promise<void>((settle) => (resolve = settle));
    this.#end = resolve;
    this.#timer = setTimeout(resolve, MEETING_MS).unref();
  }

  /** Nothing is to be waited for from `peer` any more. */
  met(peer: string): void {
    if (this.#missing.delete(peer) && this.#missing.size === 0) this.end();
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#end();
  }
}
