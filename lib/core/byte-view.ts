import { Readable } from 'node:stream';
import { ownString } from './own-string.js';

/**
 * Immutable bytes, held as bytes or as a string: Go's `ByteView`.
 *
 * A view owns its memory: what it was made from may be changed or thrown away afterwards. All lengths and offsets are
 * in bytes of UTF-8, also where a string is held.
 */
export class ByteView {
  /** The empty view. */
  static readonly empty = new ByteView('', 0);

  readonly #held: Buffer | string;

  /** Bytes in the view. */
  readonly length: number;

  private constructor(held: Buffer | string, length: number) {
    this.#held = held;
    this.length = length;
  }

  /**
   * A view of a copy of `content`.
   *
   * Lone surrogates in a string become U+FFFD, as they would on the wire.
   */
  static from(content: Uint8Array | string): ByteView {
    if (typeof content === 'string') {
      const text = content.isWellFormed() ? content : content.toWellFormed();
      return text === '' ? ByteView.empty : new ByteView(ownString(text), Buffer.byteLength(text));
    }
    if (content.length === 0) return ByteView.empty;
    // Not Buffer.from: a small Buffer out of Node's pool would pin the pool's 8 KiB.
    const copy = Buffer.allocUnsafeSlow(content.length);
    copy.set(content);
    return new ByteView(copy, copy.length);
  }

  /**
   * A view of `bytes` themselves. The caller gives them away: it must not change them again, and they should fill their
   * ArrayBuffer, or the rest of it is kept alive with them.
   */
  static adopt(bytes: Uint8Array): ByteView {
    if (bytes.length === 0) return ByteView.empty;
    const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    return new ByteView(buffer, buffer.length);
  }

  /** The byte at `index`, 0 to 255, or `undefined` outside the view. */
  at(index: number): number | undefined {
    if (index < 0 || index >= this.length) return undefined;
    return this.#isAscii(this.#held) ? this.#held.charCodeAt(index) : this.#bytes()[index];
  }

  /** The bytes from `start` up to `end`, as a view on the same memory. Negative offsets count from the end. */
  slice(start = 0, end = this.length): ByteView {
    if (this.#isAscii(this.#held)) {
      const text = this.#held.slice(start, end);
      return text === '' ? ByteView.empty : new ByteView(text, text.length);
    }
    const bytes = this.#bytes().subarray(start, end);
    return bytes.length === 0 ? ByteView.empty : new ByteView(bytes, bytes.length);
  }

  /** Whether `other` has the same bytes. */
  equals(other: ByteView | Uint8Array | string): boolean {
    if (other instanceof ByteView) {
      if (other.length !== this.length) return false;
      const held = other.#held;
      return typeof held === 'string' && typeof this.#held === 'string'
        ? held === this.#held
        : this.#bytes().equals(other.#bytes());
    }
    if (typeof other === 'string') {
      return typeof this.#held === 'string'
        ? this.#held === other.toWellFormed()
        : this.#held.equals(Buffer.from(other));
    }
    return other.length === this.length && this.#bytes().equals(other);
  }

  /** The bytes read as UTF-8. */
  toString(): string {
    return typeof this.#held === 'string' ? this.#held : this.#held.toString('utf8');
  }

  /** A copy that the caller may change. */
  toBuffer(): Buffer {
    const copy = Buffer.allocUnsafeSlow(this.length);
    this.copyTo(copy);
    return copy;
  }

  /**
   * Copies as many bytes as fit into `target`, from `targetStart` on, and returns how many were copied.
   */
  copyTo(target: Uint8Array, targetStart = 0): number {
    const room = Math.max(0, target.length - targetStart);
    const count = Math.min(room, this.length);
    if (count === 0) return 0;
    if (this.#isAscii(this.#held)) {
      return asBuffer(target).write(this.#held.slice(0, count), targetStart, count, 'latin1');
    }
    const bytes = this.#bytes();
    target.set(count === bytes.length ? bytes : bytes.subarray(0, count), targetStart);
    return count;
  }

  /** A stream of the bytes: Go's `Reader`. */
  toStream(): Readable {
    return Readable.from(this.length === 0 ? [] : [this.toBuffer()], { objectMode: false });
  }

  /**
   * What the view holds, without a copy, for those who only read: encoders and sockets. Changing the bytes would change
   * the cache.
   *
   * @internal
   */
  get held(): Buffer | string {
    return this.#held;
  }

  #bytes(): Buffer {
    return typeof this.#held === 'string' ? Buffer.from(this.#held, 'utf8') : this.#held;
  }

  /** A string of as many characters as bytes is ASCII, so that characters and bytes have the same offsets. */
  #isAscii(held: Buffer | string): held is string {
    return typeof held === 'string' && held.length === this.length;
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
