import { ByteView } from '../core/byte-view.js';

/** groupcachepb's `GetResponse`. */
export interface GetResponse {
  readonly value: ByteView;
  /** Not on the wire if 0. */
  readonly minuteQps: number;
  /** Milliseconds that the value may still be kept; absent: not said. */
  readonly ttlMs?: number;
  /** By which the value can be removed. */
  readonly tags?: readonly string[];
}

const VALUE_TAG = 0x0a; // field 1, length-delimited
const MINUTE_QPS_TAG = 0x11; // field 2, 64-bit
/** Field 3, varint: mailgun/groupcache's `expire`, in Unix nanoseconds. */
const EXPIRE_TAG = 0x18;
/** Field 16, varint: ours, in milliseconds, since the clocks of two machines differ. */
const TTL_TAG = 0x80;
const TTL_TAG_BYTES = [0x80, 0x01];
/** Field 17, repeated, length-delimited. */
const TAGS_TAG = 0x8a;
const TAGS_TAG_BYTES = [0x8a, 0x01];
/** A hundred years: `expire` has to fit 63 bits. */
const MAX_TTL_MS = 100 * 365 * 86_400_000;
const NS_PER_MS = 1_000_000;

/** The message as Go's protobuf encodes it. */
export function encodeGetResponse({ value, minuteQps, ttlMs, tags = [] }: GetResponse): Buffer {
  const headLength = 1 + varintLength(value.length);
  const lifetime = ttlMs === undefined ? [] : encodeLifetime(ttlMs);
  const labels = Buffer.concat(tags.map(encodeTag));
  const qpsLength = minuteQps === 0 ? 0 : 9;
  const message = Buffer.allocUnsafe(headLength + value.length + qpsLength + lifetime.length + labels.length);
  message[0] = VALUE_TAG;
  writeVarint(message, 1, value.length);
  value.copyTo(message, headLength);
  let offset = headLength + value.length;
  if (minuteQps !== 0) {
    message[offset] = MINUTE_QPS_TAG;
    offset = message.writeDoubleLE(minuteQps, offset + 1);
  }
  message.set(lifetime, offset);
  message.set(labels, offset + lifetime.length);
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
  let ttlMs: number | undefined;
  let expireNs = 0;
  let tags: string[] | undefined;
  while (!reader.isAtEnd) {
    const tag = reader.varint();
    if (tag === VALUE_TAG) value = ByteView.from(reader.bytes(reader.varint()));
    else if (tag === MINUTE_QPS_TAG) minuteQps = reader.bytes(8).readDoubleLE(0);
    else if (tag === EXPIRE_TAG) expireNs = reader.varint();
    else if (tag === TTL_TAG) ttlMs = Math.min(reader.varint(), MAX_TTL_MS);
    else if (tag === TAGS_TAG) (tags ??= []).push(reader.bytes(reader.varint()).toString('utf8'));
    else skipField(reader, tag);
  }
  return { value, minuteQps, ttlMs: ttlMs ?? ttlOf(expireNs), tags };
}

/** Milliseconds up to mailgun's `expire`; 0 is not said there. */
function ttlOf(expireNs: number): number | undefined {
  if (expireNs === 0) return undefined;
  // A number of 64 bits with a sign, which is how what is long over may be written.
  return expireNs >= 2 ** 63 ? 0 : Math.max(0, Math.floor(expireNs / NS_PER_MS - Date.now()));
}

function encodeTag(tag: string): Buffer {
  const bytes = Buffer.from(tag);
  return Buffer.concat([Buffer.from([...TAGS_TAG_BYTES, ...varint(BigInt(bytes.length))]), bytes]);
}

/** Both fields of a lifetime. */
function encodeLifetime(ttlMs: number): number[] {
  const wholeMs = Math.floor(Math.min(ttlMs, MAX_TTL_MS));
  return [
    EXPIRE_TAG,
    ...varint(BigInt(Date.now() + wholeMs) * BigInt(NS_PER_MS)),
    ...TTL_TAG_BYTES,
    ...varint(BigInt(wholeMs)),
  ];
}

function varint(value: bigint): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return bytes;
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
