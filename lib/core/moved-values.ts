import { setImmediate } from 'node:timers';
import type { CacheEntry } from './cache-entry.js';
import { DeadlineQueue } from './deadline-queue.js';
import { taggedExtras, taggedExtrasBytes } from './entry-extras.js';
import type { GroupParts } from './group-parts.js';
import type { PeerClient, PeerReply, PeerValue } from './peer-picker.js';
import { PeerQuestion, type PeerQuestionOptions } from './peer-question.js';
import type { OpenFlight } from './shared-flight.js';

/** Milliseconds that a load is put off at most to ask another peer for what it holds. */
export const PEEK_TIMEOUT_MS = 100;

/** When something was asked, by the group's clock and by the log of invalidations. */
interface Asked {
  readonly ms: number;
  readonly position: number;
}

/** What comes into the main cache from another peer's, and not from the getter: keys whose owner has changed. */
export class MovedValues<Value> {
  readonly #parts: GroupParts<Value>;
  readonly #questions: PeerQuestionOptions;

  constructor(parts: GroupParts<Value>) {
    const { name, options } = parts;
    const { clock } = options;
    const timers = {
      now: () => clock.now(),
      // After a turn that was long, what has come meanwhile is read first.
      after: (ms: number, ring: () => void) => clock.after(ms, () => void setImmediate(ring)),
    };
    const deadlines = new DeadlineQueue(timers, PEEK_TIMEOUT_MS);
    this.#parts = parts;
    this.#questions = { group: name, timeoutMs: PEEK_TIMEOUT_MS, deadlines, isPeek: true };
  }

  /** Ends `flight` by what the first of `peers` that has it holds of `key`, or has it go on by `load`. To be called outside of requests. */
  fetch(peers: readonly PeerClient[], key: string, flight: OpenFlight<CacheEntry | undefined>, load: () => void): void {
    this.#parts.counters.peeks++;
    this.#fetchFrom(peers, 0, key, flight, load);
  }

  #fetchFrom(
    peers: readonly PeerClient[],
    index: number,
    key: string,
    flight: OpenFlight<CacheEntry | undefined>,
    load: () => void,
  ): void {
    const peer = peers[index];
    if (peer === undefined) return load();
    const { counters, invalidations } = this.#parts;
    const { position } = invalidations;
    const question = new PeerQuestion(peer, key, this.#questions, (reply) => {
      try {
        const asked = { ms: question.askedMs, position };
        const moved = reply?.outcome === 'value' ? this.#entryOf(key, reply, asked, flight) : undefined;
        if (moved === undefined) return this.#fetchFrom(peers, index + 1, key, flight, load);
        counters.peekHits++;
        flight.resolve(moved);
      } catch (error) {
        flight.reject(error);
      }
    });
    question.ask((run) => run());
  }

  /** Keeps what a peer that is leaving holds of `key`, unless there is something that is good; whether it does. */
  take(key: string, value: PeerValue): boolean {
    const { cache, counters, invalidations, lifetimes, options, tagMarks } = this.#parts;
    const held = cache.peek(key);
    if (held !== undefined && lifetimes.isFresh(held) && !tagMarks.isOld(held) && !cache.hasCopy(key)) return false;
    if (this.#entryOf(key, value, { ms: options.clock.now(), position: invalidations.position }) === undefined)
      return false;
    counters.takenOver++;
    return true;
  }

  /** Kept, or for those alone who have asked before what has been removed meanwhile; `undefined` if it is of no use. */
  #entryOf(
    key: string,
    { value, ttlMs, tags }: PeerValue,
    asked: Asked,
    flight?: OpenFlight<CacheEntry | undefined>,
  ): CacheEntry | undefined {
    const { cache, lifetimes, options, sweep, tagMarks } = this.#parts;
    const lifetimeMs = lifetimes.ofMoved(ttlMs);
    if (value.length > options.maxValueBytes || asked.ms + lifetimeMs <= options.clock.now()) return undefined;
    if (tags !== undefined && tagMarks.isTouched(tags, asked.position)) flight?.disown();
    const isPassing = flight?.isSuperseded === true;
    const entry = isPassing ? cache.passingEntryOf(key, value) : cache.entryOf(key, value, taggedExtrasBytes(tags));
    // Of one that passes, too: a peer that has asked may have applied a removal by one of them meanwhile.
    entry.extras = taggedExtras(tags, asked.position);
    if (isPassing) return entry;
    lifetimes.begin(entry, lifetimeMs, asked.ms);
    cache.keep('main', key, entry);
    if (entry.expiresMs !== 0) sweep.expect();
    return entry;
  }
}

/** Whether `reply` can be moved. */
export function isMovable(reply: PeerReply | undefined): reply is PeerValue {
  return reply?.outcome === 'value' && reply.ttlMs !== 0;
}
