import type { CacheEntry } from './cache-entry.js';
import type { Clock } from './clock.js';
import { DeadlineQueue } from './deadline-queue.js';
import { MAX_TIMER_MS } from './duration.js';
import { LoadAbandonedError, OverloadedError, ValueTooLargeError } from './errors.js';
import type { GroupParts } from './group-parts.js';
import { Hedge } from './hedge.js';
import { PEEK_TIMEOUT_MS } from './moved-values.js';
import type { OwnLoads } from './own-loads.js';
import type { PeerClient, PeerReply, PeerValue } from './peer-picker.js';
import { PeerQuestion, type PeerQuestionOptions } from './peer-question.js';
import { taggedExtras, taggedExtrasBytes } from './entry-extras.js';
import type { OpenFlight } from './shared-flight.js';
import { SingleFlight } from './single-flight.js';

/**
 * How much longer a peer may take than the load that it runs for us, so that the load's own deadline is what ends a slow
 * load, with the owner's word for it, and not an impatient asker who would then load it once more.
 */
const PEER_GRACE_MS = 1_000;

/** Peers that are asked in the place of one after the other, before this process loads by itself. */
const MAX_SUBSTITUTES = 2;

const NOBODY: readonly string[] = [];

/** When something was asked, by the group's clock and by the log of invalidations, and for whom. */
interface Asked {
  readonly ms: number;
  readonly position: number;
  readonly flight: OpenFlight<CacheEntry | undefined>;
}

/** A group's loads of keys that another peer owns: asked of that peer, one at a time a key. */
export class PeerLoads<Value> {
  readonly #parts: GroupParts<Value>;
  readonly #ownLoads: OwnLoads<Value>;
  readonly #questions: PeerQuestionOptions;
  readonly #timers: Clock;
  readonly #peeks: PeerQuestionOptions;
  readonly #hedge: Hedge | undefined;
  /** The questions that are under way. */
  readonly flights: SingleFlight<CacheEntry | undefined>;

