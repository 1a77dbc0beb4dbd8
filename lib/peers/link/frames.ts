import { isUtf8 } from 'node:buffer';
import { ByteView } from '../../core/byte-view.js';
import { frameMessage, MESSAGE_HEAD_ROOM } from './websocket-message.js';

/**
 * What is said over a link: frames, several to a message.
 *
 * A frame begins with its length (32 bits, what follows it), its type (8 bits) and the id of the question that it belongs
 * to (32 bits), big-endian. Types that are not known are skipped, and so are fields; docs/wire.md has the bytes.
 */
export const frameTypes = {
  /** Milliseconds left (32), length of the group (16), length of the key (32), group, key; fields to the end. */
  get: 1,
  /** Length of fields (16), fields; the value, or its last part, to the end. */
  value: 2,
  /** As `value`, but one part of it, of several; the first has the length of the whole among its fields. */
  more: 3,
  /** Fields to the end. */
  notFound: 4,
  /** The getter's failure, as JSON. */
  failed: 5,
  /** A `FailureMark`: the peer's refusal. */
  refused: 6,
  /** Nobody waits for the answer any more. */
  cancel: 7,
  /** The sender asks and takes no further questions on this link; the other side answers alike. */
  goodbye: 8,
  /** Who the sender is, as JSON: the first frame of both sides. */
  hello: 9,
  /** The sender's proof of identity: the second frame of both sides. */
  proof: 10,
  /** Invalidations of one origin in their order, as JSON. */
  invalidations: 11,
  /** By origin, the number of the last invalidation that the sender has applied, as JSON; with id 1 it wants the same back. */
  seen: 12,
  /** By origin, the number after which the sender lacks invalidations, as JSON. */
  missing: 13,
  /** By origin, a number up to which the sender does not remember what was missing, as JSON. */
  forgotten: 14,
  /** As `get`, with a value for the key to the end. Its answer is a value: JSON of what has come of it. */
  set: 15,
} as const;

/** Length, type and id. */
export const FRAME_HEAD_BYTES = 9;
const GET_HEAD_BYTES = 10;
const FIELDS_LENGTH_BYTES = 2;
/** A field has a tag (8 bits) and a length (16 bits). */
const FIELD_HEAD_BYTES = 3;
const UINT32_FIELD_BYTES = FIELD_HEAD_BYTES + 4;
/** A double. */
const MINUTE_QPS_FIELD = 1;
/** 32 bits: bytes of a value that comes in parts. */
const TOTAL_LENGTH_FIELD = 2;
/** 32 bits: milliseconds for which the answer may be kept. */
const TTL_FIELD = 3;
/** A JSON list of texts. */
const TAGS_FIELD = 4;
const MAX_TTL_MS = 2 ** 32 - 1;
/** For several messages; what is larger gets a buffer of its own size. */
const CHUNK_BYTES = 16 * 1024;
/** A message is begun in a chunk that has room for so much. */
const LEAST_ROOM = 5 * 1024;

/** Takes what `readFrames` finds. Bytes are parts of the message: who keeps them copies them. */
export interface FrameHandler {
  onGet(id: number, timeoutMs: number, group: string, key: string): void;
  /** A question whose group or key is not UTF-8. */
  onUnreadable(id: number): void;
  /**
   * A value or one part of it, from `start` up to `end` of the message, with what its frame says of the whole. `isLast` for
   * the only part, too.
   */
  onValue(id: number, message: Buffer, start: number, end: number, fields: ValueFields, isLast: boolean): void;
  /** Any other type that is known. */
  onOther(type: number, id: number, body: Buffer): void;
}

/** 0 where it is not said. */
export interface ValueFields {
  minuteQps: number;
  /** `undefined` where it is not said. */
  ttlMs: number | undefined;
  tags: readonly string[] | undefined;
  /** Bytes of the whole value, in the first of several parts. */
  totalLength: number;
}

