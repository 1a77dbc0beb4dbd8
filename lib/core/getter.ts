/** What a getter is told beside its key. */
export interface LoadContext {
  /** The group's name. */
  readonly group: string;

  /**
   * Aborts when nobody waits for the value any more or when the group's `loadTimeout` is over. Hand it on to whatever
   * takes one.
   */
  readonly signal: AbortSignal;

  /** Ends the load with "there is no such thing": `get` resolves to `undefined`. The same as returning `undefined`. */
  notFound(): never;
}

/**
 * Loads the value of a key from wherever it comes from: Go's `Getter`.
 *
 * Run at most once at a time per key in the whole cluster, in the process that owns the key, outside any caller's async
 * context. `undefined` means "not found" and is not cached; `null` is a value. What it throws reaches the callers. One that
 * returns no promise is done at once: others who ask within the same tick share its run only if its value is kept.
 */
export type Getter<Value> = (key: string, context: LoadContext) => Value | undefined | Promise<Value | undefined>;
