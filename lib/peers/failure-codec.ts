import { LoadFailedError, OverloadedError } from '../core/errors.js';

/** A getter's failure as it crosses to another process. Never holds a stack. */
export interface WireFailure {
  readonly name: string;
  readonly message: string;
  readonly code?: string | number;
  /** Whatever else a codec needs to bring the error back as what it was. Plain JSON. */
  readonly details?: unknown;
}

/**
 * Says how a getter's failure travels, and what it becomes at the caller. Both ends must use the same one.
 */
export interface FailureCodec {
  encode(error: Error): WireFailure;
  /** `peer` is the URL of the owner, where the getter failed. */
  decode(failure: WireFailure, group: string, peer: string): Error;
}

/** Every failure arrives as a `LoadFailedError` with the original's name, message and code. */
export const plainFailures: FailureCodec = {
  encode(error) {
    // Whatever was thrown: some errors have an object for a message.
    const { name, message, code } = error as { name: unknown; message: unknown; code?: unknown };
    return {
      name: String(name),
      message: String(message),
      ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    };
  },
  decode: ({ name, message, code }, group, peer) => new LoadFailedError(group, peer, { name, message, code }),
};

const OVERLOADED: OverloadedError['code'] = 'GROUPCACHE_OVERLOADED';

/** A failure has no business being larger than this. */
const MAX_FAILURE_BYTES = 64 * 1024;
const MAX_MESSAGE_CHARACTERS = 4 * 1024;

/** What the asker's callers are told when `peer`, the owner, has refused a load. */
export function overloadedAt(group: string, peer: string): OverloadedError {
  return new OverloadedError(group, 'too much is under way at the owner of a key', peer);
}

/** What `failure` becomes at the asker. That a peer is overloaded is said whatever the codec makes of errors. */
export function decodeFailure(codec: FailureCodec, failure: WireFailure, group: string, peer: string): Error {
  return failure.code === OVERLOADED ? overloadedAt(group, peer) : codec.decode(failure, group, peer);
}

/** `error` in JSON, cut to what a failure may need. Never throws. */
export function failureToJson(codec: FailureCodec, error: Error): string {
  try {
    const failure = error instanceof OverloadedError ? plainFailures.encode(error) : codec.encode(error);
    const whole = JSON.stringify(failure);
    if (whole.length <= MAX_FAILURE_BYTES) return whole;
  } catch {
    // What the codec can't say is said plainly.
  }
  let plain: WireFailure = { name: 'Error', message: 'the failure can not be put in words' };
  try {
    plain = plainFailures.encode(error);
  } catch {
    // A message that is an object without a text.
  }
  const { name, message, code } = plain;
  return JSON.stringify({ name: cut(name), message: cut(message), code: typeof code === 'string' ? cut(code) : code });
}

/** Reads what `failureToJson` wrote; throws a `SyntaxError` if it is anything else. */
export function failureFromJson(json: string): WireFailure {
  const failure = JSON.parse(json) as Partial<WireFailure> | null;
  if (typeof failure?.name !== 'string' || typeof failure.message !== 'string') {
    throw new SyntaxError('is not a failure');
  }
  return failure as WireFailure;
}

function cut(text: unknown): string {
  const string = String(text);
  return string.length <= MAX_MESSAGE_CHARACTERS ? string : `${string.slice(0, MAX_MESSAGE_CHARACTERS)}...`;
}