/** Reads the frames of one message; throws a `RangeError` if they are not well-formed. */
export function readFrames(message: Buffer, handler: FrameHandler): void {
  let offset = 0;
  while (offset < message.length) {
    if (message.length - offset < FRAME_HEAD_BYTES) throw new RangeError('ends inside the head of a frame');
    const end = offset + 4 + message.readUInt32BE(offset);
    if (end > message.length || end < offset + FRAME_HEAD_BYTES) throw new RangeError('has a frame of a wrong length');
    const type = message[offset + 4]!;
    const id = message.readUInt32BE(offset + 5);
    const body = offset + FRAME_HEAD_BYTES;
    if (type === frameTypes.get) readGet(message, body, end, id, handler);
    else if (type === frameTypes.value || type === frameTypes.more) {
      readValue(message, body, end, id, type === frameTypes.value, handler);
    } else handler.onOther(type, id, message.subarray(body, end));
    offset = end;
  }
}

function readGet(message: Buffer, start: number, end: number, id: number, handler: FrameHandler): void {
  if (end - start < GET_HEAD_BYTES) throw new RangeError('has a question that ends inside its head');
  const timeoutMs = message.readUInt32BE(start);
  const groupStart = start + GET_HEAD_BYTES;
  const keyStart = groupStart + message.readUInt16BE(start + 4);
  const keyEnd = keyStart + message.readUInt32BE(start + 6);
  if (keyEnd > end) throw new RangeError('has a question that ends inside its key');
  const group = message.toString('utf8', groupStart, keyStart);
  const key = message.toString('utf8', keyStart, keyEnd);
  // What is not UTF-8 is read as U+FFFD, so that two keys would be one.
  const isDoubtful = group.includes('\ufffd') || key.includes('\ufffd');
  if (isDoubtful && !isUtf8(message.subarray(groupStart, keyEnd))) handler.onUnreadable(id);
  else handler.onGet(id, timeoutMs, group, key);
}

function readValue(
  message: Buffer,
  start: number,
  end: number,
  id: number,
  isLast: boolean,
  handler: FrameHandler,
): void {
  if (end - start < FIELDS_LENGTH_BYTES) throw new RangeError('has a value that ends inside its head');
  const fieldsStart = start + FIELDS_LENGTH_BYTES;
  const valueStart = fieldsStart + message.readUInt16BE(start);
  if (valueStart > end) throw new RangeError('has a value that ends inside its fields');
  const fields = valueStart === fieldsStart ? NO_FIELDS : readFields(message, fieldsStart, valueStart);
  handler.onValue(id, message, valueStart, end, fields, isLast);
}

const NO_FIELDS: Readonly<ValueFields> = Object.freeze({
  minuteQps: 0,
  ttlMs: undefined,
  tags: undefined,
  totalLength: 0,
});

/** The fields between `start` and `end`; throws a `RangeError` if they are not well-formed. */
export function readFields(message: Buffer, start: number, end: number): ValueFields {
  const fields: ValueFields = { minuteQps: 0, ttlMs: undefined, tags: undefined, totalLength: 0 };
  let offset = start;
  while (offset < end) {
    if (end - offset < FIELD_HEAD_BYTES) throw new RangeError('has a field that ends inside its head');
    const length = message.readUInt16BE(offset + 1);
    const content = offset + FIELD_HEAD_BYTES;
    if (content + length > end) throw new RangeError('has a field that is longer than its frame');
    if (message[offset] === MINUTE_QPS_FIELD && length === 8) fields.minuteQps = message.readDoubleBE(content);
    else if (message[offset] === TOTAL_LENGTH_FIELD && length === 4) {
      fields.totalLength = message.readUInt32BE(content);
    } else if (message[offset] === TTL_FIELD && length === 4) fields.ttlMs = message.readUInt32BE(content);
    else if (message[offset] === TAGS_FIELD) fields.tags = tagsOf(message.toString('utf8', content, content + length));
    offset = content + length;
  }
  return fields;
}

function tagsOf(json: string): readonly string[] {
  let tags: unknown;
  try {
    tags = JSON.parse(json);
  } catch {
    throw new RangeError('has tags that are no JSON');
  }
  if (Array.isArray(tags) && tags.every((tag) => typeof tag === 'string')) return tags;
  throw new RangeError('has tags that are no list of texts');
}

/** A question to take a value, with `value` in memory of its own. */
export interface SetQuestion {
  readonly timeoutMs: number;
  readonly group: string;
  readonly key: string;
  readonly value: ByteView;
}

