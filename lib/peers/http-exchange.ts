import type { Dispatcher } from 'undici';
import { MAX_TIMER_MS } from '../core/duration.js';

/** What a peer answered over HTTP. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** What is asked: a GET, by a raw target that no URL parser has touched. */
export interface HttpQuestion {
  readonly target: string;
  readonly headers: Record<string, string>;
  /** Bytes of body; more is an error. */
  readonly maxBodyBytes: number;
  /** Milliseconds that the whole answer may take, a second try included. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Counts those that have a connection or wait for one, also when they have been given up. */
  readonly requests: { open: number };
}

/**
 * One GET over a connection of `dispatcher`, without following redirects.
 *
 * A connection that the server closed while it was idle, just as it was used, is tried once more: nothing had been
 * answered, and a read can be asked twice. Rejects with whatever the connection said, or the signal's reason.
 */
export async function exchange(dispatcher: Dispatcher, question: HttpQuestion): Promise<HttpAnswer> {
  const deadlineMs = performance.now() + question.timeoutMs;
  try {
    return await attempt(dispatcher, question, deadlineMs);
  } catch (error) {
    if (!isConnectionLoss(error) || question.signal.aborted) throw error;
    return attempt(dispatcher, question, deadlineMs);
  }
}

function attempt(dispatcher: Dispatcher, question: HttpQuestion, deadlineMs: number): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const { target, headers, signal, maxBodyBytes, timeoutMs, requests } = question;
    if (signal.aborted) return reject(signal.reason as Error);
    let controller: Dispatcher.DispatchController | undefined;
    let status = 0;
    let startedMs = 0;
    let answerHeaders: HttpAnswer['headers'] = {};
    let received = 0;
    const chunks: Buffer[] = [];

    let stopReason: Error | undefined;
    const stop = (reason: Error): void => {
      stopReason = reason;
      controller?.abort(reason);
      settle();
      reject(reason);
    };
    const abort = (): void => stop(signal.reason as Error);
    const expire = (): void => stop(new Error(`it did not answer within ${Math.ceil(timeoutMs)} ms`));
    const timer = setTimeout(expire, Math.min(deadlineMs - performance.now(), MAX_TIMER_MS)).unref();
    signal.addEventListener('abort', abort, { once: true });
    const settle = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    };

    requests.open++;
    dispatcher.dispatch(
      { method: 'GET', path: target, headers, headersTimeout: 0, bodyTimeout: 0 },
      {
        onRequestStart(started) {
          controller = started;
          startedMs = performance.now();
          // Given up while it waited for a connection.
          if (stopReason !== undefined) started.abort(stopReason);
        },
        onResponseStart(_controller, statusCode, responseHeaders) {
          status = statusCode;
          answerHeaders = responseHeaders;
        },
        onResponseData(receiving, chunk) {
          received += chunk.length;
          if (received > maxBodyBytes) receiving.abort(new RangeError(`answered with over ${maxBodyBytes} bytes`));
          else chunks.push(chunk);
        },
        onResponseEnd() {
          requests.open--;
          settle();
          resolve({ status, headers: answerHeaders, body: chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks) });
        },
        onResponseError(_controller, error) {
          requests.open--;
          settle();
          const isAnswerLost = status !== 0 || performance.now() - startedMs >= IDLE_LOSS_MS;
          reject(controller !== undefined && isAnswerLost ? new LostAnswerError(error) : error);
        },
      },
    );
  });
}

/** A connection that was already closed says so within a round trip; what is lost later was lost while it was loaded. */
const IDLE_LOSS_MS = 100;

/** Failed after the peer had begun with the question: not to be asked again, or its getter would run again. */
class LostAnswerError extends Error {
  constructor(cause: Error) {
    super(cause.message, { cause });
    this.name = cause.name;
  }
}

function isConnectionLoss(error: unknown): boolean {
  if (error instanceof LostAnswerError) return false;
  const code: unknown = (error as { code?: unknown } | undefined)?.code;
  return code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE';
}
