import { AsyncLocalStorage } from 'node:async_hooks';
import { ByteView } from './byte-view.js';
import type { CacheEntry } from './cache-entry.js';
import { coarseNow } from './clock.js';
import { DeadlineQueue } from './deadline-queue.js';
import { MAX_TIMER_MS } from './duration.js';
import type { CacheKind, CacheStats } from './entry-store.js';
import { EntryValues } from './entry-values.js';
import { InvalidKeyError, LoadAbandonedError, ValueTooLargeError } from './errors.js';
import { GetterRun, type GetterRunOptions } from './getter-run.js';
import type { Getter } from './getter.js';
import { GroupCache } from './group-cache.js';
import { resolveGroupOptions, type GroupOptions, type ResolvedGroupOptions } from './group-options.js';
import { zeroStats, type GroupStats } from './group-stats.js';
import type { PeerClient, PeerReply } from './peer-picker.js';
import { PeerQuestion, type OutsideRequests, type PeerQuestionOptions } from './peer-question.js';
import { SingleFlight, type OpenFlight } from './single-flight.js';

export interface GetOptions {
  /** Ends this caller's wait, alone: the promise rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * How much longer a peer may take than the load that it runs for us, so that the load's own deadline is what ends a slow
 * load, with the owner's word for it, and not an impatient asker who would then load it once more.
 */
const PEER_GRACE_MS = 1_000;

/**
 * A cache namespace and the loader of its values, spread over the peers: Go's `Group`.
 *
 * `get` looks into the main cache (keys that this process owns) and the hot cache (copies of others' keys). On a miss the
 * key's owner loads it, once in the whole cluster, and everyone who asks meanwhile shares that load.
 *
 * Peers whose lists disagree cannot wait for each other in a ring: flights that ask a peer may wait on own flights, own
 * flights only on the getter, and `serve` only ever starts own ones.
 */
export class Group<Value> {
  readonly #options: ResolvedGroupOptions<Value>;
  readonly #cache: GroupCache;
  readonly #values: EntryValues<Value>;
  readonly #counters = zeroStats();
  readonly #ownFlights: SingleFlight<CacheEntry | undefined>;
  readonly #peerFlights: SingleFlight<CacheEntry | undefined>;
  readonly #getterRuns: GetterRunOptions<Value>;
  readonly #peerQuestions: PeerQuestionOptions;
  readonly #outsideRequests: OutsideRequests;

