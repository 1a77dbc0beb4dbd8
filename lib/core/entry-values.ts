import { ByteView } from './byte-view.js';
import type { CacheEntry } from './cache-entry.js';
import type { Codec } from './codec.js';
import { deepFreeze } from './deep-freeze.js';
import { UndecodableValueError } from './errors.js';

/** What callers and peers get of entries: decoded values, which may be shared, and bytes. */
export class EntryValues<Value> {
  readonly #codec: Codec<Value>;
  readonly #shares: boolean;

  /** `shares`: values are decoded once, frozen, and handed to everybody. */
  constructor(codec: Codec<Value>, shares: boolean) {
    this.#codec = codec;
    this.#shares = shares;
  }

  /** Throws an `UndecodableValueError`. */
  valueOf(entry: CacheEntry): Value {
    if (entry.decoded !== undefined) return entry.decoded as Value;
    const value = this.decode(this.viewOf(entry));
    if (this.#shares) entry.decoded = value;
    return value;
  }

  encode(value: Value): ByteView {
    return ByteView.from(this.#codec.encode(value));
  }

  /** Encoded afresh where only the decoded value is kept. */
  viewOf({ view, decoded }: CacheEntry): ByteView {
    return view ?? ByteView.from(this.#codec.encode(decoded as Value));
  }

  /**
   * What `view` decodes to, if its bytes are what that is encoded to: a peer in another language may write the same value
   * otherwise. `undefined` if not, or if it can't be decoded.
   */
  decodeAlike(view: ByteView): Value | undefined {
    try {
      const value = this.decode(view);
      return ByteView.from(this.#codec.encode(value)).equals(view) ? value : undefined;
    } catch {
      return undefined;
    }
  }

  /** A value that is frozen where it is shared. Throws an `UndecodableValueError`. */
  decode(view: ByteView): Value {
    try {
      const value = this.#codec.decode(view);
      return this.#shares ? deepFreeze(value) : value;
    } catch (error) {
      throw new UndecodableValueError(this.#codec.name, { cause: error });
    }
  }
}
