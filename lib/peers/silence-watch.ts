/** How long a peer may owe all answers before it is looked at. */
const SILENCE_MS = 1_000;

/** Notices that a peer has been asked and has answered nothing for a second. No timer runs while nobody asks. */
export class SilenceWatch {
  readonly #onSilent: () => void;
  #open = 0;
  #hasAnswered = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(onSilent: () => void) {
    this.#onSilent = onSilent;
  }

  begin(): void {
    this.#open++;
    if (this.#timer !== undefined) return;
    this.#hasAnswered = true;
    this.#timer = setInterval(() => this.#look(), SILENCE_MS).unref();
  }

  /** A question is over; `hasAnswered`: by an answer. */
  end(hasAnswered: boolean): void {
    this.#open--;
    if (hasAnswered) this.#hasAnswered = true;
    if (this.#open === 0) this.stop();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    if (!this.#hasAnswered) this.#onSilent();
    this.#hasAnswered = false;
  }
}
