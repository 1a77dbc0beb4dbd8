import { ByteView } from '../core/byte-view.js';

/** groupcachepb's `GetResponse`. */
export interface GetResponse {
  readonly value: ByteView;
  /** Not on the wire if 0. */
  readonly minuteQps: number;
}

const VALUE_TAG = 0x0a; // field 1, length-delimited
const MINUTE_QPS_TAG = 0x11; // field 2, 64-bit

/** The message as Go's protobuf encodes it. */
export function encodeGetResponse({ value, minuteQps }: GetResponse): Buffer {
  const headLength = 1 + varintLength(value.length);
  const message = Buffer.allocUnsafe(headLength + value.length + (minuteQps === 0 ? 0 : 9));
  message[0] = VALUE_TAG;
  writeVarint(message, 1, value.length);
  value.copyTo(message, headLength);
  if (minuteQps !== 0) {
    const start = headLength + value.length;
    message[start] = MINUTE_QPS_TAG;
    message.writeDoubleLE(minuteQps, start + 1);
  }
  return message;
}

/**
 * Reads a message; throws a `RangeError` if it is not one. The value is copied out of `message`. Fields that are not
 * known are skipped; an empty message is an empty value.
 */
export function decodeGetResponse(message: Buffer): GetResponse {
  const reader = new MessageReader(message);
  let value = ByteView.empty;
  let minuteQps = 0;
  while (!reader.isAtEnd) {
    const tag = reader.varint();
    if (tag === VALUE_TAG) value = ByteView.from(reader.bytes(reader.varint()));
    else if (tag === MINUTE_QPS_TAG) minuteQps = reader.bytes(8).readDoubleLE(0);
    else skipField(reader, tag);
  }
  return { value, minuteQps };
}

class MessageReader {
  #offset = 0;

  constructor(readonly message: Buffer) {}

  get isAtEnd(): boolean {
    return this.#offset >= this.message.length;
  }

  varint(): number {
    let result = 0;
    for (let position = 0; position < 10; position++) {
      const byte = this.message[this.#offset++];
      if (byte === undefined) throw new RangeError('ends inside a number');
      result += (byte & 0x7f) * 2 ** (7 * position);
      if (byte < 0x80) return result;
    }
    throw new RangeError('has a number of more than 10 bytes');
  }

  bytes(count: number): Buffer {
    const end = this.#offset + count;
    if (!(end <= this.message.length)) throw new RangeError('ends inside a field');
    const bytes = this.message.subarray(this.#offset, end);
    this.#offset = end;
    return bytes;
  }
}

function skipField(reader: MessageReader, tag: number): void {
  switch (tag % 8) {
    case 0:
      reader.varint();
      return;
    case 1:
      reader.bytes(8);
      return;
    case 2:
      reader.bytes(reader.varint());
      return;
    case 5:
      reader.bytes(4);
      return;
    default:
      throw new RangeError(`has a field of wire type ${tag % 8}`);
  }
}

function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) length++;
  return length;
}

function writeVarint(target: Buffer, start: number, value: number): void {
  let offset = start;
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) target[offset++] = (rest % 0x80) | 0x80;
  target[offset] = rest;
}
