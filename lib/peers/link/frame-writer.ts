import type { ByteView } from '../../core/byte-view.js';
import {
  FIELD_HEAD_BYTES,
  fieldTags,
  FIELDS_LENGTH_BYTES,
  FRAME_HEAD_BYTES,
  frameTypes,
  GET_HEAD_BYTES,
  type HandedEntry,
  type SetQuestion,
  type ValueNotes,
} from './frames.js';
import { frameMessage, MESSAGE_HEAD_ROOM } from './websocket-message.js';

const UINT32_FIELD_BYTES = FIELD_HEAD_BYTES + 4;
const MAX_TTL_MS = 2 ** 32 - 1;
/** For several messages; what is larger gets a buffer of its own size. */
const CHUNK_BYTES = 16 * 1024;
/** A message is begun in a chunk that has room for so much. */
const LEAST_ROOM = 5 * 1024;

const NO_NOTES: ValueNotes = { minuteQps: 0 };

/**
 * Collects frames into one buffer, until it is taken.
 */
export class FrameWriter {
  #buffer!: Buffer;
  /** The same memory. */
  #words!: Int32Array;
  /** Where the first frame begins: a multiple of 4, with room for a message's head before it. */
  #start = 0;
  #end = 0;

  constructor() {
    this.#allocate(CHUNK_BYTES);
  }

  /** Bytes collected. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** What has been collected; the writer begins anew. */
  take(): Buffer {
    const taken = this.#buffer.subarray(this.#start, this.#end);
    this.#beginAnew();
    return taken;
  }

  /** As `take`, as one WebSocket message. */
  takeMessage(isMasked: boolean): Buffer {
    const start = frameMessage(this.#buffer, this.#start, this.#end, isMasked ? this.#words : undefined);
    const taken = this.#buffer.subarray(start, this.#end);
    this.#beginAnew();
    return taken;
  }

  /** After what was taken, since the socket may hold on to that. */
  #beginAnew(): void {
    this.#start = this.#end = wordAfter(this.#end) + MESSAGE_HEAD_ROOM;
    if (this.#buffer.length - this.#start < LEAST_ROOM) this.#allocate(CHUNK_BYTES);
  }

  #allocate(bytes: number): void {
    // No pool: it would begin anywhere.
    this.#buffer = Buffer.allocUnsafeSlow(wordAfter(bytes));
    this.#words = new Int32Array(this.#buffer.buffer);
    this.#start = this.#end = MESSAGE_HEAD_ROOM;
  }

