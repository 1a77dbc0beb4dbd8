import { ByteView } from '../../core/byte-view.js';
import { MAX_TIMER_MS } from '../../core/duration.js';
import type { Group } from '../../core/group.js';
import type { PeerReply } from '../../core/peer-picker.js';
import { failureToJson } from '../failure-codec.js';
import type { PeerReception } from '../peer-reception.js';
import { LISTEN_MAX_KEY_BYTES, type FailureMark } from '../wire.js';
import { frameTypes, type HandedEntry, type SetQuestion } from './frames.js';
import type { LinkInvalidations } from './link-invalidations.js';
import type { LinkOutput } from './link-output.js';
import { MAX_QUESTIONS } from './link-questions.js';

/** How long a question waits for what its asker has applied and this process has not. */
export const CATCH_UP_MS = 500;

export interface LinkAnswersOptions {
  /** Which process asks. */
  readonly asker: string;
  /** Without one every question is refused. */
  readonly reception: PeerReception | undefined;
  readonly output: LinkOutput;
  /** What the two sides have said of invalidations; without it nothing can be set. */
  readonly invalidations: LinkInvalidations | undefined;
  /** No question is open any more. */
  readonly onIdle: () => void;
}

/**
 * The questions of the other side that one side of a link is answering. One is let in until its answer has been handed to
 * the socket, so that what waits for a slow reader is bounded by what the process answers at a time.
 */
export class LinkAnswers {
  readonly #options: LinkAnswersOptions;
  readonly #output: LinkOutput;
  readonly #waits: (LinkWait | undefined)[] = [];
  #open = 0;

  constructor(options: LinkAnswersOptions) {
    this.#options = options;
    this.#output = options.output;
  }

  /** Questions whose answer has not been handed over. */
  get open(): number {
    return this.#open;
  }

  /**
   * Answers from memory or by a load, once this process has applied what the asker had applied before.
   *
   * Throws a `RangeError` for an id that is not free.
   */
  get(id: number, timeoutMs: number, groupName: string, key: string, isPeek = false): void {
    const group = this.#admit(id, groupName, key, isPeek);
    if (group === undefined) return;
    const wait = this.#enter(id);
    const { invalidations } = this.#options;
    const serve = isPeek ? this.#servePeek : this.#serve;
    if (invalidations?.isBehind !== true) return serve(id, wait, timeoutMs, group, key);
    const callOff = invalidations.whenCaughtUp(() => serve(id, wait, timeoutMs, group, key));
    wait.begin(callOff, Math.min(timeoutMs, CATCH_UP_MS), () => this.#abandon(id, wait, 'behind'));
  }

  /** As `get`, for a value that is to be taken. */
  set(id: number, { timeoutMs, group: groupName, key, value }: SetQuestion): void {
    const { asker, invalidations } = this.#options;
    if (invalidations === undefined) return this.refuse(id, 'unauthorized');
    // The asker may have given it up, and have removed the key over another connection.
    if (invalidations.isOvertaken(asker)) return this.refuse(id, 'behind');
    const group = this.#admit(id, groupName, key);
    if (group === undefined) return;
    const wait = this.#enter(id);
    const replied = (reply: PeerReply): void => {
      // The asker takes it for its own once it has applied what has come of it.
      invalidations.tell();
      this.#replyLoaded(id, wait, reply);
    };
    group.serveSet(key, value, Math.min(timeoutMs, MAX_TIMER_MS)).then(
      (result) => replied({ outcome: 'value', value: ByteView.from(JSON.stringify(result)), minuteQps: 0 }),
      (error: unknown) => replied({ outcome: 'failed', error: error as Error }),
    );
  }

  /** Keeps an entry of the other side, which is leaving. */
  takeOver(id: number, { group: groupName, key, value, notes }: HandedEntry): void {
    const { invalidations } = this.#options;
    if (invalidations === undefined) return this.refuse(id, 'unauthorized');
    const group = this.#admit(id, groupName, key);
    if (group === undefined) return;
    if (invalidations.mayBeOld({ group: groupName, key, tags: notes.tags })) return this.refuse(id, 'behind');
    const wait = this.#enter(id);
    const isTaken = group.takeOver(key, { outcome: 'value', value, ...notes });
    if (isTaken) this.#reply(id, wait, { outcome: 'value', value: ByteView.empty, minuteQps: 0 });
    else this.#close(id, wait, 'not-held');
  }

  /** The group, if the question is let in; it has been refused otherwise. What is in memory is told by one that is leaving, too. */
  #admit(id: number, groupName: string, key: string, isPeek = false): Group<unknown> | undefined {
    if (id >= MAX_QUESTIONS) throw new RangeError('has a question of an id that is too high');
    if (this.#waits[id] !== undefined) throw new RangeError('asks twice under one id');
    const { reception } = this.#options;
    const group = reception?.find(groupName);
    const refusal = this.#refusalOf(key, isPeek) ?? (group === undefined ? 'unknown-group' : undefined);
    if (refusal === undefined) return group;
    this.refuse(id, refusal);
    return undefined;
  }

  #refusalOf(key: string, isPeek: boolean): FailureMark | undefined {
    const { reception } = this.#options;
    if (reception === undefined) return 'unauthorized';
    const refusal = reception.refusal();
    return (
      (isPeek && refusal === 'draining' ? undefined : refusal) ??
      (key.length > LISTEN_MAX_KEY_BYTES ? 'bad-request' : undefined)
    );
  }