  /**
   * Throws an `InvalidOptionError` if an option is not acceptable.
   *
   * `getter` is called at most once at a time per key in this process, and only by the owner of the key while peers
   * can be reached.
   */
  constructor(
    readonly name: string,
    getter: Getter<Value>,
    options: GroupOptions<Value> = {},
  ) {
    this.#options = resolveGroupOptions(options);
    const { cacheBytes, clock, codec, eviction, loadTimeoutMs, shares, processBudget } = this.#options;
    this.#cache = new GroupCache({
      cacheBytes,
      eviction,
      processBudget,
      clock,
      keepsDecoded: shares,
      decodedFactor: codec.decodedFactor ?? 0,
    });
    this.#values = new EntryValues(codec, shares);
    const peerTimeoutMs = Math.min(loadTimeoutMs + PEER_GRACE_MS, MAX_TIMER_MS);
    this.#getterRuns = {
      group: name,
      getter,
      timeoutMs: loadTimeoutMs,
      deadlines: new DeadlineQueue(clock, loadTimeoutMs),
    };
    this.#peerQuestions = {
      group: name,
      timeoutMs: peerTimeoutMs,
      // Set within a caller's get, and kept longer than that.
      deadlines: new DeadlineQueue(
        {
          now: () => clock.now(),
          coarseNow: () => coarseNow(clock),
          after: (ms, ring) => this.#outsideRequests(() => clock.after(ms, ring)),
        },
        peerTimeoutMs,
      ),
    };
    this.#outsideRequests = options.outsideRequests ?? AsyncLocalStorage.snapshot();
    const abandoned = (): Error => new LoadAbandonedError(name);
    this.#ownFlights = new SingleFlight(abandoned);
    this.#peerFlights = new SingleFlight(abandoned);
  }

  /**
   * The value of `key`, from memory or loaded; `undefined` if there is none.
   *
   * Rejects with what the getter threw (a `LoadFailedError` where it ran in another process), a `LoadTimeoutError`, or
   * the reason of `options.signal`. A failure is not cached.
   */
  get(key: string, options?: GetOptions): Promise<Value | undefined> {
    const entry = this.#lookup(key);
    if (entry === undefined) return this.#load(key, options?.signal).then((loaded) => this.#valueOf(key, loaded));
    try {
      return Promise.resolve(this.#valueOf(key, entry));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** The values of `keys`, in their order. Rejects as soon as one of them does. */
  getMany(keys: readonly string[], options?: GetOptions): Promise<(Value | undefined)[]> {
    return Promise.all(keys.map((key) => this.get(key, options)));
  }

  /**
   * The value of `key` if it is in this process's memory; asks nobody and loads nothing.
   *
   * A use like any other as far as eviction goes, but not counted in `stats`. Throws an `UndecodableValueError` if the
   * codec can't decode what is held.
   */
  peek(key: string): Value | undefined {
    const entry = this.#cache.touch(key);
    return entry === undefined ? undefined : this.#valueOf(key, entry);
  }

  /**
   * As `get`, but the encoded bytes, without a copy; of another peer's value that is kept here they may be encoded afresh,
   * since what is kept of it is the decoded value.
   */
  getView(key: string, options?: GetOptions): Promise<ByteView | undefined> {
    const entry = this.#lookup(key);
    return entry === undefined
      ? this.#load(key, options?.signal).then((loaded) => loaded && this.#values.viewOf(loaded))
      : Promise.resolve(this.#values.viewOf(entry));
  }

  /**
   * Copies the encoded bytes into `target`, as many as fit, and resolves to how many were copied (`undefined` if there is
   * no value): Go's `TruncatingByteSliceSink`.
   */
  getInto(key: string, target: Uint8Array, options?: GetOptions): Promise<number | undefined> {
    return this.getView(key, options).then((view) => view?.copyTo(target));
  }

  /**
   * Answers a peer's question from memory or by the own getter, never by asking a peer.
   *
   * `options.signal` is read on a miss only. Rejects only with its reason; a failing getter is an answer.
   */
  serve(key: string, options?: GetOptions): Promise<PeerReply> {
    const reply = this.serveFromMemory(key);
    return reply === undefined ? this.serveByLoad(key, options) : Promise.resolve(reply);
  }

  /** The first half of `serve`, without a promise: the answer if it is in memory; else `serveByLoad` must be called. */
  serveFromMemory(key: string): PeerReply | undefined {
    this.#counters.serverRequests++;
    const entry = this.#lookup(key);
    if (entry === undefined) return undefined;
    try {
      return this.#replyOf(entry);
    } catch (error) {
      return { outcome: 'failed', error: asError(error) };
    }
  }

  /** The second half of `serve`. */
  serveByLoad(key: string, options?: GetOptions): Promise<PeerReply> {
    this.#counters.loads++;
    const signal = options?.signal;
    return this.#loadHere(key, signal).then(
      (loaded) => this.#replyOf(loaded),
      (error: unknown) => {
        if (signal?.aborted) throw error;
        return { outcome: 'failed', error: asError(error) };
      },
    );
  }

  /** Counters so far. */
  get stats(): GroupStats {
    return { ...this.#counters };
  }

  cacheStats(kind: CacheKind): CacheStats {
    return this.#cache.stats(kind);
  }

  /** Bytes of `cacheBytes` in use: what `cacheStats` reports for both caches, overheads and decoded copies. */
  get footprint(): number {
    return this.#cache.footprint;
  }

  /** Drops what this process holds in memory. Loads under way are not touched, and fill it again. */
  dropMemory(): void {
    this.#cache.clear();
  }

  /** Drops all memory and leaves the process's budget. The group can still be asked, and keeps nothing. */
  close(): void {
    this.#cache.close();
  }

  #lookup(key: string): CacheEntry | undefined {
    this.#counters.gets++;
    const entry = this.#cache.get(key);
    if (entry !== undefined) this.#counters.cacheHits++;
    return entry;
  }

  #replyOf(entry: CacheEntry | undefined): PeerReply {
    if (entry === undefined) return { outcome: 'notFound' };
    return { outcome: 'value', value: this.#values.viewOf(entry), minuteQps: this.#cache.minuteQps(entry) };
  }

  #valueOf(key: string, entry: CacheEntry | undefined): Value | undefined {
    if (entry === undefined) return undefined;
    try {
      return this.#values.valueOf(entry);
    } catch (error) {
      // Or every later get would fail on the same bytes.
      this.#cache.delete(key);
      throw error;
    }
  }

  #load(key: string, signal: AbortSignal | undefined): Promise<CacheEntry | undefined> {
    this.#counters.loads++;
    const flaw = flawOf(key);
    if (flaw !== undefined) return Promise.reject(new InvalidKeyError(this.name, key, flaw));
    const peer = this.#options.peers.pickPeer(key);
    return peer === undefined ? this.#loadHere(key, signal) : this.#loadFrom(peer, key, signal);
  }

  #loadHere(key: string, signal: AbortSignal | undefined): Promise<CacheEntry | undefined> {
    return this.#ownFlights.fly(
      key,
      (flight) => {
        this.#counters.loadsDeduped++;
        this.#outsideRequests(() => this.#runGetter(key, flight));
      },
      signal,
    );
  }

  #loadFrom(peer: PeerClient, key: string, signal: AbortSignal | undefined): Promise<CacheEntry | undefined> {
    return this.#peerFlights.fly(
      key,
      (flight) => {
        this.#counters.loadsDeduped++;
        this.#askPeer(peer, key, flight);
      },
      signal,
    );
  }

  #askPeer(peer: PeerClient, key: string, flight: OpenFlight<CacheEntry | undefined>): void {
    const question = new PeerQuestion(peer, key, this.#peerQuestions, (reply) => {
      try {
        if (reply !== undefined) flight.resolve(this.#accept(key, reply));
        else if (flight.isAborted) flight.reject(flight.signal.reason);
        else this.#loadInPlaceOfPeer(key, flight);
      } catch (failure) {
        flight.reject(failure);
      }
    });
    flight.onAbort((reason) => question.abort(reason));
    question.ask(this.#outsideRequests);
  }

  /** What a peer has answered; throws its getter's failure. */
  #accept(key: string, reply: PeerReply): CacheEntry | undefined {
    const { maxValueBytes } = this.#options;
    switch (reply.outcome) {
      case 'value':
        if (reply.value.length > maxValueBytes) {
          this.#counters.peerLoadErrs++;
          throw new ValueTooLargeError(this.name, reply.value.length, maxValueBytes);
        }
        this.#counters.peerLoads++;
        return this.#mirror(key, reply.value, reply.minuteQps);
      case 'notFound':
        this.#counters.peerLoads++;
        return undefined;
      case 'failed':
        this.#counters.peerLoadErrs++;
        throw reply.error;
    }
  }

  /** The peer's failure, so somebody else loads: as in Go, whoever asks. Given up when nobody waits for it here. */
  #loadInPlaceOfPeer(key: string, flight: OpenFlight<CacheEntry | undefined>): void {
    this.#counters.peerErrors++;
    const entry = this.#cache.touch(key); // loaded meanwhile, for somebody who takes this process for the owner
    if (entry !== undefined) return flight.resolve(entry);
    const begin = (own: OpenFlight<CacheEntry | undefined>): void =>
      this.#outsideRequests(() => this.#runGetter(key, own));
    this.#ownFlights.fly(key, begin, flight.signal).then(
      (loaded) => flight.resolve(loaded),
      (error: unknown) => flight.reject(error),
    );
  }

  #mirror(key: string, value: ByteView, minuteQps: number): CacheEntry {
    const { promote, shares } = this.#options;
    if (!promote({ key, bytes: value.length, minuteQps })) return this.#cache.passingEntryOf(key, value);
    const decoded = shares ? this.#values.decodeAlike(value) : undefined;
    const entry = this.#cache.copyOf(key, value, decoded);
    this.#cache.keep('hot', key, entry);
    return entry;
  }

  /** The value is in the main cache before the flight resolves. */
  #runGetter(key: string, flight: OpenFlight<CacheEntry | undefined>): void {
    const failed = (error: unknown): void => {
      this.#counters.localLoadErrs++;
      flight.reject(error);
    };
    const loaded = (value: Value | undefined): void => {
      let entry: CacheEntry | undefined;
      try {
        if (value !== undefined) entry = this.#store(key, value);
      } catch (error) {
        return failed(error);
      }
      this.#counters.localLoads++;
      flight.resolve(entry);
    };
    new GetterRun(this.#getterRuns, flight, { loaded, failed }).start(key);
  }

  #store(key: string, value: Value): CacheEntry {
    const { codec, maxValueBytes } = this.#options;
    const view = ByteView.from(codec.encode(value));
    if (view.length > maxValueBytes) throw new ValueTooLargeError(this.name, view.length, maxValueBytes);
    const entry = this.#cache.entryOf(key, view);
    this.#cache.keep('main', key, entry);
    return entry;
  }
}

function flawOf(key: unknown): string | undefined {
  if (typeof key !== 'string') return `is not a string but ${key === null ? 'null' : `a ${typeof key}`}`;
  return key.isWellFormed()
    ? undefined
    : 'holds a lone surrogate, which UTF-8 does not have: two such keys would be one';
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
