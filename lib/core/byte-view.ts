import { isAscii } from 'node:buffer';
import { Readable } from 'node:stream';
import { ownString } from './own-string.js';

/** What bytes that are held in a Buffer cost beside them: the Buffer and its store. A string has no such thing. */
export const BUFFER_OVERHEAD_BYTES = 140;

/** Bytes up to so many are held as characters: see decision 0009. */
const COMPACT_BYTES = 4 * 1024;

/** Up to so many bytes a loop is faster than a call of Node's. */
const LOOP_BYTES = 256;

/**
 * Immutable bytes, held as bytes or as a string: Go's `ByteView`.
 *
 * A view owns its memory: what it was made from may be changed or thrown away afterwards. All lengths and offsets are
 * in bytes of UTF-8, also where a string is held.
 */
export class ByteView {
  /** The empty view. */
  static readonly empty = new ByteView('', 0, false);

  readonly #held: Buffer | string;
  /**
   * Bytes in the view; negative where the string that is held has a character (0 to 255) for each byte, and is not their
   * text. One number for both saves every view 8 bytes.
   */
  readonly #size: number;

  private constructor(held: Buffer | string, length: number, isBinary: boolean) {
    this.#held = held;
    this.#size = isBinary ? -length : length;
  }

  /** Bytes in the view. */
  get length(): number {
    return Math.abs(this.#size);
  }

  /**
   * A view of a copy of `content`.
   *
   * Lone surrogates in a string become U+FFFD, as they would on the wire.
   */
  static from(content: Uint8Array | string): ByteView {
    if (typeof content !== 'string') return ByteView.copyOf(asBuffer(content), 0, content.length);
    const text = content.isWellFormed() ? content : content.toWellFormed();
    return text === '' ? ByteView.empty : new ByteView(ownString(text), Buffer.byteLength(text), false);
  }

  /** A view of a copy of the bytes of `buffer` from `start` up to `end`, which must be within it. */
  static copyOf(buffer: Buffer, start: number, end: number): ByteView {
    const length = end - start;
    if (length === 0) return ByteView.empty;
    const areAscii = isAsciiRange(buffer, start, end);
    // A Buffer of its own costs a small value more memory, and more time to make, than its bytes do.
    if (areAscii || length <= COMPACT_BYTES) {
      return new ByteView(buffer.toString('latin1', start, end), length, !areAscii);
    }
    // Not Buffer.from: a Buffer out of Node's pool would pin the pool.
    const copy = Buffer.allocUnsafeSlow(length);
    buffer.copy(copy, 0, start, end);
    return new ByteView(copy, length, false);
  }

  /**
   * A view of `bytes` themselves. The caller gives them away: it must not change them again, and they should fill their
   * ArrayBuffer, or the rest of it is kept alive with them.
   */
  static adopt(bytes: Uint8Array): ByteView {
    if (bytes.length === 0) return ByteView.empty;
    const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    return new ByteView(buffer, buffer.length, false);
  }

  /** The byte at `index`, 0 to 255, or `undefined` outside the view. */
  at(index: number): number | undefined {
    if (index < 0 || index >= this.length) return undefined;
    return ByteView.#charPerByteOf(this)?.charCodeAt(index) ?? ByteView.#bytesOf(this)[index];
  }

  /** The bytes from `start` up to `end`, as a view on the same memory. Negative offsets count from the end. */
  slice(start = 0, end = this.length): ByteView {
    const characters = ByteView.#charPerByteOf(this);
    if (characters !== undefined) {
      const text = characters.slice(start, end);
      return text === '' ? ByteView.empty : new ByteView(text, text.length, this.#size < 0);
    }
    const bytes = ByteView.#bytesOf(this).subarray(start, end);
    return bytes.length === 0 ? ByteView.empty : new ByteView(bytes, bytes.length, false);
  }

  /** Whether `other` has the same bytes. */
  equals(other: ByteView | Uint8Array | string): boolean {
    if (other instanceof ByteView) {
      if (other.length !== this.length) return false;
      const areAlike = typeof this.#held === 'string' && typeof other.#held === 'string' && this.#size === other.#size;
      return areAlike ? this.#held === other.#held : ByteView.#bytesOf(this).equals(ByteView.#bytesOf(other));
    }
    if (typeof other === 'string') {
      return this.isText ? this.#held === other.toWellFormed() : ByteView.#bytesOf(this).equals(Buffer.from(other));
    }
    return other.length === this.length && ByteView.#bytesOf(this).equals(other);
  }

  /** The bytes read as UTF-8. */
  toString(): string {
    return typeof this.#held === 'string' && this.#size >= 0 ? this.#held : ByteView.#bytesOf(this).toString('utf8');
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
    const characters = ByteView.#charPerByteOf(this);
    if (characters !== undefined) return asBuffer(target).write(characters, targetStart, count, 'latin1');
    const bytes = ByteView.#bytesOf(this);
    target.set(count === bytes.length ? bytes : bytes.subarray(0, count), targetStart);
    return count;
  }

  /** A stream of the bytes: Go's `Reader`. */
  toStream(): Readable {
    return Readable.from(this.length === 0 ? [] : [this.toBuffer()], { objectMode: false });
  }

  /** Whether a text is held, and not bytes: `toString` then costs nothing. */
  get isText(): boolean {
    return typeof this.#held === 'string' && this.#size >= 0;
  }

  /**
   * Bytes of memory that the content takes beyond `length`.
   *
   * @internal
   */
  get overheadBytes(): number {
    if (typeof this.#held !== 'string') return BUFFER_OVERHEAD_BYTES;
    // V8 has two bytes a character where one is not Latin-1.
    return this.#held.length === this.length ? 0 : Math.max(0, 2 * this.#held.length - this.length);
  }

  /** The same bytes, held so that `slice` copies nothing: characters of a text that is not ASCII have no fixed place. */
  toSliceable(): ByteView {
    return typeof this.#held !== 'string' || this.#held.length === this.length
      ? this
      : ByteView.adopt(ByteView.#bytesOf(this));
  }

  // Static, since a private method would cost each view 8 bytes.
  static #bytesOf(view: ByteView): Buffer {
    const held = view.#held;
    return typeof held === 'string' ? Buffer.from(held, view.#size < 0 ? 'latin1' : 'utf8') : held;
  }

  /** The characters of a binary string, and of a text of as many characters as bytes: all of them are ASCII. */
  static #charPerByteOf(view: ByteView): string | undefined {
    const held = view.#held;
    return typeof held === 'string' && held.length === view.length ? held : undefined;
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

function isAsciiRange(buffer: Buffer, start: number, end: number): boolean {
  if (end - start > LOOP_BYTES) return isAscii(buffer.subarray(start, end));
  let bits = 0;
  for (let index = start; index < end; index++) bits |= buffer[index]!;
  return bits < 0x80;
}