  #enter(id: number): LinkWait {
    const wait = new LinkWait();
    this.#waits[id] = wait;
    this.#open++;
    this.#options.reception!.enter();
    return wait;
  }

  readonly #serve: Service = (id, wait, timeoutMs, group, key) => {
    const reply = group.serveFromMemory(key);
    if (reply !== undefined) return this.#reply(id, wait, reply);
    const leave = group.serveByLoadTo(key, (loaded) => this.#replyLoaded(id, wait, loaded));
    wait.begin(leave, timeoutMs, () => this.#abandon(id, wait));
  };

  readonly #servePeek: Service = (id, wait, timeoutMs, group, key) => {
    const reply = group.servePeek(key);
    if (reply !== undefined) return this.#reply(id, wait, reply);
    const leave = group.servePeekByLoad(key, (loaded) => this.#replyLoaded(id, wait, loaded));
    if (leave === undefined) this.#close(id, wait, 'not-held');
    else wait.begin(leave, timeoutMs, () => this.#abandon(id, wait, 'not-held'));
  };

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

  #abandon(id: number, wait: LinkWait, mark: FailureMark = 'unanswered'): void {
    wait.leave();
    this.#close(id, wait, mark);
  }

  /** Within the end of a load, which others may wait for. */
  #replyLoaded(id: number, wait: LinkWait, reply: PeerReply): void {
    try {
      this.#reply(id, wait, reply);
    } catch {
      // It can't be put in a frame.
      this.#close(id, wait, 'unanswered');
    }
  }

  #reply(id: number, wait: LinkWait, reply: PeerReply): void {
    if (this.#waits[id] !== wait) return;
    wait.end();
    if (this.#options.reception!.isUnsaid(reply)) return this.#close(id, wait, 'draining');
    switch (reply.outcome) {
      case 'value':
        return this.#output.value(id, reply.value, reply);
      case 'notFound':
        this.#output.frames.notFound(id, reply.ttlMs);
        break;
      case 'failed':
        this.#output.frames.other(frameTypes.failed, id, failureToJson(this.#options.reception!.failures, reply.error));
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
    this.#options.reception!.leave();
    if (this.#open === 0) this.#options.onIdle();
  }
}

type Service = (id: number, wait: LinkWait, timeoutMs: number, group: Group<unknown>, key: string) => void;

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
    clearTimeout(this.#timer);
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