  get(id: number, timeoutMs: number, group: string, key: string, isPeek = false): void {
    const type = isPeek ? frameTypes.peek : frameTypes.get;
    // Room for the longest that they can be; what they are is known once they are written.
    const start = this.#begin(type, id, GET_HEAD_BYTES + 3 * (group.length + key.length));
    const groupStart = start + GET_HEAD_BYTES;
    const keyStart = writeText(this.#buffer, group, groupStart);
    const end = writeText(this.#buffer, key, keyStart);
    writeUint32(this.#buffer, timeoutMs, start);
    writeUint16(this.#buffer, keyStart - groupStart, start + 4);
    writeUint32(this.#buffer, end - keyStart, start + 6);
    this.#endAt(start, end);
  }

  /** A whole value, copied, or the last part of one, of which everything has been said. */
  value(id: number, value: ByteView, notes: ValueNotes = NO_NOTES): void {
    const start = this.#beginValue(frameTypes.value, id, value.length, notes, 0);
    value.copyTo(this.#buffer, start);
  }

  /** The first of several parts of a value, copied, with what is said of the whole; `totalLength` in bytes. */
  firstOfValue(id: number, part: ByteView, notes: ValueNotes, totalLength: number): void {
    const start = this.#beginValue(frameTypes.more, id, part.length, notes, totalLength);
    part.copyTo(this.#buffer, start);
  }

  /** A part between the first one and the last, copied. */
  more(id: number, part: ByteView): void {
    const start = this.#beginValue(frameTypes.more, id, part.length, NO_NOTES, 0);
    part.copyTo(this.#buffer, start);
  }

  set(id: number, { timeoutMs, group, key, value }: SetQuestion): void {
    const start = this.#beginKeyed(frameTypes.set, id, timeoutMs, group, key, value.length);
    value.copyTo(this.#buffer, start);
  }

  handOver(id: number, { group, key, value, notes }: HandedEntry): void {
    const tagsJson = tagsToJson(notes);
    const fieldsLength = fieldsLengthOf(notes, 0, tagsJson);
    const rest = FIELDS_LENGTH_BYTES + fieldsLength + value.length;
    const start = this.#beginKeyed(frameTypes.handOver, id, 0, group, key, rest);
    writeUint16(this.#buffer, fieldsLength, start);
    value.copyTo(this.#buffer, this.#writeFields(start + FIELDS_LENGTH_BYTES, notes, 0, tagsJson));
  }

  /** Returns where what comes after the key begins. */
  #beginKeyed(type: number, id: number, timeoutMs: number, group: string, key: string, rest: number): number {
    const [groupBytes, keyBytes] = [Buffer.byteLength(group), Buffer.byteLength(key)];
    const start = this.#begin(type, id, GET_HEAD_BYTES + groupBytes + keyBytes + rest);
    writeUint32(this.#buffer, timeoutMs, start);
    writeUint16(this.#buffer, groupBytes, start + 4);
    writeUint32(this.#buffer, keyBytes, start + 6);
    return writeText(this.#buffer, key, writeText(this.#buffer, group, start + GET_HEAD_BYTES));
  }

  notFound(id: number, ttlMs: number | undefined): void {
    const body = this.#begin(frameTypes.notFound, id, ttlMs === undefined ? 0 : UINT32_FIELD_BYTES);
    if (ttlMs !== undefined) this.#writeUint32Field(fieldTags.ttl, Math.min(ttlMs, MAX_TTL_MS), body);
  }

  /** A frame of any other type. */
  other(type: number, id: number, content = ''): void {
    const body = this.#begin(type, id, Buffer.byteLength(content));
    if (content !== '') this.#buffer.write(content, body, 'utf8');
  }

  #beginValue(type: number, id: number, length: number, notes: ValueNotes, totalLength: number): number {
    const tagsJson = tagsToJson(notes);
    const fieldsLength = fieldsLengthOf(notes, totalLength, tagsJson);
    const body = this.#begin(type, id, FIELDS_LENGTH_BYTES + fieldsLength + length);
    writeUint16(this.#buffer, fieldsLength, body);
    return this.#writeFields(body + FIELDS_LENGTH_BYTES, notes, totalLength, tagsJson);
  }

  /** Returns where they end. */
  #writeFields(start: number, { minuteQps, ttlMs }: ValueNotes, totalLength: number, tagsJson: string): number {
    let offset = start;
    if (minuteQps !== 0) {
      this.#buffer[offset] = fieldTags.minuteQps;
      writeUint16(this.#buffer, 8, offset + 1);
      offset = this.#buffer.writeDoubleBE(minuteQps, offset + FIELD_HEAD_BYTES);
    }
    if (totalLength !== 0) offset = this.#writeUint32Field(fieldTags.totalLength, totalLength, offset);
    if (ttlMs !== undefined) offset = this.#writeUint32Field(fieldTags.ttl, Math.min(ttlMs, MAX_TTL_MS), offset);
    if (tagsJson !== '') {
      this.#buffer[offset] = fieldTags.tags;
      writeUint16(this.#buffer, Buffer.byteLength(tagsJson), offset + 1);
      offset = writeText(this.#buffer, tagsJson, offset + FIELD_HEAD_BYTES);
    }
    return offset;
  }

  /** Returns where the field ends. */
  #writeUint32Field(tag: number, value: number, start: number): number {
    this.#buffer[start] = tag;
    writeUint16(this.#buffer, 4, start + 1);
    writeUint32(this.#buffer, value, start + FIELD_HEAD_BYTES);
    return start + UINT32_FIELD_BYTES;
  }

  /** Makes room for a frame, writes its head, and returns where its body begins. */
  #begin(type: number, id: number, bodyLength: number): number {
    const length = FRAME_HEAD_BYTES + bodyLength;
    if (this.#end + length > this.#buffer.length) this.#grow(length);
    const start = this.#end;
    writeUint32(this.#buffer, length - 4, start);
    this.#buffer[start + 4] = type;
    writeUint32(this.#buffer, id, start + 5);
    this.#end = start + length;
    return start + FRAME_HEAD_BYTES;
  }

  /** The frame whose body begins at `body` ends before the room that it was given does. */
  #endAt(body: number, end: number): void {
    this.#end = end;
    writeUint32(this.#buffer, end - body + FRAME_HEAD_BYTES - 4, body - FRAME_HEAD_BYTES);
  }

  #grow(byLength: number): void {
    const { length } = this;
    const collected = this.#buffer.subarray(this.#start, this.#end);
    this.#allocate(MESSAGE_HEAD_ROOM + Math.max(length + byLength, 2 * length));
    collected.copy(this.#buffer, this.#start);
    this.#end += length;
  }
}

/** Empty for none. */
function tagsToJson({ tags }: ValueNotes): string {
  return tags === undefined ? '' : JSON.stringify(tags);
}

function fieldsLengthOf({ minuteQps, ttlMs }: ValueNotes, totalLength: number, tagsJson: string): number {
  return (
    (minuteQps === 0 ? 0 : FIELD_HEAD_BYTES + 8) +
    (totalLength === 0 ? 0 : UINT32_FIELD_BYTES) +
    (ttlMs === undefined ? 0 : UINT32_FIELD_BYTES) +
    (tagsJson === '' ? 0 : FIELD_HEAD_BYTES + Buffer.byteLength(tagsJson))
  );
}

function wordAfter(offset: number): number {
  return (offset + 3) & ~3;
}

// Buffer's own check and convert more than these numbers need.
function writeUint32(buffer: Buffer, value: number, offset: number): void {
  buffer[offset] = value >>> 24;
  buffer[offset + 1] = value >>> 16;
  buffer[offset + 2] = value >>> 8;
  buffer[offset + 3] = value;
}

function writeUint16(buffer: Buffer, value: number, offset: number): void {
  buffer[offset] = value >>> 8;
  buffer[offset + 1] = value;
}

/** Up to so many characters, if they are ASCII, are written faster one by one. */
const SHORT_TEXT = 48;

/** Writes `text` as UTF-8 and returns where it ends. */
function writeText(buffer: Buffer, text: string, start: number): number {
  const { length } = text;
  if (length > SHORT_TEXT) return start + buffer.write(text, start, 'utf8');
  for (let index = 0; index < length; index++) {
    const code = text.charCodeAt(index);
    if (code >= 0x80) return start + buffer.write(text, start, 'utf8');
    buffer[start + index] = code;
  }
  return start + length;
}