/** Reads the body of a `set` frame; throws a `RangeError` if it is not well-formed. */
export function readSet(body: Buffer): SetQuestion {
  if (body.length < GET_HEAD_BYTES) throw new RangeError('has a set that ends inside its head');
  const keyStart = GET_HEAD_BYTES + body.readUInt16BE(4);
  const keyEnd = keyStart + body.readUInt32BE(6);
  if (keyEnd > body.length) throw new RangeError('has a set that ends inside its key');
  if (!isUtf8(body.subarray(GET_HEAD_BYTES, keyEnd))) throw new RangeError('has a set of a key that is not UTF-8');
  return {
    timeoutMs: body.readUInt32BE(0),
    group: body.toString('utf8', GET_HEAD_BYTES, keyStart),
    key: body.toString('utf8', keyStart, keyEnd),
    value: ByteView.copyOf(body, keyEnd, body.length),
  };
}

/** What is said of a value beside it: a peer's reply is that. */
export interface ValueNotes {
  readonly minuteQps: number;
  readonly ttlMs?: number;
  readonly tags?: readonly string[];
}

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

  get(id: number, timeoutMs: number, group: string, key: string): void {
    // Room for the longest that they can be; what they are is known once they are written.
    const start = this.#begin(frameTypes.get, id, GET_HEAD_BYTES + 3 * (group.length + key.length));
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
    const [groupBytes, keyBytes] = [Buffer.byteLength(group), Buffer.byteLength(key)];
    const start = this.#begin(frameTypes.set, id, GET_HEAD_BYTES + groupBytes + keyBytes + value.length);
    writeUint32(this.#buffer, timeoutMs, start);
    writeUint16(this.#buffer, groupBytes, start + 4);
    writeUint32(this.#buffer, keyBytes, start + 6);
    const keyStart = writeText(this.#buffer, group, start + GET_HEAD_BYTES);
    value.copyTo(this.#buffer, writeText(this.#buffer, key, keyStart));
  }

  notFound(id: number, ttlMs: number | undefined): void {
    const body = this.#begin(frameTypes.notFound, id, ttlMs === undefined ? 0 : UINT32_FIELD_BYTES);
    if (ttlMs !== undefined) this.#writeUint32Field(TTL_FIELD, Math.min(ttlMs, MAX_TTL_MS), body);
  }

  /** A frame of any other type. */
  other(type: number, id: number, content = ''): void {
    const body = this.#begin(type, id, Buffer.byteLength(content));
    if (content !== '') this.#buffer.write(content, body, 'utf8');
  }

  #beginValue(
    type: number,
    id: number,
    length: number,
    { minuteQps, ttlMs, tags }: ValueNotes,
    totalLength: number,
  ): number {
    const tagsJson = tags === undefined ? '' : JSON.stringify(tags);
    const tagsBytes = Buffer.byteLength(tagsJson);
    const fieldsLength =
      (minuteQps === 0 ? 0 : FIELD_HEAD_BYTES + 8) +
      (totalLength === 0 ? 0 : UINT32_FIELD_BYTES) +
      (ttlMs === undefined ? 0 : UINT32_FIELD_BYTES) +
      (tags === undefined ? 0 : FIELD_HEAD_BYTES + tagsBytes);
    const body = this.#begin(type, id, FIELDS_LENGTH_BYTES + fieldsLength + length);
    writeUint16(this.#buffer, fieldsLength, body);
    let offset = body + FIELDS_LENGTH_BYTES;
    if (minuteQps !== 0) {
      this.#buffer[offset] = MINUTE_QPS_FIELD;
      writeUint16(this.#buffer, 8, offset + 1);
      offset = this.#buffer.writeDoubleBE(minuteQps, offset + FIELD_HEAD_BYTES);
    }
    if (totalLength !== 0) offset = this.#writeUint32Field(TOTAL_LENGTH_FIELD, totalLength, offset);
    if (ttlMs !== undefined) offset = this.#writeUint32Field(TTL_FIELD, Math.min(ttlMs, MAX_TTL_MS), offset);
    if (tags !== undefined) {
      this.#buffer[offset] = TAGS_FIELD;
      writeUint16(this.#buffer, tagsBytes, offset + 1);
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
