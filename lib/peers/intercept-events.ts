import type { EventEmitter } from 'node:events';

/** Sees an event before its listeners; `true` keeps it from them. */
export type Interceptor = (event: string | symbol, args: readonly unknown[]) => boolean;

const INTERCEPTION = Symbol('nestjs-groupcache:interception');

/**
 * Has `intercept` see every event of `emitter` before its listeners do, whenever these were added; the returned function
 * undoes that.
 *
 * Interceptors are asked in the order in which they were added, until one takes the event. They may be undone in any order:
 * all share one `emit`, and the emitter has its own again once the last is undone.
 */
export function interceptEvents(emitter: EventEmitter, intercept: Interceptor): () => void {
  const { emit } = emitter as { readonly emit: Partial<InterceptingEmit> };
  const interception = emit[INTERCEPTION] ?? new Interception(emitter);
  interception.interceptors.add(intercept);
  return () => {
    interception.interceptors.delete(intercept);
    interception.endIfUnused();
  };
}

type Emit = (this: EventEmitter, event: string | symbol, ...args: unknown[]) => boolean;
type InterceptingEmit = Emit & { [INTERCEPTION]: Interception };

/** An `emit` put in the place of an emitter's own. */
class Interception {
  readonly interceptors = new Set<Interceptor>();
  readonly #emitter: EventEmitter;
  readonly #replaced: PropertyDescriptor | undefined;
  readonly #emit: InterceptingEmit;

  constructor(emitter: EventEmitter) {
    const { interceptors } = this;
    const emitOwn = emitter.emit as Emit;
    const emit: Emit = function (event, ...args) {
      for (const intercept of interceptors) if (intercept(event, args)) return true;
      return Reflect.apply(emitOwn, this, [event, ...args]);
    };
    this.#emitter = emitter;
    this.#replaced = Object.getOwnPropertyDescriptor(emitter, 'emit');
    this.#emit = Object.assign(emit, { [INTERCEPTION]: this });
    emitter.emit = this.#emit;
  }

  /** Where somebody else has put an `emit` over this one, it stays below, and lets everything through. */
  endIfUnused(): void {
    if (this.interceptors.size > 0 || this.#emitter.emit !== this.#emit) return;
    if (this.#replaced === undefined) delete (this.#emitter as Partial<EventEmitter>).emit;
    else Object.defineProperty(this.#emitter, 'emit', this.#replaced);
  }
}
