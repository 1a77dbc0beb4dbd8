import type { Deadline, DeadlineQueue } from './deadline-queue.js';
import { PeerError } from './errors.js';
import type { PeerAnswer, PeerClient, PeerReply, PeerRequest } from './peer-picker.js';

export interface PeerQuestionOptions {
  readonly group: string;
  readonly timeoutMs: number;
  /** In which questions wait for `timeoutMs`. */
  readonly deadlines: DeadlineQueue;
  /** Default no. */
  readonly isPeek?: boolean;
}

/** Runs a function in an async context that is nobody's request. */
export type OutsideRequests = <Result>(run: () => Result) => Result;

/** Told once: the reply, or that there is none. */
export type PeerOutcome = (reply: PeerReply | undefined) => void;

/**
 * One question to a peer, with its end: an answer, a failure, the deadline, or that it is called off.
 *
 * The request, the answer and the deadline in one object: a get that crosses to another process makes little else.
 */
export class PeerQuestion implements PeerRequest, PeerAnswer, Deadline {
  dueMs = 0;
  isPending = false;
  readonly group: string;
  readonly timeoutMs: number;
  readonly isPeek: boolean;
  readonly #peer: PeerClient;
  readonly #deadlines: DeadlineQueue;
  /** Until it has been told: the queue of deadlines may keep the question longer, and must not keep the value with it. */
  #outcome: PeerOutcome | undefined;
  #controller: AbortController | undefined;
  #listener: ((reason: unknown) => void) | undefined;
  #isAborted = false;
  #reason: unknown;

  constructor(
    peer: PeerClient,
    readonly key: string,
    { group, timeoutMs, deadlines, isPeek = false }: PeerQuestionOptions,
    outcome: PeerOutcome,
  ) {
    this.group = group;
    this.timeoutMs = timeoutMs;
    this.isPeek = isPeek;
    this.#peer = peer;
    this.#deadlines = deadlines;
    this.#outcome = outcome;
  }

  /** Asks, once, unless it has been called off. */
  ask(outsideRequests: OutsideRequests): void {
    if (this.#outcome === undefined) return;
    const peer = this.#peer;
    this.#deadlines.add(this);
    try {
      if (peer.ask !== undefined) return peer.ask(this, this);
      outsideRequests(() => peer.get(this)).then(
        (reply) => this.answered(reply),
        () => this.failed(),
      );
    } catch {
      this.failed();
    }
  }

  /** When it was asked, on the clock of the deadlines. */
  get askedMs(): number {
    return this.dueMs - this.timeoutMs;
  }

  answered(reply: PeerReply): void {
    this.#end(reply);
  }

  failed(): void {
    this.#end(undefined);
  }

  onDue(): void {
    this.abort(new PeerError(this.#peer.url, `did not answer within ${this.timeoutMs} ms`));
  }

  /** Ends it; `reason` is the signal's. */
  abort(reason: unknown): void {
    if (this.#outcome === undefined) return;
    this.#isAborted = true;
    this.#reason = reason;
    this.#listener?.(reason);
    this.#controller?.abort(reason);
    this.failed();
  }

  /** Made when first asked for: most transports have no need. */
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

  #end(reply: PeerReply | undefined): void {
    const outcome = this.#outcome;
    if (outcome === undefined) return;
    this.#outcome = undefined;
    this.#listener = undefined;
    this.#deadlines.callOff(this);
    outcome(reply);
  }
}
