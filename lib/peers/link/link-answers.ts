import { MAX_TIMER_MS } from '../../core/duration.js';
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
    const wait = new LinkWait();
    this.#waits[id] = wait;
    this.#open++;
    reception.enter();
    if (reply !== undefined) return this.#reply(id, wait, reply);
    const leave = group.serveByLoadTo(key, (loaded) => this.#replyLoaded(id, wait, loaded));
    wait.begin(leave, timeoutMs, () => this.#abandon(id, wait));
  }

  refuse(id: number, mark: FailureMark): void {
    this.#output.frames.other(frameTypes.refused, id, mark);
    this.#output.written();
  }

  /** The asker waits no more. A question that has been answered meanwhile is not known any more. */
  cancel(id: number): void {
    const wait = this.#waits[id];
    if (wait === undefined) return;
    if (wait.isLoading || this.#output.drop(id)) this.#abandon(id, wait);
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
      wait.leave();
    }
  }

  #abandon(id: number, wait: LinkWait): void {
    wait.leave();
    this.#close(id, wait, 'overloaded');
  }

  /** Within the end of a load, which others may wait for. */
  #replyLoaded(id: number, wait: LinkWait, reply: PeerReply): void {
    try {
      this.#reply(id, wait, reply);
    } catch {
      // It can't be put in a frame.
      this.#close(id, wait, 'overloaded');
    }
  }

  #reply(id: number, wait: LinkWait, reply: PeerReply): void {
    if (this.#waits[id] !== wait) return;
    wait.end();
    if (this.#reception!.isUnsaid(reply)) return this.#close(id, wait, 'draining');
    switch (reply.outcome) {
      case 'value':
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
    this.#waits[id] = undefined;
    this.#open--;
    this.#reception!.leave();
    if (this.#open === 0) this.#onIdle();
  }
}

/** A question that is being answered: loaded first, perhaps, for as long as its asker waits. */
class LinkWait {
  #leave: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  /** Whether somebody waits for a load. */
  get isLoading(): boolean {
    return this.#leave !== undefined;
  }

  /** The value is being loaded; `leave` leaves that load, and `over` is called once `timeoutMs` are over. */
  begin(leave: () => void, timeoutMs: number, over: () => void): void {
    if (this.#isOver) return;
    this.#leave = leave;
    this.#timer = setTimeout(over, Math.min(timeoutMs, MAX_TIMER_MS)).unref();
  }

  /** There is an answer, perhaps before `begin`. */
  end(): void {
    this.#isOver = true;
    this.#leave = undefined;
    if (this.#timer !== undefined) clearTimeout(this.#timer);
  }

  /** Nobody waits any more. */
  leave(): void {
    const leave = this.#leave;
    this.end();
    leave?.();
  }
}