  /** `ownLoads` are for keys whose peer can't be asked. */
  constructor(parts: GroupParts<Value>, ownLoads: OwnLoads<Value>) {
    const { name, options, outsideRequests } = parts;
    const { clock, loadTimeoutMs } = options;
    const timeoutMs = Math.min(loadTimeoutMs + PEER_GRACE_MS, MAX_TIMER_MS);
    this.#parts = parts;
    this.#ownLoads = ownLoads;
    // Their timer is set within a caller's get, and kept longer than that.
    this.#timers = {
      now: () => clock.now(),
      after: (ms: number, ring: () => void) => outsideRequests(() => clock.after(ms, ring)),
    };
    this.#questions = { group: name, timeoutMs, deadlines: new DeadlineQueue(this.#timers, timeoutMs) };
    const peekMs = PEEK_TIMEOUT_MS;
    this.#peeks = { group: name, timeoutMs: peekMs, deadlines: new DeadlineQueue(this.#timers, peekMs), isPeek: true };
    this.#hedge = options.hedge ? new Hedge(this.#timers) : undefined;
    this.flights = new SingleFlight(() => new LoadAbandonedError(name));
  }

  /** What `peer` says of `key`, mirrored if the group's policy wants that; joins a question that is under way. */
  load(peer: PeerClient, key: string, signal: AbortSignal | undefined): Promise<CacheEntry | undefined> {
    return this.flights.fly(
      key,
      (flight) => {
        this.#parts.counters.loadsDeduped++;
        const { meeting } = this.#parts.options.peers;
        if (meeting === undefined) this.#ask(peer, key, flight, this.#questions, NOBODY);
        else void meeting.then(() => this.#ask(peer, key, flight, this.#questions, NOBODY));
      },
      signal,
    );
  }

  /** `failed` could not be asked before. */
  #ask(
    peer: PeerClient,
    key: string,
    flight: OpenFlight<CacheEntry | undefined>,
    options: PeerQuestionOptions,
    failed: readonly string[],
  ): void {
    const { position } = this.#parts.invalidations;
    let isFirst: ((hasAnswered: boolean) => boolean) | undefined;
    const question = new PeerQuestion(peer, key, options, (reply) => {
      if (isFirst?.(reply !== undefined) === false) return;
      try {
        if (reply !== undefined) {
          const asked = { flight, position, ms: question.askedMs };
          flight.resolve(this.#accept(key, reply, asked));
        } else if (flight.isAborted) flight.reject(flight.signal.reason);
        else this.#askAnother(key, flight, question, [...failed, peer.url]);
      } catch (failure) {
        flight.reject(failure);
      }
    });
    flight.onAbort((reason) => question.abort(reason));
    if (failed === NOBODY && this.#hedge !== undefined) isFirst = this.#watch(this.#hedge, question, peer, flight);
    question.ask(this.#parts.outsideRequests);
  }

  /** Whoever answers first tells so, and is told whether he was. */
  #watch(
    hedge: Hedge,
    question: PeerQuestion,
    peer: PeerClient,
    flight: OpenFlight<CacheEntry | undefined>,
  ): (hasAnswered: boolean) => boolean {
    let isOver = false;
    const isFirst = (hasAnswered: boolean): boolean => {
      if (isOver) return false;
      isOver = true;
      stop(hasAnswered);
      return true;
    };
    const stop = hedge.watch(peer.url, () =>
      this.#peekAt(question.key, peer, flight, () => {
        if (!isFirst(true)) return false;
        question.abort(new Error('somebody else has answered'));
        return true;
      }),
    );
    return isFirst;
  }

  /** The owner takes long: perhaps who would be next has a copy. `isFirst`: whether nobody else has answered before. */
  #peekAt(key: string, owner: PeerClient, flight: OpenFlight<CacheEntry | undefined>, isFirst: () => boolean): void {
    const { counters, invalidations, options, outsideRequests } = this.#parts;
    const next = options.peers.pickSubstitute?.(key, [owner.url]);
    if (next === undefined) return;
    counters.hedges++;
    const { position } = invalidations;
    const peek = new PeerQuestion(next, key, this.#peeks, (reply) => {
      if (reply?.outcome !== 'value' || reply.value.length > options.maxValueBytes || !isFirst()) return;
      counters.hedgeHits++;
      try {
        flight.resolve(this.#accept(key, reply, { flight, position, ms: peek.askedMs }));
      } catch (failure) {
        flight.reject(failure);
      }
    });
    peek.ask(outsideRequests);
  }

  /** The peer's failure, so somebody else loads: who owns the key in its place, so that all ask the same one; or this process. */
  #askAnother(
    key: string,
    flight: OpenFlight<CacheEntry | undefined>,
    question: PeerQuestion,
    failed: readonly string[],
  ): void {
    const { name, counters, options } = this.#parts;
    counters.peerErrors++;
    const leftMs = question.dueMs - options.clock.now();
    const substitute =
      leftMs <= 0 || failed.length > MAX_SUBSTITUTES ? undefined : options.peers.pickSubstitute?.(key, failed);
    if (substitute === undefined) return this.#loadInPlaceOfPeer(key, flight);
    const timeoutMs = Math.ceil(leftMs);
    const deadlines = new DeadlineQueue(this.#timers, timeoutMs);
    this.#ask(substitute, key, flight, { group: name, timeoutMs, deadlines }, failed);
  }

  /** What a peer has answered; throws its getter's failure. */
  #accept(key: string, reply: PeerReply, asked: Asked): CacheEntry | undefined {
    const { name, counters, options } = this.#parts;
    switch (reply.outcome) {
      case 'value':
        if (reply.value.length > options.maxValueBytes) {
          counters.peerLoadErrs++;
          throw new ValueTooLargeError(name, reply.value.length, options.maxValueBytes);
        }
        counters.peerLoads++;
        return this.#mirror(key, reply, asked);
      case 'notFound':
        counters.peerLoads++;
        return this.#mirrorNotFound(key, reply.ttlMs ?? 0, asked);
      case 'failed':
        if (reply.error instanceof OverloadedError) counters.overloaded++;
        else counters.peerLoadErrs++;
        throw reply.error;
    }
  }

  #mirror(key: string, { value, minuteQps, ttlMs, tags }: PeerValue, asked: Asked): CacheEntry {
    const { cache, lifetimes, options, tagMarks, values } = this.#parts;
    if (tags !== undefined && tagMarks.isTouched(tags, asked.position)) asked.flight.disown();
    // For those who have asked before.
    if (asked.flight.isSuperseded) return cache.passingEntryOf(key, value);
    const lifetimeMs = lifetimes.ofCopy(ttlMs);
    // A copy that is held stays: the owner may itself have served what it is just renewing, and the copies of a key that is
    // asked for everywhere must not go all at once.
    if (!this.#isAhead(lifetimeMs, asked.ms)) return cache.passingEntryOf(key, value);
    // A copy that is there is renewed.
    if (!cache.hasCopy(key) && !options.promote({ key, bytes: value.length, minuteQps }))
      return cache.passingEntryOf(key, value);
    const decoded = options.shares ? values.decodeAlike(value) : undefined;
    const entry = cache.copyOf(key, value, decoded, taggedExtrasBytes(tags));
    entry.extras = taggedExtras(tags, asked.position);
    return this.#keep(key, entry, lifetimeMs, asked.ms);
  }

  /** Kept for as long as the peer says, without asking the policy: it takes the place of no value. */
  #mirrorNotFound(key: string, ttlMs: number, asked: Asked): CacheEntry | undefined {
    const { cache, lifetimes } = this.#parts;
    if (asked.flight.isSuperseded) return undefined;
    const lifetimeMs = lifetimes.ofCopy(ttlMs);
    if (this.#isAhead(lifetimeMs, asked.ms)) {
      return this.#keep(key, cache.notFoundEntryOf(key), lifetimeMs, asked.ms);
    }
    cache.delete(key);
    return undefined;
  }

  /** Whether what was asked for at `askedMs` and lives for `lifetimeMs` is still good. */
  #isAhead(lifetimeMs: number, askedMs: number): boolean {
    return askedMs + lifetimeMs > this.#parts.options.clock.now();
  }

  #keep(key: string, entry: CacheEntry, lifetimeMs: number, askedMs: number): CacheEntry {
    const { cache, lifetimes, sweep } = this.#parts;
    // From when it was asked: the clocks of two processes differ, and messages take time.
    lifetimes.begin(entry, lifetimeMs, askedMs);
    cache.keep('hot', key, entry);
    if (entry.expiresMs !== 0) sweep.expect();
    return entry;
  }

  /** As in Go: whoever asks. Given up when nobody waits for it here. */
  #loadInPlaceOfPeer(key: string, flight: OpenFlight<CacheEntry | undefined>): void {
    const { cache, lifetimes, tagMarks } = this.#parts;
    const entry = cache.touch(key); // loaded meanwhile, for somebody who takes this process for the owner
    if (entry !== undefined && lifetimes.isFresh(entry) && !tagMarks.isOld(entry)) return flight.resolve(entry);
    this.#ownLoads.loadInPlaceOfPeer(key, flight.signal).then(
      (loaded) => {
        // That load may have been disowned.
        if (loaded !== undefined && tagMarks.isOld(loaded)) flight.disown();
        flight.resolve(loaded);
      },
      (error: unknown) => flight.reject(error),
    );
  }
}
