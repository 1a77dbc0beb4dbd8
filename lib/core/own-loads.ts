import type { CacheEntry } from './cache-entry.js';
import { ByteView } from './byte-view.js';
import { DeadlineQueue } from './deadline-queue.js';
import { LoadAbandonedError, OverloadedError } from './errors.js';
import { GetterRun, type GetterRunOptions } from './getter-run.js';
import type { Getter } from './getter.js';
import type { GroupParts } from './group-parts.js';
import { MovedValues } from './moved-values.js';
import { taggedExtras, taggedExtrasBytes } from './entry-extras.js';
import type { PeerValue } from './peer-picker.js';
import { LoadSlots } from './load-slots.js';
import type { FlightGuest, OpenFlight } from './shared-flight.js';
import { SingleFlight } from './single-flight.js';
import { checkTags, checkValueBytes } from './value-limits.js';

/**
 * A group's loads by its getter: one at a time a key, so many at a time in all, each outside of any caller's async context.
 */
export class OwnLoads<Value> {
  readonly #parts: GroupParts<Value>;
  readonly #runs: GetterRunOptions<Value>;
  readonly #moved: MovedValues<Value>;
  /** Who of the runs has a slot, and who waits for one. */
  readonly slots: LoadSlots;
  /** The runs that are under way. */
  readonly flights: SingleFlight<CacheEntry | undefined>;

  constructor(parts: GroupParts<Value>, getter: Getter<Value>) {
    const { clock, loadTimeoutMs, maxConcurrentLoads, maxQueuedLoads } = parts.options;
    const { name, invalidations, outsideRequests } = parts;
    this.#parts = parts;
    this.#moved = new MovedValues(parts);
    this.slots = new LoadSlots({ maxRunning: maxConcurrentLoads, maxQueued: maxQueuedLoads, outsideRequests });
    this.#runs = {
      group: name,
      getter,
      timeoutMs: loadTimeoutMs,
      deadlines: new DeadlineQueue(clock, loadTimeoutMs),
      slots: this.slots,
      position: () => invalidations.position,
    };
    this.flights = new SingleFlight(() => new LoadAbandonedError(name));
  }

  /** What the getter says of `key`, in the main cache before it is told; joins a run that is under way. */
  load(key: string, signal: AbortSignal | undefined): Promise<CacheEntry | undefined> {
    return this.flights.fly(key, (flight) => this.#beginCounted(key, flight), signal);
  }

  /** As `load`, for a guest: see `SingleFlight.board`. */
  board(key: string, guest: FlightGuest<CacheEntry | undefined>): () => void {
    return this.flights.board(key, (flight) => this.#beginCounted(key, flight), guest);
  }

  /** As `load`, for a load that has been counted as one already: that of a peer who could not be asked. */
  loadInPlaceOfPeer(key: string, signal: AbortSignal): Promise<CacheEntry | undefined> {
    return this.flights.fly(key, (flight) => this.#begin(key, flight), signal);
  }

  #beginCounted(key: string, flight: OpenFlight<CacheEntry | undefined>): void {
    this.#parts.counters.loadsDeduped++;
    this.#begin(key, flight);
  }

  /** Keeps what a peer that is leaving holds of `key`; whether it is kept. */
  takeOver(key: string, value: PeerValue): boolean {
    return this.#moved.take(key, value);
  }

  #begin(key: string, flight: OpenFlight<CacheEntry | undefined>): void {
    const { options, outsideRequests } = this.#parts;
    const { meeting } = options.peers;
    if (meeting === undefined) outsideRequests(() => this.#fetchOrRun(key, flight));
    else void outsideRequests(() => meeting.then(() => this.#fetchOrRun(key, flight)));
  }

  #fetchOrRun(key: string, flight: OpenFlight<CacheEntry | undefined>): void {
    try {
      const former = this.#parts.options.peers.pickFormerOwners?.(key);
      if (former === undefined || former.length === 0) this.#run(key, flight);
      else this.#moved.fetch(former, key, flight, () => this.#run(key, flight));
    } catch (error) {
      flight.reject(error);
    }
  }

  /** Makes all of an entry for `value` that can fail; the returned function keeps it. */
  prepare(key: string, value: ByteView): () => void {
    const { values } = this.#parts;
    const { entry, ttlMs, tags } = this.#entryOf(key, values.decode(value), value);
    return () => {
      entry.extras = taggedExtras(tags, this.#parts.invalidations.position);
      if (ttlMs > 0) this.#keep(key, entry, ttlMs);
    };
  }

  #run(key: string, flight: OpenFlight<CacheEntry | undefined>): void {
    const { name, counters } = this.#parts;
    if (this.slots.isFull) {
      counters.overloaded++;
      return flight.reject(new OverloadedError(name, 'too many of its loads run and wait already'));
    }
    const failed = (error: unknown): void => {
      counters.localLoadErrs++;
      flight.reject(error);
    };
    const loaded = (value: Value | undefined, position: number): void => {
      let entry: CacheEntry | undefined;
      try {
        entry = value === undefined ? this.#storeNotFound(key, flight) : this.#store(key, value, flight, position);
      } catch (error) {
        return failed(error);
      }
      counters.localLoads++;
      flight.resolve(entry);
    };
    new GetterRun(this.#runs, flight, { loaded, failed }).start(key);
  }

  /** `position` is when the load began. What is old meanwhile is for those who have asked before, and is not kept. */
  #store(key: string, value: Value, flight: OpenFlight<CacheEntry | undefined>, position: number): CacheEntry {
    const { cache, options, tagMarks } = this.#parts;
    const view = ByteView.from(options.codec.encode(value));
    const { entry, tags, ttlMs } = this.#entryOf(key, value, view);
    if (tags !== undefined && tagMarks.isTouched(tags, position)) flight.disown();
    if (!flight.isSuperseded && ttlMs > 0) {
      entry.extras = taggedExtras(tags, position);
      return this.#keep(key, entry, ttlMs);
    }
    // Nor is what has been kept before good any more.
    if (!flight.isSuperseded) cache.delete(key);
    const passing = cache.passingEntryOf(key, view);
    // A peer that has asked may have applied a removal by one of them meanwhile.
    passing.extras = taggedExtras(tags, position);
    return passing;
  }

  #entryOf(key: string, value: Value, view: ByteView): { entry: CacheEntry; ttlMs: number; tags?: readonly string[] } {
    const { name, cache, lifetimes, options } = this.#parts;
    checkValueBytes(name, view, options.maxValueBytes);
    const ttlMs = lifetimes.ofLoaded(value, key);
    const tags = options.tags && checkTags(name, options.tags, options.tags(value, key));
    return { entry: cache.entryOf(key, view, taggedExtrasBytes(tags)), ttlMs, tags };
  }

  #storeNotFound(key: string, flight: OpenFlight<CacheEntry | undefined>): CacheEntry | undefined {
    const { cache, lifetimes } = this.#parts;
    if (flight.isSuperseded) return undefined;
    if (lifetimes.ofNotFound > 0) return this.#keep(key, cache.notFoundEntryOf(key), lifetimes.ofNotFound);
    cache.delete(key);
    return undefined;
  }

  #keep(key: string, entry: CacheEntry, ttlMs: number): CacheEntry {
    const { cache, lifetimes, options, sweep } = this.#parts;
    lifetimes.begin(entry, ttlMs, options.clock.now());
    cache.keep('main', key, entry);
    if (entry.expiresMs !== 0) sweep.expect();
    return entry;
  }
}
