import type { ByteView } from './byte-view.js';

/**
 * Turns values into bytes and back; in the place of Go's Sinks.
 *
 * All peers of a cluster must use the same codec for a group. `decode(encode(value))` must equal `value`, or `encode`
 * must throw an `UnencodableValueError`: the process that loads a value hands out what came back from its own codec, as
 * its peers do.
 */
export interface Codec<Value> {
  /** For error messages: `json`, `text`. */
  readonly name: string;

  /** Bytes, or a string that stands for its UTF-8. The result is copied if it is bytes. */
  encode(value: Value): Uint8Array | string;

  /** A value of the caller's own. May throw anything; the caller sees it as an `UndecodableValueError`. */
  decode(view: ByteView): Value;

  /**
   * Whether decoded values may be kept, deeply frozen, and shared by all callers (see `share`). Default false: they are
   * decoded afresh for every caller. Only plain data can be frozen: a Date, a Map or a Buffer can't.
   */
  readonly freezable?: boolean;

  /**
   * Bytes of heap that a kept decoded value takes per byte encoded; counted into the group's `cacheBytes`. Default 0.
   */
  readonly decodedFactor?: number;
}
