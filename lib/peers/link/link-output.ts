import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { ByteView } from '../../core/byte-view.js';
import { FrameWriter } from './frame-writer.js';
import type { ValueNotes } from './frames.js';
import type { TurnEnd } from './turn-end.js';

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

/** A value that waits for its turn, as the cache holds it: no copy is made before there is room. */
interface WaitingValue {
  readonly id: number;
  readonly notes: ValueNotes;
  view: ByteView;
  offset: number;
}

export interface LinkOutputOptions {
  readonly socket: WebSocket;
  /** The socket's connection. */
  readonly raw: Duplex;
  /** Whether messages are masked: those of the side that has dialed. */
  readonly isMasked: boolean;
  readonly turnEnd: TurnEnd;
  /** Told of each value once it has been handed to the connection. */
  readonly onSent: (id: number) => void;
}

/**
 * What goes out over a link: what one tick has produced, in messages of about 4 KiB.
 *
 * Messages are made here, in the buffer that their frames were written to, and go to the connection itself: `ws` would write
 * the head of each as a buffer of its own, and copy what it masks. What `ws` writes itself, pings and the like, is whole
 * messages too, written at once, so that neither gets into the other's.
 *
 * Bounded: values wait, uncopied, while the reader is behind by `HIGH_WATER_BYTES`. The link goes on reading meanwhile: were
 * both ends to stop reading until the other one has read, neither would.
 */
export class LinkOutput {
  /** Write frames other than values here, then call `written`. */
  readonly frames = new FrameWriter();
  readonly #options: LinkOutputOptions;
  /** Values of one frame that wait for room. */
  readonly #small: WaitingValue[] = [];
  /** Values of several frames; the first ones take turns. */
  readonly #large: WaitingValue[] = [];
  #isScheduled = false;

  constructor(options: LinkOutputOptions) {
    this.#options = options;
  }

  /** Bytes that have been handed over and not been read, those of the running tick included. */
  get behindBytes(): number {
    return this.#options.raw.writableLength + this.frames.length;
  }

  /** Values that wait for room. */
  get waiting(): number {
    return this.#small.length + this.#large.length;
  }

  /** Sends what has been written at the end of the tick, or at once when it is enough for a message. */
  written(): void {
    if (this.frames.length >= MESSAGE_BYTES) this.#send();
    else this.#schedule();
    if (this.behindBytes > MAX_BEHIND_BYTES) this.#options.socket.terminate();
  }

  value(id: number, view: ByteView, notes: ValueNotes): void {
    if (view.length > PART_BYTES) {
      this.#large.push({ id, view, notes, offset: 0 });
      this.#schedule();
    } else if (this.#small.length > 0 || !this.#hasRoom) {
      this.#small.push({ id, view, notes, offset: 0 });
    } else {
      this.frames.value(id, view, notes);
      this.written();
      this.#options.onSent(id);
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

  /**
   * Sends what has been written now. Answers that are ready when a message has been read don't wait for the end of the tick,
   * since that message may have answers too, and whoever waited for those runs before: each of two peers that ask one another
   * would wait while the other one works.
   */
  sendNow(): void {
    if (this.frames.length > 0) this.#send();
  }

  get #hasRoom(): boolean {
    return this.behindBytes < HIGH_WATER_BYTES;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#options.turnEnd.schedule(this.#flush);
  }

  readonly #flush = (): void => {
    this.#isScheduled = false;
    if (this.#options.socket.readyState !== 1) return;
    while (this.#small.length > 0 && this.#hasRoom) this.#sendSmall(this.#small.shift()!);
    if (this.#large.length > 0) this.#sendParts();
    if (this.frames.length > 0) this.#send();
    // Without room, `#taken` goes on.
    if (this.waiting > 0 && this.#hasRoom) this.#schedule();
  };

  #sendSmall({ id, view, notes }: WaitingValue): void {
    this.frames.value(id, view, notes);
    if (this.frames.length >= MESSAGE_BYTES) this.#send();
    this.#options.onSent(id);
  }

  /** One part of each of the first large values in turn. */
  #sendParts(): void {
    for (let sent = 0; sent < TICK_PART_BYTES && this.#large.length > 0 && this.#hasRoom; sent += PART_BYTES) {
      const value = this.#large.shift()!;
      if (value.offset === 0) value.view = value.view.toSliceable();
      const { id, view, offset, notes } = value;
      const part = view.slice(offset, offset + PART_BYTES);
      value.offset += part.length;
      if (value.offset === view.length) {
        this.frames.value(id, part);
        this.#options.onSent(id);
      } else {
        if (offset === 0) this.frames.firstOfValue(id, part, notes, view.length);
        else this.frames.more(id, part);
        this.#large.splice(Math.min(MAX_ACTIVE_VALUES - 1, this.#large.length), 0, value);
      }
      if (this.frames.length >= MESSAGE_BYTES) this.#send();
    }
  }

  #send(): void {
    const { socket, raw, isMasked } = this.#options;
    const message = this.frames.takeMessage(isMasked);
    if (socket.readyState === 1) raw.write(message, this.#taken);
  }

  /** The socket has taken a message. */
  readonly #taken = (): void => {
    if (this.waiting > 0) this.#schedule();
  };
}
