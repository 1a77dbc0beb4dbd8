import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { KeyTooLongError, PeerError } from '../../core/errors.js';
import type { InvalidationLog } from '../../core/invalidation-log.js';
import type { SetResult } from '../../core/invalidation-result.js';
import type { PeerAnswer, PeerEntry, PeerReply, PeerRequest, PeerSetRequest } from '../../core/peer-picker.js';
import { decodeFailure, failureFromJson, overloadedAt, type FailureCodec } from '../failure-codec.js';
import type { PeerReception } from '../peer-reception.js';
import { LISTEN_MAX_KEY_BYTES } from '../wire.js';
import { frameTypes } from './frames.js';
import { readFields, readFrames, readHandOver, readSet, type FrameHandler } from './read-frames.js';
import { LinkAnswers } from './link-answers.js';
import { LinkInvalidations } from './link-invalidations.js';
import { LinkOutput } from './link-output.js';
import { LinkQuestions } from './link-questions.js';
import type { TurnEnd } from './turn-end.js';

/** A value that is set goes in one frame. */
const MAX_SET_BYTES = 256 * 1024;

/** How long an entry that is handed over is waited for. */
const HAND_OVER_TIMEOUT_MS = 1_000;

/** Beats without a sign of life after which the other side is gone. */
const SILENT_BEATS = 3;

/** How much longer than the owner waits for others its answer may take. */
const SET_GRACE_MS = 250;

const NEVER_ABORTED = new AbortController().signal;

export interface PeerLinkOptions {
  /** The other side's URL, or what stands for a client in messages. */
  readonly peer: string;
  /** Which process the other side is. */
  readonly bootId: string;
  /** Whether this side has dialed. */
  readonly isDialer: boolean;
  /** When what one turn has produced goes out. */
  readonly turnEnd: TurnEnd;
  readonly failures: FailureCodec;
  readonly maxValueBytes: number;
  /** What has been invalidated; without one, for who has not proven who it is, that is not talked about. */
  readonly invalidations: InvalidationLog | undefined;
  /** The other side has said what invalidations it has applied. */
  readonly onHeard: (link: PeerLink) => void;
  /** Answers the other side; without one its questions are refused. */
  readonly reception: PeerReception | undefined;
  /** How often a silent link is asked for a sign of life; without one for three times as long it is cut. */
  readonly heartbeatMs: number;
  /** This process was held up for so long that the other side may have taken it for gone. */
  readonly onStalled: () => void;
  /** The other side takes this share of its keys from now on. */
  readonly onShare: (link: PeerLink, share: number) => void;
  /** Called once, when no further questions may be asked. */
  readonly onRetired: (link: PeerLink) => void;
  /** Called once. */
  readonly onClosed: (link: PeerLink, end: LinkEnd) => void;
}

/** How a link has ended: both had said goodbye; the connection was lost; the other side gave no sign of life any more. */
export type LinkEnd = 'goodbye' | 'lost' | 'silent';

/**
 * One connection between two peers who know each other, on which both ask and both answer. Answers come in any order.
 *
 * What breaks it (a lost connection, a frame that is not well-formed, silence) rejects the questions that are open on it
 * with a `PeerError`, and nothing else.
 */
export class PeerLink {
  readonly peer: string;
  readonly bootId: string;
  readonly isDialer: boolean;
  readonly invalidations: LinkInvalidations | undefined;
  /** Settles once the connection is closed. */
  readonly closed: Promise<void>;
  readonly #socket: WebSocket;
  readonly #options: PeerLinkOptions;
  readonly #output: LinkOutput;
  readonly #questions: LinkQuestions;
  readonly #answers: LinkAnswers;
  readonly #heartbeat: NodeJS.Timeout;
  #hasRetired = false;
  #hasOtherRetired = false;
  #silentBeats = 0;
  #lastBeatMs = performance.now();
  #end: LinkEnd = 'lost';
  /** By the message that is being read. */
  #hasBeenAsked = false;

