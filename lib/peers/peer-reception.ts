import { InvalidOptionError } from '../core/errors.js';
import type { Group } from '../core/group.js';
import type { GroupRegistry } from '../core/group-registry.js';
import type { PeerReply } from '../core/peer-picker.js';
import { plainFailures, type FailureCodec } from './failure-codec.js';

export interface PeerReceptionOptions {
  readonly groups: Pick<GroupRegistry, 'find' | 'groups'>;
  /** How getters' failures cross. Default `plainFailures`. */
  readonly failures?: FailureCodec;
  /** Peers' questions answered at a time, whichever way they came. Default 4,096. */
  readonly maxConcurrentRequests?: number;
}

/** Which of peers' questions are let in, and until when: what Go's GET and the links have in common. */
export class PeerReception {
  readonly failures: FailureCodec;
  readonly #groups: Pick<GroupRegistry, 'find' | 'groups'>;
  readonly #maxConcurrentRequests: number;
  #running = 0;
  #isDraining = false;
  #onIdle: (() => void) | undefined;
  #drained: Promise<void> | undefined;

  /** Throws an `InvalidOptionError` for a `maxConcurrentRequests` that is no whole number of 1 or more. */
  constructor({ groups, failures = plainFailures, maxConcurrentRequests = 4096 }: PeerReceptionOptions) {
    if (!Number.isInteger(maxConcurrentRequests) || maxConcurrentRequests < 1) {
      throw new InvalidOptionError(
        'maxConcurrentRequests',
        maxConcurrentRequests,
        'expected a whole number of 1 or more',
      );
    }
    this.#groups = groups;
    this.failures = failures;
    this.#maxConcurrentRequests = maxConcurrentRequests;
  }

  /** Whether this process is leaving: further questions are refused. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Why a further question is refused, or `undefined`. */
  refusal(): 'draining' | 'overloaded' | undefined {
    if (this.#isDraining) return 'draining';
    return this.#running >= this.#maxConcurrentRequests ? 'overloaded' : undefined;
  }

  get groups(): readonly Group<unknown>[] {
    return this.#groups.groups;
  }

  find(group: string): Group<unknown> | undefined {
    return this.#groups.find(group);
  }

  /** A question has been let in; `leave` must be called once its answer is on its way. */
  enter(): void {
    this.#running++;
  }

  leave(): void {
    this.#running--;
    if (this.#running === 0) this.#onIdle?.();
  }

  /** Whether `reply` is the word of a process that is going down, and not its getter's: a closed database, most likely. */
  isUnsaid(reply: PeerReply): boolean {
    return reply.outcome === 'failed' && this.#isDraining;
  }

  /**
   * Refuses further questions from now on, and resolves once those let in are answered or `timeoutMs` is over. A later
   * call waits for the first one's end.
   */
  drain(timeoutMs: number): Promise<void> {
    this.#isDraining = true;
    this.#drained ??= new Promise<void>((resolve) => {
      if (this.#running === 0) return resolve();
      const timer = setTimeout(resolve, timeoutMs);
      this.#onIdle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    return this.#drained;
  }
}
