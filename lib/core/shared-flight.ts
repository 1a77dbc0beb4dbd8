import type { TransientMap } from './transient-map.js';

/**
 * A running load, as the function that performs it sees it.
 */
export interface Flight {
  /** Aborted when nobody waits any more or when the flight is cancelled; its reason is a `GroupcacheError`. */
  readonly signal: AbortSignal;
  /** Whether `signal` is aborted, without making one. */
  readonly isAborted: boolean;
  /** Whether what it comes to is old before it is there: `SingleFlight.supersede` has been called meanwhile. */
  readonly isSuperseded: boolean;
  /** Calls `listener` when `signal` aborts, without making one. As good as a look at it. One listener a flight. */
  onAbort(listener: (reason: Error) => void): void;
  /** Aborts `signal`. Does not settle the flight: `load` does. */
  abort(reason: Error): void;
}

/** A flight as whoever performs it sees it, if he settles it himself: once, by `resolve` or `reject`. */
export interface OpenFlight<Value> extends Flight {
  /**
   * The load has to wait before it can begin: what is removed meanwhile does not concern it. `listener` as for `onAbort`,
   * until `resume`.
   */
  hold(listener: (reason: Error) => void): void;
  /** A load that was held begins. */
  resume(): void;
  /** What it comes to is old: to be called before `resolve`. See `SingleFlight.doubtAll`. */
  disown(): void;
  resolve(value: Value): void;
  reject(error: unknown): void;
}

/** Somebody who is told how a flight has ended by a call, within its end, and not by a promise. */
export interface FlightGuest<Value> {
  landed(value: Value): void;
  crashed(error: unknown): void;
}

/** One load, and who waits for it. Made by `SingleFlight`, which keeps it in a table while others can join it. */
export class SharedFlight<Value> implements OpenFlight<Value> {
  /** Callers with a signal, and guests, that still wait. */
  waiting = 0;
  /** Whether a caller without a signal waits: the flight is never abandoned then. */
  isPinned = false;
  isSuperseded = false;
  isDoubted = false;
  hasBegun = false;
  /** Called once the load has ended, where it has left the table before. */
  onSettled: (() => void) | undefined;
  readonly #table: TransientMap<SharedFlight<Value>>;
  // Until it is settled: a flight may be kept longer, by what V8's maps leave behind, and must not keep the value with it.
  #guests: FlightGuest<Value>[] | undefined;
  /** Made for the first who waits by it. */
  #promise: Promise<Value> | undefined;
  #resolve: ((value: Value) => void) | undefined;
  #reject: ((error: Error) => void) | undefined;
  #controller: AbortController | undefined;
  #listener: ((reason: Error) => void) | undefined;
  #reason: Error | undefined;

  #delayed: ((flight: OpenFlight<Value>) => void) | undefined;

  constructor(
    table: TransientMap<SharedFlight<Value>>,
    readonly key: string,
  ) {
    this.#table = table;
  }

  /** Of a flight that is not settled. */
  get promise(): Promise<Value> {
    this.#promise ??= new Promise<Value>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    return this.#promise;
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

  disown(): void {
    this.isSuperseded = true;
  }

  begin(load: (flight: OpenFlight<Value>) => void): void {
    this.hasBegun = true;
    try {
      load(this);
    } catch (error) {
      this.reject(error);
    }
  }

  /** As `begin`, once `beginDelayed` is called. */
  delay(load: (flight: OpenFlight<Value>) => void): void {
    this.#delayed = load;
  }

  beginDelayed(): void {
    const load = this.#delayed;
    this.#delayed = undefined;
    if (load !== undefined) this.begin(load);
  }

  /** Later callers do not join this flight. Returns whether they would have. */
  forget(): boolean {
    if (this.#table.get(this.key) !== this) return false;
    this.#table.delete(this.key);
    return true;
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

  hold(listener: (reason: Error) => void): void {
    this.hasBegun = false;
    this.onAbort(listener);
  }

  resume(): void {
    this.hasBegun = true;
    this.#listener = undefined;
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
    const { onSettled } = this;
    this.onSettled = undefined;
    onSettled?.();
    return guests;
  }

  abort(reason: Error): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#listener?.(reason);
    this.#controller?.abort(reason);
  }
}