  /** Takes over `socket`, whose connection is `raw` and whose other side has proven who it is. */
  constructor(socket: WebSocket, raw: Duplex, options: PeerLinkOptions) {
    this.#socket = socket;
    this.#options = options;
    this.peer = options.peer;
    this.bootId = options.bootId;
    this.isDialer = options.isDialer;
    const onIdle = (): void => this.#closeIfDone();
    this.#output = new LinkOutput({
      socket,
      raw,
      isMasked: options.isDialer,
      turnEnd: options.turnEnd,
      onSent: (id) => this.#answers.sent(id),
    });
    const { invalidations: log, reception } = options;
    this.invalidations =
      log === undefined
        ? undefined
        : new LinkInvalidations({
            log,
            write: (type, id, content) => this.#writeOther(type, id, content),
            onHeard: () => options.onHeard(this),
          });
    this.#answers = new LinkAnswers({
      asker: this.bootId,
      reception,
      output: this.#output,
      invalidations: this.invalidations,
      onIdle,
    });
    this.#questions = new LinkQuestions({
      peer: this.peer,
      maxValueBytes: options.maxValueBytes,
      onIdle,
      cancel: (id) => this.#writeOther(frameTypes.cancel, id),
    });
    const handler = this.#handler();
    socket.on('message', (message: Buffer, isBinary: boolean) => this.#read(message, isBinary, handler));
    socket.on('pong', () => (this.#silentBeats = 0));
    socket.on('error', () => socket.terminate());
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#closed();
        resolve();
      });
    });
    this.#heartbeat = setInterval(() => this.#beat(), options.heartbeatMs).unref();
  }

  /** Whether questions may be asked. */
  get isOpen(): boolean {
    return !this.#hasRetired && this.#socket.readyState === 1;
  }

  /** Questions of this side without an answer. */
  get openQuestions(): number {
    return this.#questions.open;
  }

  /** Bytes handed to the socket that have not been read, and values that wait for them. */
  get backlog(): { readonly bytes: number; readonly values: number } {
    return { bytes: this.#output.behindBytes, values: this.#output.waiting };
  }

  /** As `PeerClient.get`. */
  get(request: PeerRequest): Promise<PeerReply> {
    return new Promise((resolve, reject) => this.ask(request, { answered: resolve, failed: reject }));
  }

  /** As `PeerClient.ask`. */
  ask(request: PeerRequest, answer: PeerAnswer): void {
    if (!this.isOpen) return answer.failed(new PeerError(this.peer, 'is not linked any more'));
    if (request.key.length > LISTEN_MAX_KEY_BYTES / 3) {
      const bytes = Buffer.byteLength(request.key);
      if (bytes > LISTEN_MAX_KEY_BYTES) {
        const error = new KeyTooLongError(request.group, request.key, bytes, LISTEN_MAX_KEY_BYTES);
        return answer.answered({ outcome: 'failed', error });
      }
    }
    this.#questions.ask(request, answer, this.#write);
  }

  /** As `PeerClient.set`. */
  set({ group, key, value, timeoutMs }: PeerSetRequest): Promise<SetResult> {
    return new Promise((resolve, reject) => {
      const { invalidations } = this;
      if (!this.isOpen || invalidations === undefined || value.length > MAX_SET_BYTES) {
        return reject(new PeerError(this.peer, 'can not be sent this value'));
      }
      const request = {
        group,
        key,
        timeoutMs: timeoutMs + SET_GRACE_MS,
        signal: NEVER_ABORTED,
        onAbort: () => undefined,
      };
      const answered = (reply: PeerReply): void => {
        if (reply.outcome !== 'value') {
          return reject(reply.outcome === 'failed' ? reply.error : new PeerError(this.peer, 'did not take a value'));
        }
        const result = JSON.parse(reply.value.toString()) as SetResult;
        // Before this answer the peer has said what it has applied, its own removal of the old value included.
        const timer = setTimeout(() => {
          callOff();
          reject(new PeerError(this.peer, 'has taken a value, and what it has removed for that has not come here'));
        }, SET_GRACE_MS).unref();
        const callOff = invalidations.whenCaughtUp(() => {
          clearTimeout(timer);
          resolve(result);
        });
      };
      invalidations.tell();
      this.#questions.ask(request, { answered, failed: reject }, (id) => {
        this.#output.frames.set(id, { group, key, value, timeoutMs });
        this.#output.written();
      });
    });
  }

  /** As `PeerClient.takeOver`. */
  takeOver({ group, key, value: entry }: PeerEntry): Promise<boolean> {
    const { invalidations } = this;
    const { value, ...notes } = entry;
    if (!this.isOpen || invalidations === undefined || value.length > MAX_SET_BYTES) return Promise.resolve(false);
    invalidations.tell();
    const request = { group, key, timeoutMs: HAND_OVER_TIMEOUT_MS, signal: NEVER_ABORTED, onAbort: () => undefined };
    return new Promise((resolve) => {
      const answered = (reply: PeerReply): void => resolve(reply.outcome === 'value');
      this.#questions.ask(request, { answered, failed: () => resolve(false) }, (id) => {
        this.#output.frames.handOver(id, { group, key, value, notes });
        this.#output.written();
      });
    });
  }

  /** Tells the other side which share of its keys this process takes. */
  tellShare(share: number): void {
    if (this.#socket.readyState === 1) this.#writeOther(frameTypes.share, 0, String(share));
  }

  /** Asks no more and is asked no more; the connection is closed once all that is open has been answered. */
  retire(): void {
    if (this.#hasRetired) return;
    this.#hasRetired = true;
    if (this.#socket.readyState === 1) {
      this.invalidations?.tell();
      this.#writeOther(frameTypes.goodbye, 0);
    }
    this.#options.onRetired(this);
    this.#closeIfDone();
  }

  /** Retires, and cuts the connection if that takes more than `timeoutMs`. */
  async close(timeoutMs: number): Promise<void> {
    this.retire();
    const timer = setTimeout(() => this.cut(), timeoutMs);
    await this.closed;
    clearTimeout(timer);
  }

  /** Closes the connection now. */
  cut(): void {
    this.#socket.terminate();
  }

  #writeOther(type: number, id: number, content?: string): void {
    this.#output.frames.other(type, id, content);
    this.#output.written();
  }

  readonly #write = (id: number, { group, key, timeoutMs, isPeek }: PeerRequest): void => {
    this.invalidations?.tell();
    this.#output.frames.get(id, Math.min(Math.ceil(timeoutMs), 0xffff_ffff), group, key, isPeek);
    this.#output.written();
  };

  #read(message: Buffer, isBinary: boolean, handler: FrameHandler): void {
    this.#silentBeats = 0;
    this.#hasBeenAsked = false;
    try {
      if (!isBinary) throw new RangeError('is a text');
      readFrames(message, handler);
      if (this.#hasBeenAsked) this.#output.sendNow();
    } catch {
      // Nothing that comes after it could be trusted.
      this.cut();
    }
  }

  #handler(): FrameHandler {
    const questions = this.#questions;
    const answers = this.#answers;
    return {
      onGet: (id, timeoutMs, group, key, isPeek) => {
        this.#hasBeenAsked = true;
        answers.get(id, timeoutMs, group, key, isPeek);
      },
      onUnreadable: (id) => answers.refuse(id, 'bad-request'),
      onValue: (id, message, start, end, fields, isLast) => questions.value(id, message, start, end, fields, isLast),
      onOther: (type, id, body) => this.#readOther(type, id, body),
    };
  }

  #readOther(type: number, id: number, body: Buffer): void {
    switch (type) {
      case frameTypes.notFound:
        return this.#questions.settle(id, { outcome: 'notFound', ttlMs: readFields(body, 0, body.length).ttlMs });
      case frameTypes.failed:
        return this.#questions.settle(id, this.#failureOf(id, body));
      case frameTypes.refused:
        return this.#questions.settle(id, this.#refusalOf(id, body.toString('latin1', 0, 32)));
      case frameTypes.cancel:
        return this.#answers.cancel(id);
      case frameTypes.invalidations:
      case frameTypes.seen:
      case frameTypes.missing:
      case frameTypes.forgotten:
        return this.invalidations?.read(type, id, body.toString('utf8'));
      case frameTypes.set:
        return this.#answers.set(id, readSet(body));
      case frameTypes.handOver:
        return this.#answers.takeOver(id, readHandOver(body));
      case frameTypes.share:
        return this.#options.onShare(this, readShare(body));
      case frameTypes.goodbye:
        this.#hasOtherRetired = true;
        this.retire();
        return this.#closeIfDone();
    }
  }

  #refusalOf(id: number, mark: string): PeerReply | PeerError {
    if (mark !== 'overloaded') return new PeerError(this.peer, `refused (${mark})`);
    return { outcome: 'failed', error: overloadedAt(this.#questions.groupOf(id), this.peer) };
  }

  #failureOf(id: number, body: Buffer): PeerReply | PeerError {
    const group = this.#questions.groupOf(id);
    try {
      const failure = failureFromJson(body.toString('utf8'));
      return { outcome: 'failed', error: decodeFailure(this.#options.failures, failure, group, this.peer) };
    } catch (error) {
      return new PeerError(this.peer, 'sent a malformed failure', { cause: error });
    }
  }

  /** Both have said goodbye, so that nothing is to come, and nothing is open. */
  #closeIfDone(): void {
    if (!this.#hasRetired || !this.#hasOtherRetired) return;
    if (this.#questions.open > 0 || this.#answers.open > 0) return;
    this.#end = 'goodbye';
    this.#output.sendNow();
    this.#socket.close(1000);
  }

  #beat(): void {
    const nowMs = performance.now();
    // Who was held up himself has not read the answers yet.
    const lateMs = nowMs - this.#lastBeatMs - this.#options.heartbeatMs;
    this.#lastBeatMs = nowMs;
    if (lateMs > this.#options.heartbeatMs) this.#silentBeats = 0;
    if (lateMs > SILENT_BEATS * this.#options.heartbeatMs) this.#options.onStalled();
    if (this.#silentBeats++ < SILENT_BEATS) {
      if (this.#silentBeats > 1) this.#socket.ping();
      return;
    }
    this.#end = 'silent';
    this.cut();
  }

  #closed(): void {
    clearInterval(this.#heartbeat);
    const isNews = !this.#hasRetired;
    this.#hasRetired = true;
    if (isNews) this.#options.onRetired(this);
    // First, so that who asks somebody else does not choose this one again.
    this.#options.onClosed(this, this.#end);
    this.#questions.failAll(new PeerError(this.peer, 'closed its link before it answered'));
    this.#answers.abandonAll();
  }
}

function readShare(body: Buffer): number {
  const share = Number(body.toString('latin1', 0, 32));
  if (!(share >= 0 && share <= 1)) throw new RangeError('has something else for a share');
  return share;
}
