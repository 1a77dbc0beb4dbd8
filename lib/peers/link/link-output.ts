import type { WebSocket } from 'ws';
import type { ByteView } from '../../core/byte-view.js';
import { FrameWriter } from './frames.js';

/** A value of more goes in parts of so many bytes, between which others' frames pass. */
export const PART_BYTES = 64 * 1024;
/** A message of so many bytes goes out before its tick is over: the other side can work on it meanwhile. */
const MESSAGE_BYTES = 4 * 1024;
/** No message is larger: one that was nearly full, and the largest frame. */
export const MAX_MESSAGE_BYTES = 512 * 1024;
/** Values wait for a reader who is behind by so many bytes. */
export const HIGH_WATER_BYTES = 1024 * 1024;
/** A reader who is behind by so many bytes, of frames that can't wait, does not read at all. */
const MAX_BEHIND_BYTES = 16 * HIGH_WATER_BYTES;
/** Large values that are under way at a time; others wait, and are not copied meanwhile. */
const MAX_ACTIVE_VALUES = 8;
/** Bytes of large values in one tick. */
const TICK_PART_BYTES = 4 * PART_BYTES;

const BINARY = { binary: true, compress: false } as const;

/** A value that waits for its turn, as the cache holds it: no copy is made before there is room. */
interface WaitingValue {
  readonly id: number;
  view: ByteView;
  readonly minuteQps: number;
  readonly ttlMs: number | undefined;
  offset: number;
}

/**
 * What goes out over a link: what one tick has produced, in messages of about 4 KiB.
 *
 * Bounded: values wait, uncopied, while the reader is behind by `HIGH_WATER_BYTES`. The link goes on reading meanwhile: were
 * both ends to stop reading until the other one has read, neither would.
 */
export class LinkOutput {
  /** Write frames other than values here, then call `written`. */
  readonly frames = new FrameWriter();
  readonly #socket: WebSocket;
  readonly #onSent: (id: number) => void;
  /** Values of one frame that wait for room. */
  readonly #small: WaitingValue[] = [];
  /** Values of several frames; the first ones take turns. */
  readonly #large: WaitingValue[] = [];
  #isScheduled = false;

  /** `onSent` is told of each value once it has been handed to the socket. */
  constructor(socket: WebSocket, onSent: (id: number) => void) {
    this.#socket = socket;
    this.#onSent = onSent;
  }

  /** Bytes that have been handed over and not been read, those of the running tick included. */
  get behindBytes(): number {
    return this.#socket.bufferedAmount + this.frames.length;
  }

  /** Values that wait for room. */
  get waiting(): number {
    return this.#small.length + this.#large.length;
  }

  /** Sends what has been written at the end of the tick, or at once when it is enough for a message. */
  written(): void {
    if (this.frames.length >= MESSAGE_BYTES) this.#send();
    else this.#schedule();
    if (this.behindBytes > MAX_BEHIND_BYTES) this.#socket.terminate();
  }

  value(id: number, view: ByteView, minuteQps: number, ttlMs: number | undefined): void {
    if (view.length > PART_BYTES) {
      this.#large.push({ id, view, minuteQps, ttlMs, offset: 0 });
      this.#schedule();
    } else if (this.#small.length > 0 || !this.#hasRoom) {
      this.#small.push({ id, view, minuteQps, ttlMs, offset: 0 });
    } else {
      this.frames.value(id, view, minuteQps, ttlMs);
      this.written();
      this.#onSent(id);
    }
  }

  /** Forgets the value of question `id`, or the rest of it; false if none waits. */
  drop(id: number): boolean {
    for (const queue of [this.#small, this.#large]) {
      const index = queue.findIndex((value) => value.id === id);
      if (index >= 0) {
        queue.splice(index, 1);
        return true;
      }
    }
    return false;
  }

  /** Sends what has been written now: nothing else is to come. */
  finish(): void {
    if (this.frames.length > 0) this.#send();
  }

  get #hasRoom(): boolean {
    return this.behindBytes < HIGH_WATER_BYTES;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#flush);
  }

  readonly #flush = (): void => {
    this.#isScheduled = false;
    if (this.#socket.readyState !== 1) return;
    while (this.#small.length > 0 && this.#hasRoom) this.#sendSmall(this.#small.shift()!);
    if (this.#large.length > 0) this.#sendParts();
    if (this.frames.length > 0) this.#send();
    // Without room, `#taken` goes on.
    if (this.waiting > 0 && this.#hasRoom) this.#schedule();
  };

  #sendSmall({ id, view, minuteQps, ttlMs }: WaitingValue): void {
    this.frames.value(id, view, minuteQps, ttlMs);
    if (this.frames.length >= MESSAGE_BYTES) this.#send();
    this.#onSent(id);
  }

  /** One part of each of the first large values in turn. */
  #sendParts(): void {
    for (let sent = 0; sent < TICK_PART_BYTES && this.#large.length > 0 && this.#hasRoom; sent += PART_BYTES) {
      const value = this.#large.shift()!;
      if (value.offset === 0) value.view = value.view.toSliceable();
      const { id, view, offset, minuteQps, ttlMs } = value;
      const part = view.slice(offset, offset + PART_BYTES);
      value.offset += part.length;
      if (value.offset === view.length) {
        this.frames.value(id, part, 0, undefined);
        this.#onSent(id);
      } else {
        if (offset === 0) this.frames.firstOfValue(id, part, minuteQps, ttlMs, view.length);
        else this.frames.more(id, part);
        this.#large.splice(Math.min(MAX_ACTIVE_VALUES - 1, this.#large.length), 0, value);
      }
      if (this.frames.length >= MESSAGE_BYTES) this.#send();
    }
  }

  #send(): void {
    this.#socket.send(this.frames.take(), BINARY, this.#taken);
  }

  /** The socket has taken a message. */
  readonly #taken = (): void => {
    if (this.waiting > 0) this.#schedule();
  };
}
