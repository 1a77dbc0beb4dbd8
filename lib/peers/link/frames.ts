import type { ByteView } from '../../core/byte-view.js';

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
  /** As `get`, for what is in memory alone: the answer is a value, or a refusal with `not-held`. */
  peek: 16,
  /** As `set`, with fields between key and value, as a value has them: an entry of the sender, which is leaving. The answer is an empty value, or a refusal. */
  handOver: 17,
  /** Which share of its keys the sender takes, a number from 0 up to 1: 0 if it is leaving. */
  share: 18,
} as const;

/** Length, type and id. */
export const FRAME_HEAD_BYTES = 9;
export const GET_HEAD_BYTES = 10;
export const FIELDS_LENGTH_BYTES = 2;
/** A field has a tag (8 bits) and a length (16 bits). */
export const FIELD_HEAD_BYTES = 3;

/** The tags of fields. Others are skipped. */
export const fieldTags = {
  /** A double. */
  minuteQps: 1,
  /** 32 bits: bytes of a value that comes in parts. */
  totalLength: 2,
  /** 32 bits: milliseconds for which the answer may be kept. */
  ttl: 3,
  /** A JSON list of texts. */
  tags: 4,
} as const;

/** A question to take a value, with `value` in memory of its own. */
export interface SetQuestion {
  readonly timeoutMs: number;
  readonly group: string;
  readonly key: string;
  readonly value: ByteView;
}

/** An entry that is handed over, with the value in memory of its own. */
export interface HandedEntry {
  readonly group: string;
  readonly key: string;
  readonly value: ByteView;
  readonly notes: ValueNotes;
}

/** What is said of a value beside it: a peer's reply is that. */
export interface ValueNotes {
  readonly minuteQps: number;
  readonly ttlMs?: number;
  readonly tags?: readonly string[];
}
