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

/** Somebody who is told how a flight has ended by a call, within its end, and not by a promise. */
export interface FlightGuest<Value> {
  landed(value: Value): void;
  crashed(error: unknown): void;
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
    const running = this.#flights.get(key);
    if (running === undefined && signal?.aborted) return Promise.reject(signal.reason as Error);
    const flight = running ?? this.#prepare(key);
    const outcome = signal === undefined ? flight.join() : this.#joinUntil(flight, signal);
    if (running === undefined) flight.start(begin);
    return outcome;
  }

  /**
   * As `fly`, for a `guest`, who may be told before this returns. The function returned has him leave, as the abort of a
   * signal does; nothing happens if he has been told.
   */
  board(key: string, begin: (flight: OpenFlight<Value>) => void, guest: FlightGuest<Value>): () => void {
    const running = this.#flights.get(key);
    const flight = running ?? this.#prepare(key);
    flight.board(guest);
    if (running === undefined) flight.start(begin);
    return () => {
      if (flight.unboard(guest)) this.#left(flight);
    };
  }

  #prepare(key: string): SharedFlight<Value> {
    const flight = new SharedFlight(this.#flights, key);
    this.#flights.set(key, flight);
    return flight;
  }

  /** Somebody who could leave has left. */
  #left(flight: SharedFlight<Value>): void {
    // A load that has never looked at its signal can't be stopped: it stays, for whoever comes next.
    if (--flight.waiting > 0 || flight.isPinned || !flight.hasSignal) return;
    flight.forget();
    flight.abort(this.#abandoned());
  }

  #joinUntil(flight: SharedFlight<Value>, signal: AbortSignal): Promise<Value> {
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    flight.waiting++;
    return new Promise<Value>((resolve, reject) => {
      const leave = (): void => {
        reject(signal.reason as Error);
        this.#left(flight);
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
  /** Callers with a signal, and guests, that still wait. */
  waiting = 0;
  /** Whether a caller without a signal waits: the flight is never abandoned then. */
  isPinned = false;
  readonly #table: TransientMap<SharedFlight<Value>>;
  readonly #key: string;
  // Until it is settled: a flight may be kept longer, by what V8's maps leave behind, and must not keep the value with it.
  #guests: FlightGuest<Value>[] | undefined;
  /** Made for the first who waits by it. */
  #promise: Promise<Value> | undefined;
  #resolve: ((value: Value) => void) | undefined;
  #reject: ((error: Error) => void) | undefined;
  #controller: AbortController | undefined;
  #listener: ((reason: Error) => void) | undefined;
  #reason: Error | undefined;

  constructor(table: TransientMap<SharedFlight<Value>>, key: string) {
    this.#table = table;
    this.#key = key;
  }

  /** Of a flight that is not settled. */
  get promise(): Promise<Value> {
    this.#promise ??= new Promise<Value>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    return this.#promise;
  }

  start(begin: (flight: OpenFlight<Value>) => void): void {
    try {
      begin(this);
    } catch (error) {
      this.reject(error);
    }
  }

  resolve(value: Value): void {
    const resolve = this.#resolve;
    const guests = this.#settle();
    resolve?.(value);
    if (guests !== undefined) for (const guest of guests) guest.landed(value);
  }

  reject(error: unknown): void {
    const reject = this.#reject;
    const guests = this.#settle();
    reject?.(error as Error);
    if (guests !== undefined) for (const guest of guests) guest.crashed(error);
  }

  board(guest: FlightGuest<Value>): void {
    this.waiting++;
    if (this.#guests === undefined) this.#guests = [guest];
    else this.#guests.push(guest);
  }

  /** False if `guest` does not wait any more. */
  unboard(guest: FlightGuest<Value>): boolean {
    const index = this.#guests?.indexOf(guest) ?? -1;
    if (index < 0) return false;
    this.#guests!.splice(index, 1);
    return true;
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

  /** Who is to be told. */
  #settle(): FlightGuest<Value>[] | undefined {
    const guests = this.#guests;
    this.forget();
    this.#guests = undefined;
    this.#promise = undefined;
    this.#resolve = undefined;
    this.#reject = undefined;
    this.#listener = undefined;
    return guests;
  }

  abort(reason: Error): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#listener?.(reason);
    this.#controller?.abort(reason);
  }
}
