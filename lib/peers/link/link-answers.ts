import type { PeerReply } from '../../core/peer-picker.js';
import { failureToJson } from '../failure-codec.js';
import type { PeerReception } from '../peer-reception.js';
import { LISTEN_MAX_KEY_BYTES, type FailureMark } from '../wire.js';
import { frameTypes } from './frames.js';
import type { LinkOutput } from './link-output.js';
import { MAX_QUESTIONS } from './link-questions.js';

/**
 * The questions of the other side that one side of a link is answering. One is let in until its answer has been handed to
 * the socket, so that what waits for a slow reader is bounded by what the process answers at a time.
 */
export class LinkAnswers {
  readonly #reception: PeerReception | undefined;
  readonly #output: LinkOutput;
  readonly #onIdle: () => void;
  readonly #waits: (LinkWait | undefined)[] = [];
  #open = 0;

  /** Without a `reception` every question is refused. */
  constructor(reception: PeerReception | undefined, output: LinkOutput, onIdle: () => void) {
    this.#reception = reception;
    this.#output = output;
    this.#onIdle = onIdle;
  }

  /** Questions whose answer has not been handed over. */
  get open(): number {
    return this.#open;
  }

  /** Throws a `RangeError` for an id that is not free. */
  get(id: number, timeoutMs: number, groupName: string, key: string): void {
    if (id >= MAX_QUESTIONS) throw new RangeError('has a question of an id that is too high');
    if (this.#waits[id] !== undefined) throw new RangeError('asks twice under one id');
    const reception = this.#reception;
    if (reception === undefined) return this.refuse(id, 'unauthorized');
    const refusal = reception.refusal();
    if (refusal !== undefined) return this.refuse(id, refusal);
    if (key.length > LISTEN_MAX_KEY_BYTES) return this.refuse(id, 'bad-request');
    const group = reception.find(groupName);
    if (group === undefined) return this.refuse(id, 'unknown-group');

    const reply = group.serveFromMemory(key);
    const wait = new LinkWait(timeoutMs);
    this.#waits[id] = wait;
    this.#open++;
    reception.enter();
    if (reply !== undefined) return this.#reply(id, wait, reply);
    group
      .serveByLoad(key, wait)
      .then((loaded) => this.#reply(id, wait, loaded))
      // The asker has gone, its time is over, or the reply can't be put in a frame.
      .catch(() => this.#close(id, wait, 'overloaded'));
  }

  refuse(id: number, mark: FailureMark): void {
    this.#output.frames.other(frameTypes.refused, id, mark);
    this.#output.written();
  }

  /** The asker waits no more. A question that has been answered meanwhile is not known any more. */
  cancel(id: number): void {
    const wait = this.#waits[id];
    if (wait === undefined) return;
    wait.abort();
    if (this.#output.drop(id)) this.#close(id, wait, 'overloaded');
  }

  /** A value has been handed over. */
  sent(id: number): void {
    this.#leave(id);
  }

  /** The link is gone: nobody waits. */
  abandonAll(): void {
    for (const [id, wait] of this.#waits.entries()) {
      if (wait === undefined) continue;
      this.#leave(id);
      wait.abort();
    }
  }

  #reply(id: number, wait: LinkWait, reply: PeerReply): void {
    if (this.#waits[id] !== wait) return;
    if (this.#reception!.isUnsaid(reply)) return this.#close(id, wait, 'draining');
    switch (reply.outcome) {
      case 'value':
        wait.end();
        return this.#output.value(id, reply.value, reply.minuteQps, reply.ttlMs);
      case 'notFound':
        this.#output.frames.notFound(id, reply.ttlMs);
        break;
      case 'failed':
        this.#output.frames.other(frameTypes.failed, id, failureToJson(this.#reception!.failures, reply.error));
        break;
    }
    this.#output.written();
    this.#leave(id);
  }

  #close(id: number, wait: LinkWait, mark: FailureMark): void {
    if (this.#waits[id] !== wait) return;
    this.refuse(id, mark);
    this.#leave(id);
  }

  #leave(id: number): void {
    this.#waits[id]?.end();
    this.#waits[id] = undefined;
    this.#open--;
    this.#reception!.leave();
    if (this.#open === 0) this.#onIdle();
  }
}

/** How long an asker waits. Signal and timer are made when the signal is first read: a hit never reads it. */
class LinkWait {
  readonly #timeoutMs: number;
  #controller: AbortController | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isAborted = false;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#isAborted) this.abort();
      else this.#timer = setTimeout(() => this.abort(), Math.min(this.#timeoutMs, 2 ** 31 - 1)).unref();
    }
    return this.#controller.signal;
  }

  abort(): void {
    this.#isAborted = true;
    this.end();
    this.#controller?.abort(new Error('the asking peer does not wait any more'));
  }

  end(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
  }
}
