import type { PeerRequest } from './peer-picker.js';

/** One question to a peer, that can be called off. Its signal is made when first asked for: most transports have no need. */
export class PeerQuestion implements PeerRequest {
  #controller: AbortController | undefined;
  #listener: ((reason: unknown) => void) | undefined;
  #isAborted = false;
  #reason: unknown;

  constructor(
    readonly group: string,
    readonly key: string,
    readonly timeoutMs: number,
  ) {}

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#isAborted) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  onAbort(listener: (reason: unknown) => void): void {
    if (this.#isAborted) listener(this.#reason);
    else this.#listener = listener;
  }

  abort(reason: unknown): void {
    if (this.#isAborted) return;
    this.#isAborted = true;
    this.#reason = reason;
    this.#listener?.(reason);
    this.#controller?.abort(reason);
  }
}
