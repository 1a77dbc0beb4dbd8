import type { CacheEntry } from './byte-lru.js';
import { ByteView } from './byte-view.js';
import { DeadlineQueue } from './deadline-queue.js';
import { LoadAbandonedError, ValueTooLargeError } from './errors.js';
import { GetterRun, type GetterRunOptions } from './getter-run.js';
import type { Getter } from './getter.js';
import type { GroupParts } from './group-parts.js';
import { SingleFlight, type OpenFlight } from './single-flight.js';

/** A group's loads by its getter: one at a time a key, each outside of any caller's async context. */
export class OwnLoads<Value> {
  readonly #parts: GroupParts<Value>;
  readonly #runs: GetterRunOptions<Value>;
  readonly #flights: SingleFlight<CacheEntry | undefined>;

  constructor(parts: GroupParts<Value>, getter: Getter<Value>) {
    const { clock, loadTimeoutMs } = parts.options;
    const { name } = parts;
    this.#parts = parts;
    this.#runs = {
      group: name,
      getter,
      timeoutMs: loadTimeoutMs,
      deadlines: new DeadlineQueue(clock, loadTimeoutMs),
    };
    this.#flights = new SingleFlight(() => new LoadAbandonedError(name));
  }

  /** What the getter says of `key`, in the main cache before it is told; joins a run that is under way. */
  load(key: string, signal: AbortSignal | undefined): Promise<CacheEntry | undefined> {
    return this.#flights.fly(
      key,
      (flight) => {
        this.#parts.counters.loadsDeduped++;
        this.#begin(key, flight);
      },
      signal,
    );
  }

  /** As `load`, for a load that has been counted as one already: that of a peer who could not be asked. */
  loadInPlaceOfPeer(key: string, signal: AbortSignal): Promise<CacheEntry | undefined> {
    return this.#flights.fly(key, (flight) => this.#begin(key, flight), signal);
  }

  #begin(key: string, flight: OpenFlight<CacheEntry | undefined>): void {
    this.#parts.outsideRequests(() => this.#run(key, flight));
  }

  #run(key: string, flight: OpenFlight<CacheEntry | undefined>): void {
    const { counters } = this.#parts;
    const failed = (error: unknown): void => {
      counters.localLoadErrs++;
      flight.reject(error);
    };
    const loaded = (value: Value | undefined): void => {
      let entry: CacheEntry | undefined;
      try {
        if (value !== undefined) entry = this.#store(key, value);
      } catch (error) {
        return failed(error);
      }
      counters.localLoads++;
      flight.resolve(entry);
    };
    new GetterRun(this.#runs, flight, { loaded, failed }).start(key);
  }

  #store(key: string, value: Value): CacheEntry {
    const { name, cache, options } = this.#parts;
    const view = ByteView.from(options.codec.encode(value));
    if (view.length > options.maxValueBytes) {
      throw new ValueTooLargeError(name, view.length, options.maxValueBytes);
    }
    const entry = cache.entryOf(key, view);
    cache.keep('main', key, entry);
    return entry;
  }
}
