import { setMaxListeners } from 'node:events';
import { SharedFlight, type Flight, type FlightGuest, type OpenFlight } from './shared-flight.js';
import { TransientMap } from './transient-map.js';

/** With a load that is under way, two. */
const MAX_RUNAWAYS = 2;

/**
 * Runs at most one `load` per key; callers that arrive meanwhile share its outcome.
 *
 * The load belongs to nobody: a caller whose signal aborts stops waiting, alone. When the last one has gone, a load that has
 * looked at its signal is aborted and forgotten; one that has not could not be stopped, and is there for the next caller.
 * A caller without a signal stays to the end. Nothing is remembered after a flight
 * settles: `load` stores its result before it resolves, or a caller can fall between the two.
 *
 * Of one key two loads run at a time at most, those counted that have been superseded or abandoned: a further one begins
 * when one of them has ended.
 */
export class SingleFlight<Value> {
  readonly #flights = new TransientMap<SharedFlight<Value>>();
  /** Loads that still run and that nobody joins any more, by key. */
  readonly #runaways = new Map<string, number>();
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

  /** Resolves once all loads that are under way now have ended. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#flights.values()].map((flight) => flight.promise));
  }

  /**
   * Whoever asks for `key` from now on does not join the load that is under way, if one is, but shares a later one. Those
   * who have asked before get what it comes to.
   */
  supersede(key: string): void {
    const flight = this.#flights.get(key);
    if (flight?.hasBegun) this.#supersede(flight);
  }

  /** As `supersede`, for all keys. */
  supersedeAll(): void {
    for (const flight of this.#flights.values()) {
      if (flight.hasBegun) this.#supersede(flight);
    }
  }

  /**
   * What the loads under way come to may be old, which will be known when they end: who joins one from now on gets what it
   * comes to unless it has been disowned, and shares a later one otherwise.
   */
  doubtAll(): void {
    for (const flight of this.#flights.values()) {
      if (flight.hasBegun) flight.isDoubted = true;
    }
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
    if (running === undefined) this.#begin(flight, begin);
    else if (running.isDoubted) return this.#unlessDisowned(running, outcome, () => this.fly(key, begin, signal));
    return outcome;
  }

  /**
   * As `fly`, for a `guest`, who may be told before this returns. The function returned has him leave, as the abort of a
   * signal does; nothing happens if he has been told.
   */
  board(key: string, begin: (flight: OpenFlight<Value>) => void, guest: FlightGuest<Value>): () => void {
    const running = this.#flights.get(key);
    if (running?.isDoubted === true) return this.#boardDoubted(running, begin, guest);
    const flight = running ?? this.#prepare(key);
    flight.board(guest);
    if (running === undefined) this.#begin(flight, begin);
    return () => this.#unboard(flight, guest);
  }

  #boardDoubted(
    flight: SharedFlight<Value>,
    begin: (flight: OpenFlight<Value>) => void,
    guest: FlightGuest<Value>,
  ): () => void {
    const doubtful: FlightGuest<Value> = {
      landed: (value) => {
        if (flight.isSuperseded) leave = this.board(flight.key, begin, guest);
        else guest.landed(value);
      },
      crashed: (error) => guest.crashed(error),
    };
    let leave = (): void => this.#unboard(flight, doubtful);
    flight.board(doubtful);
    return () => leave();
  }

  #unboard(flight: SharedFlight<Value>, guest: FlightGuest<Value>): void {
    if (flight.unboard(guest)) this.#left(flight);
  }

  #prepare(key: string): SharedFlight<Value> {
    const flight = new SharedFlight(this.#flights, key);
    this.#flights.set(key, flight);
    return flight;
  }

  #begin(flight: SharedFlight<Value>, begin: (flight: OpenFlight<Value>) => void): void {
    if (this.#runaways.size > 0 && this.#runaways.get(flight.key) === MAX_RUNAWAYS) flight.delay(begin);
    else flight.begin(begin);
  }

  async #unlessDisowned(
    flight: SharedFlight<Value>,
    outcome: Promise<Value>,
    again: () => Promise<Value>,
  ): Promise<Value> {
    const value = await outcome;
    return flight.isSuperseded ? again() : value;
  }

  #supersede(flight: SharedFlight<Value>): void {
    flight.isSuperseded = true;
    flight.forget();
    this.#letRun(flight);
  }

  /** `flight` is out of the table, and counts for its key until it has ended. */
  #letRun(flight: SharedFlight<Value>): void {
    const { key } = flight;
    this.#runaways.set(key, (this.#runaways.get(key) ?? 0) + 1);
    flight.onSettled = () => {
      const running = this.#runaways.get(key)! - 1;
      if (running === 0) this.#runaways.delete(key);
      else this.#runaways.set(key, running);
      this.#flights.get(key)?.beginDelayed();
    };
  }

  /** Somebody who could leave has left. */
  #left(flight: SharedFlight<Value>): void {
    // A load that has never looked at its signal can't be stopped: it stays, for whoever comes next.
    if (--flight.waiting > 0 || flight.isPinned || !flight.hasSignal) return;
    if (flight.forget() && flight.hasBegun) this.#letRun(flight);
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
