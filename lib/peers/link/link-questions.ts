import { AsyncLocalStorage } from 'node:async_hooks';
import { ByteView } from '../../core/byte-view.js';
import { MAX_TIMER_MS } from '../../core/duration.js';
import { PeerError } from '../../core/errors.js';
import type { PeerAnswer, PeerReply, PeerRequest } from '../../core/peer-picker.js';
import type { ValueFields } from './read-frames.js';

/** Questions that one side may have open on a link, and so the bound of their ids. */
export const MAX_QUESTIONS = 64 * 1024;

interface Question {
  readonly group: string;
  readonly deadlineMs: number;
  readonly answer: PeerAnswer;
  /** Nobody waits any more; the id is free again once its answer has come. */
  isGivenUp: boolean;
  /** Takes the listener off the asker's signal. */
  release: (() => void) | undefined;
  /** What has come of a value in parts. */
  buffer: Buffer | undefined;
  received: number;
  /** What its first part has said of it. */
  fields: ValueFields | undefined;
}

export interface LinkQuestionsOptions {
  /** For messages. */
  readonly peer: string;
  readonly maxValueBytes: number;
  readonly cancel: (id: number) => void;
  /** No question is open any more. */
  readonly onIdle: () => void;
}

/**
 * The questions that one side of a link has open. An id is a slot of an array, free again when its answer has come: every
 * question gets exactly one, also one that is cancelled, so that no answer is ever taken for another question's.
 */
export class LinkQuestions {
  readonly #options: LinkQuestionsOptions;
  readonly #outsideRequests = AsyncLocalStorage.snapshot();
  readonly #slots: (Question | undefined)[] = [];
  readonly #free: number[] = [];
  /** When the timer rings: no question is due before. */
  #wakeMs = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LinkQuestionsOptions) {
    this.#options = options;
  }

  /** Questions whose answer has not come. */
  get open(): number {
    return this.#slots.length - this.#free.length;
  }

  /** Opens a question and has `write` send it under its id. It fails by its deadline, or once its signal aborts. */
  ask(request: PeerRequest, answer: PeerAnswer, write: (id: number, request: PeerRequest) => void): void {
    if (request.onAbort === undefined && request.signal.aborted) return answer.failed(request.signal.reason);
    const id = this.#free.pop() ?? this.#slots.length;
    if (id >= MAX_QUESTIONS) return answer.failed(this.#error(`was asked over ${MAX_QUESTIONS} questions at once`));
    const deadlineMs = performance.now() + request.timeoutMs;
    const question: Question = {
      group: request.group,
      deadlineMs,
      answer,
      isGivenUp: false,
      release: undefined,
      buffer: undefined,
      received: 0,
      fields: undefined,
    };
    this.#slots[id] = question;
    if (deadlineMs < this.#wakeMs) this.#wakeAt(deadlineMs);
    // First, so that a question which is given up at once is not cancelled before it is there.
    write(id, request);
    if (request.onAbort !== undefined) request.onAbort((reason) => this.#giveUp(id, question, reason));
    else this.#listen(id, question, request.signal);
  }

  /** The group that question `id` asked. */
  groupOf(id: number): string {
    return this.#question(id).group;
  }

  /** A value has come, or a part of it: a range of `message`. Throws a `RangeError` for what nobody asked. */
  value(id: number, message: Buffer, start: number, end: number, fields: ValueFields, isLast: boolean): void {
    const question = this.#question(id);
    const length = end - start;
    if (!isLast && length === 0) throw new RangeError('has an empty part of a value');
    if (isLast && question.received === 0) {
      if (length > this.#options.maxValueBytes) this.#giveUp(id, question, this.#tooLarge());
      const value = question.isGivenUp ? ByteView.empty : ByteView.copyOf(message, start, end);
      return this.settle(id, replyOf(value, fields));
    }
    if (question.received === 0) {
      const { totalLength } = fields;
      if (totalLength <= length) throw new RangeError('has a part of a value whose length it does not say');
      if (totalLength > this.#options.maxValueBytes) this.#giveUp(id, question, this.#tooLarge());
      if (!question.isGivenUp) question.buffer = Buffer.allocUnsafeSlow(totalLength);
      question.fields = fields;
    }
    question.received += length;
    const { buffer } = question;
    if (buffer === undefined) {
      if (isLast) this.settle(id, { outcome: 'notFound' });
      return;
    }
    if (question.received > buffer.length || (isLast && question.received < buffer.length)) {
      throw new RangeError('has parts of a value of another length than it said');
    }
    message.copy(buffer, question.received - length, start, end);
    if (isLast) this.settle(id, replyOf(ByteView.adopt(buffer), question.fields!));
  }

  /** The answer has come, or what stands for one. Throws a `RangeError` if nobody asked. */
  settle(id: number, answer: PeerReply | PeerError): void {
    const question = this.#question(id);
    this.#slots[id] = undefined;
    this.#free.push(id);
    question.release?.();
    question.buffer = undefined;
    if (!question.isGivenUp) {
      if (answer instanceof PeerError) question.answer.failed(answer);
      else question.answer.answered(answer);
    }
    if (this.open === 0) this.#options.onIdle();
  }

  /** The link is gone: so are all its questions. */
  failAll(error: PeerError): void {
    clearTimeout(this.#timer);
    for (const question of this.#slots.splice(0)) {
      question?.release?.();
      if (question?.isGivenUp === false) question.answer.failed(error);
    }
    this.#free.length = 0;
  }

  #listen(id: number, question: Question, signal: AbortSignal): void {
    const abort = (): void => this.#giveUp(id, question, signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    question.release = () => signal.removeEventListener('abort', abort);
  }

  #giveUp(id: number, question: Question, reason: unknown): void {
    if (question.isGivenUp || this.#slots[id] !== question) return;
    question.isGivenUp = true;
    question.buffer = undefined;
    question.answer.failed(reason);
    this.#options.cancel(id);
  }

  /** One timer for all: deadlines come mostly in their order, so that it is seldom set. */
  #wakeAt(deadlineMs: number): void {
    clearTimeout(this.#timer);
    this.#wakeMs = deadlineMs;
    const delayMs = Math.min(Math.max(1, Math.ceil(deadlineMs - performance.now())), MAX_TIMER_MS);
    // It may be set within a question, and must not keep what that belongs to.
    this.#timer = this.#outsideRequests(() => setTimeout(this.#wake, delayMs).unref());
  }

  readonly #wake = (): void => {
    const nowMs = performance.now();
    this.#wakeMs = Number.POSITIVE_INFINITY;
    let nextMs = Number.POSITIVE_INFINITY;
    for (const [id, question] of this.#slots.entries()) {
      if (question === undefined || question.isGivenUp) continue;
      if (question.deadlineMs > nowMs) nextMs = Math.min(nextMs, question.deadlineMs);
      else this.#giveUp(id, question, this.#error('did not answer in time'));
    }
    // One that was asked meanwhile may have set it already.
    if (nextMs < this.#wakeMs) this.#wakeAt(nextMs);
  };

  #question(id: number): Question {
    const question = this.#slots[id];
    if (question === undefined) throw new RangeError('answers what was not asked');
    return question;
  }

  #tooLarge(): PeerError {
    return this.#error(`answered with over ${this.#options.maxValueBytes} bytes`);
  }

  #error(reason: string): PeerError {
    return new PeerError(this.#options.peer, reason);
  }
}

function replyOf(value: ByteView, { minuteQps, ttlMs, tags }: ValueFields): PeerReply {
  return { outcome: 'value', value, minuteQps, ttlMs, tags };
}
