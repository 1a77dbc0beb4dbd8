import { setMaxListeners } from 'node:events';
import { TransientMap } from './transient-map.js';

/**
 * A running load, as the function that performs it sees it.
 */
export interface Flight {
  /** Aborted when nobody waits any more or when the flight is cancelled; its reason is a `GroupcacheError`. */
  readonly signal: AbortSignal;
  /** Whether `signal` is aborted, without making one. */
  readonly isAborted: boolean;
  /** Calls `listener` when `signal` aborts, without making one. As good as a look at it. One listener a flight. */
  onAbort(listener: (reason: Error) => void): void;
  /** Aborts `signal`. Does not settle the flight: `load` does. */
  abort(reason: Error): void;
}

/** A flight as whoever performs it sees it, if he settles it himself: once, by `resolve` or `reject`. */
export interface OpenFlight<Value> extends Flight {
  resolve(value: Value): void;
  reject(error: unknown): void;
}

/**
 * Runs at most one `load` per key; callers that arrive meanwhile share its outcome.
 *
 * The load belongs to nobody: a caller whose signal aborts stops waiting, alone. When the last one has gone, a load that has
 * looked at its signal is aborted and forgotten; one that has not could not be stopped, and is there for the next caller.
 * A caller without a signal stays to the end. Nothing is remembered after a flight
 * settles: `load` stores its result before it resolves, or a caller can fall between the two.
 */
export class SingleFlight<Value> {
  readonly #flights = new TransientMap<SharedFlight<Value>>();
  readonly #abandoned: () => Error;

  /** `abandoned` makes the reason that the signal of a flight carries once nobody waits for it. */
  constructor(abandoned: () => Error) {
    this.#abandoned = abandoned;
  }

  /** Loads under way. */
  get size(): number {
    return this.#flights.size;
  }

  /** Whether a load of `key` is under way. */
  has(key: string): boolean {
    return this.#flights.has(key);
  }

  /**
   * Joins the flight of `key`, or starts one with `load`; rejects with the reason of `signal` once it aborts.
   *
   * `load` is called synchronously; a throw of it counts as a rejection.
   */
  run(key: string, load: (flight: Flight) => Promise<Value>, signal?: AbortSignal): Promise<Value> {
    const begin = (flight: OpenFlight<Value>): void => {
      load(flight).then(
        (value) => flight.resolve(value),
        (error: unknown) => flight.reject(error),
      );
    };
    return this.fly(key, begin, signal);
  }

  /** As `run`, for loads that are no promises: `begin` has the flight settled, now or later. */
  fly(key: string, begin: (flight: OpenFlight<Value>) => void, signal?: AbortSignal): Promise<Value> {
    let flight = this.#flights.get(key);
    if (flight === undefined) {
      if (signal?.aborted) return Promise.reject(signal.reason as Error);
      flight = new SharedFlight(this.#flights, key);
      this.#flights.set(key, flight);
      const outcome = signal === undefined ? flight.join() : this.#joinUntil(flight, signal);
      try {
        begin(flight);
      } catch (error) {
        flight.reject(error);
      }
      return outcome;
    }
    return signal === undefined ? flight.join() : this.#joinUntil(flight, signal);
  }

  #joinUntil(flight: SharedFlight<Value>, signal: AbortSignal): Promise<Value> {
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    flight.waiting++;
    return new Promise<Value>((resolve, reject) => {
      const leave = (): void => {
        reject(signal.reason as Error);
        // A load that has never looked at its signal can't be stopped: it stays, for whoever comes next.
        if (--flight.waiting > 0 || flight.isPinned || !flight.hasSignal) return;
        flight.forget();
        flight.abort(this.#abandoned());
      };
      // One request's signal may well stand behind many gets.
      setMaxListeners(0, signal);
      signal.addEventListener('abort', leave, { once: true });
      flight.promise.then(
        (value) => {
          signal.removeEventListener('abort', leave);
          resolve(value);
        },
        (error: unknown) => {
          signal.removeEventListener('abort', leave);
          reject(error);
        },
      );
    });
  }
}

class SharedFlight<Value> implements OpenFlight<Value> {
  /** Callers with a signal that still wait. */
  waiting = 0;
  /** Whether a caller without a signal waits: the flight is never abandoned then. */
  isPinned = false;
  readonly #table: TransientMap<SharedFlight<Value>>;
  readonly #key: string;
  // Until it is settled: a flight may be kept longer, by what V8's maps leave behind, and must not keep the value with it.
  #promise: Promise<Value> | undefined;
  #resolve: ((value: Value) => void) | undefined;
  #reject: ((error: Error) => void) | undefined;
  #controller: AbortController | undefined;
  #listener: ((reason: Error) => void) | undefined;
  #reason: Error | undefined;

  constructor(table: TransientMap<SharedFlight<Value>>, key: string) {
    this.#table = table;
    this.#key = key;
    this.#promise = new Promise<Value>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Of a flight that is not settled. */
  get promise(): Promise<Value> {
    return this.#promise!;
  }

  resolve(value: Value): void {
    const resolve = this.#resolve;
    this.#settle();
    resolve?.(value);
  }

  reject(error: unknown): void {
    const reject = this.#reject;
    this.#settle();
    reject?.(error as Error);
  }

  /** Later callers do not join this flight. */
  forget(): void {
    if (this.#table.get(this.#key) === this) this.#table.delete(this.#key);
  }

  /** Made when first asked for: most loads never look. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  get isAborted(): boolean {
    return this.#reason !== undefined;
  }

  /** Whether the load has asked for the signal, or to be told. */
  get hasSignal(): boolean {
    return this.#controller !== undefined || this.#listener !== undefined;
  }

  onAbort(listener: (reason: Error) => void): void {
    this.#listener = listener;
    if (this.#reason !== undefined) listener(this.#reason);
  }

  join(): Promise<Value> {
    this.isPinned = true;
    return this.promise;
  }

  #settle(): void {
    this.forget();
    this.#promise = undefined;
    this.#resolve = undefined;
    this.#reject = undefined;
    this.#listener = undefined;
  }

  abort(reason: Error): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#listener?.(reason);
    this.#controller?.abort(reason);
  }
}
