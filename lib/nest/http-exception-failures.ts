import * as nest from '@nestjs/common';
import { HttpException } from '@nestjs/common';
import { plainFailures, type FailureCodec, type WireFailure } from '../peers/failure-codec.js';

/** What lets an HttpException be thrown again in another process. */
interface HttpExceptionDetails {
  readonly status: number;
  readonly response: string | object;
  /** Nest's own class that it is, or is nearest derived from: `NotFoundException`. */
  readonly base: string;
}

type ExceptionClass = new (response: string | object, status?: number) => HttpException;

const exceptionClasses: ReadonlyMap<string, ExceptionClass> = new Map(
  Object.entries(nest as Record<string, unknown>).filter(
    (entry): entry is [string, ExceptionClass] =>
      typeof entry[1] === 'function' && (entry[1] as { prototype?: unknown }).prototype instanceof HttpException,
  ),
);

/**
 * Lets a `NotFoundException`, and every other HttpException, arrive at the caller as what it was: status, response, message
 * and, for classes of one's own, Nest's class that they derive from. Other errors arrive as `LoadFailedError`.
 */
export const httpExceptionFailures: FailureCodec = {
  encode(error) {
    const failure = plainFailures.encode(error);
    if (!(error instanceof HttpException)) return failure;
    const details: HttpExceptionDetails = {
      status: error.getStatus(),
      response: error.getResponse(),
      base: nearestNestClass(error),
    };
    return { ...failure, details };
  },

  decode(failure, group, peer) {
    const details = detailsOf(failure);
    if (details === undefined) return plainFailures.decode(failure, group, peer);
    const Class = exceptionClasses.get(details.base);
    const exception =
      Class === undefined
        ? new HttpException(details.response, details.status)
        : Object.assign(new Class(details.response), { status: details.status });
    exception.message = failure.message;
    exception.name = failure.name;
    return exception;
  },
};

function nearestNestClass(error: HttpException): string {
  for (let level: unknown = Object.getPrototypeOf(error); level !== null; level = Object.getPrototypeOf(level)) {
    const constructor = (level as object).constructor as ExceptionClass;
    if (exceptionClasses.get(constructor.name) === constructor) return constructor.name;
  }
  return 'HttpException';
}

function detailsOf({ details }: WireFailure): HttpExceptionDetails | undefined {
  if (typeof details !== 'object' || details === null) return undefined;
  const { status, response, base } = details as Partial<HttpExceptionDetails>;
  const isResponse = typeof response === 'string' || (typeof response === 'object' && response !== null);
  return Number.isInteger(status) && isResponse && typeof base === 'string'
    ? { status: status!, response, base }
    : undefined;
}
