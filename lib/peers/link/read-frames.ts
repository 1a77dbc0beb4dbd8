import { isUtf8 } from 'node:buffer';
import { ByteView } from '../../core/byte-view.js';
import {
  FIELD_HEAD_BYTES,
  fieldTags,
  FIELDS_LENGTH_BYTES,
  FRAME_HEAD_BYTES,
  frameTypes,
  GET_HEAD_BYTES,
  type HandedEntry,
  type SetQuestion,
} from './frames.js';

/** Takes what `readFrames` finds. Bytes are parts of the message: who keeps them copies them. */
export interface FrameHandler {
  onGet(id: number, timeoutMs: number, group: string, key: string, isPeek: boolean): void;
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
    if (type === frameTypes.get || type === frameTypes.peek) {
      readGet(message, body, end, id, type === frameTypes.peek, handler);
    } else if (type === frameTypes.value || type === frameTypes.more) {
      readValue(message, body, end, id, type === frameTypes.value, handler);
    } else handler.onOther(type, id, message.subarray(body, end));
    offset = end;
  }
}

function readGet(
  message: Buffer,
  start: number,
  end: number,
  id: number,
  isPeek: boolean,
  handler: FrameHandler,
): void {
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
  else handler.onGet(id, timeoutMs, group, key, isPeek);
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
    if (message[offset] === fieldTags.minuteQps && length === 8) fields.minuteQps = message.readDoubleBE(content);
    else if (message[offset] === fieldTags.totalLength && length === 4) {
      fields.totalLength = message.readUInt32BE(content);
    } else if (message[offset] === fieldTags.ttl && length === 4) fields.ttlMs = message.readUInt32BE(content);
    else if (message[offset] === fieldTags.tags)
      fields.tags = tagsOf(message.toString('utf8', content, content + length));
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

/** Reads the body of a `set` frame; throws a `RangeError` if it is not well-formed. */
export function readSet(body: Buffer): SetQuestion {
  const { group, key, keyEnd } = readKey(body);
  return { timeoutMs: body.readUInt32BE(0), group, key, value: ByteView.copyOf(body, keyEnd, body.length) };
}

/** Reads the body of a `handOver` frame; throws a `RangeError` if it is not well-formed. */
export function readHandOver(body: Buffer): HandedEntry {
  const { group, key, keyEnd } = readKey(body);
  const fieldsStart = keyEnd + FIELDS_LENGTH_BYTES;
  if (fieldsStart > body.length) throw new RangeError('has an entry that ends inside its head');
  const valueStart = fieldsStart + body.readUInt16BE(keyEnd);
  if (valueStart > body.length) throw new RangeError('has an entry that ends inside its fields');
  const { minuteQps, ttlMs, tags } = readFields(body, fieldsStart, valueStart);
  return { group, key, value: ByteView.copyOf(body, valueStart, body.length), notes: { minuteQps, ttlMs, tags } };
}

function readKey(body: Buffer): { group: string; key: string; keyEnd: number } {
  if (body.length < GET_HEAD_BYTES) throw new RangeError('has a value that ends inside its head');
  const keyStart = GET_HEAD_BYTES + body.readUInt16BE(4);
  const keyEnd = keyStart + body.readUInt32BE(6);
  if (keyEnd > body.length) throw new RangeError('has a value that ends inside its key');
  if (!isUtf8(body.subarray(GET_HEAD_BYTES, keyEnd))) throw new RangeError('has a value of a key that is not UTF-8');
  return {
    group: body.toString('utf8', GET_HEAD_BYTES, keyStart),
    key: body.toString('utf8', keyStart, keyEnd),
    keyEnd,
  };
}
