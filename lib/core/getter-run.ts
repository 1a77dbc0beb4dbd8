import type { Deadline, DeadlineQueue } from './deadline-queue.js';
import { GroupcacheError, LoadTimeoutError } from './errors.js';
import type { Getter, LoadContext } from './getter.js';
import type { LoadSlots, QueuedLoad } from './load-slots.js';
import type { Flight, OpenFlight } from './shared-flight.js';

export interface GetterRunOptions<Value> {
  readonly group: string;
  readonly getter: Getter<Value>;
  readonly timeoutMs: number;
  /** In which runs wait for `timeoutMs`. */
  readonly deadlines: DeadlineQueue;
  /** How many run at a time. */
  readonly slots: LoadSlots;
  /** The position of the log of invalidations. */
  readonly position: () => number;
}

/** Told once: the value (`undefined` for "not found"), or why there is none. */
export interface GetterOutcome<Value> {
  /** `position` is that of when the getter was called. */
  loaded(value: Value | undefined, position: number): void;
  failed(error: unknown): void;
}

/**
 * One run of a getter, to its end or its deadline, which counts from when it is asked for. What a getter does after its
 * deadline, or after `flight` has aborted, is lost.
 */
export class GetterRun<Value> implements Deadline, QueuedLoad {
  dueMs = 0;
  isPending = false;
  readonly #options: GetterRunOptions<Value>;
  readonly #flight: OpenFlight<unknown>;
  /** While it waits for a slot. */
  #queuedKey: string | undefined;
  #position = 0;
  /** Until it has been told: the queue of deadlines may keep the run longer, and must not keep the value with it. */
  #outcome: GetterOutcome<Value> | undefined;

  constructor(options: GetterRunOptions<Value>, flight: OpenFlight<unknown>, outcome: GetterOutcome<Value>) {
    this.#options = options;
    this.#flight = flight;
    this.#outcome = outcome;
  }

  /**
   * Calls the getter, once: now, or when there is a slot. It is never called if nobody waits any more by then, or it is too
   * late.
   */
  start(key: string): void {
    const { deadlines, slots } = this.#options;
    deadlines.add(this);
    if (slots.take()) return this.#call(key);
    this.#queuedKey = key;
    slots.queue(this);
    this.#flight.hold((reason) => this.#end()?.failed(reason));
  }

  begin(): void {
    const key = this.#queuedKey!;
    this.#queuedKey = undefined;
    this.#flight.resume();
    this.#call(key);
  }

  #call(key: string): void {
    this.#position = this.#options.position();
    try {
      const value = this.#options.getter(key, new FlightContext(this.#options.group, this.#flight));
      if (isThenable(value)) value.then(this.#loaded, this.#failed);
      else this.#loaded(value);
    } catch (error) {
      this.#failed(error);
    }
  }

  onDue(): void {
    const error = new LoadTimeoutError(this.#options.group, this.#options.timeoutMs);
    this.#flight.abort(error);
    this.#end()?.failed(error);
  }

  readonly #loaded = (value: Value | undefined): void => {
    const outcome = this.#end();
    if (this.#flight.isAborted) outcome?.failed(this.#flight.signal.reason);
    else outcome?.loaded(value, this.#position);
  };

  readonly #failed = (error: unknown): void => {
    const outcome = this.#end();
    if (this.#flight.isAborted) outcome?.failed(this.#flight.signal.reason);
    else if (error === notFound) outcome?.loaded(undefined, this.#position);
    else outcome?.failed(error);
  };

  /** Whom to tell; nobody if it has ended before. */
  #end(): GetterOutcome<Value> | undefined {
    const outcome = this.#outcome;
    if (outcome === undefined) return undefined;
    const { deadlines, slots } = this.#options;
    this.#outcome = undefined;
    deadlines.callOff(this);
    if (this.#queuedKey === undefined) slots.release();
    else slots.leave(this);
    return outcome;
  }
}

/** What `context.notFound()` throws. Never reaches a caller. */
const notFound = Object.freeze(
  new (class NotFound extends GroupcacheError {
    readonly code = 'GROUPCACHE_NOT_FOUND';
  })('There is no value for this key (thrown by context.notFound(), to be let through to the group)'),
);

class FlightContext implements LoadContext {
  readonly #flight: Flight;

  constructor(
    readonly group: string,
    flight: Flight,
  ) {
    this.#flight = flight;
  }

  get signal(): AbortSignal {
    return this.#flight.signal;
  }

  notFound(): never {
    throw notFound;
  }
}

function isThenable<Value>(value: Value | PromiseLike<Value>): value is PromiseLike<Value> {
  return typeof (value as PromiseLike<Value> | undefined)?.then === 'function';
}
