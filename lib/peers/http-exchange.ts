import type { Dispatcher } from 'undici';

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
  readonly signal: AbortSignal;
}

/**
 * One GET over a connection of `dispatcher`, without following redirects.
 *
 * A connection that the server closed while it was idle, just as it was used, is tried once more: nothing had been
 * answered, and a read can be asked twice. Rejects with whatever the connection said, or the signal's reason.
 */
export async function exchange(dispatcher: Dispatcher, question: HttpQuestion): Promise<HttpAnswer> {
  try {
    return await attempt(dispatcher, question);
  } catch (error) {
    if (!isConnectionLoss(error) || question.signal.aborted) throw error;
    return attempt(dispatcher, question);
  }
}

function attempt(dispatcher: Dispatcher, question: HttpQuestion): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const { target, headers, signal, maxBodyBytes } = question;
    if (signal.aborted) return reject(signal.reason as Error);
    let controller: Dispatcher.DispatchController | undefined;
    let status = 0;
    let answerHeaders: HttpAnswer['headers'] = {};
    let received = 0;
    const chunks: Buffer[] = [];

    const abort = (): void => {
      controller?.abort(signal.reason as Error);
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', abort, { once: true });
    const settle = (): void => signal.removeEventListener('abort', abort);

    dispatcher.dispatch(
      { method: 'GET', path: target, headers, headersTimeout: 0, bodyTimeout: 0 },
      {
        onRequestStart(started) {
          controller = started;
          if (signal.aborted) started.abort(signal.reason as Error);
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
          settle();
          resolve({ status, headers: answerHeaders, body: chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks) });
        },
        onResponseError(_controller, error) {
          settle();
          reject(status === 0 ? error : new AnswerError(error));
        },
      },
    );
  });
}

/** Failed after the answer had begun: not to be asked again. */
class AnswerError extends Error {
  constructor(cause: Error) {
    super(cause.message, { cause });
    this.name = cause.name;
  }
}

function isConnectionLoss(error: unknown): boolean {
  if (error instanceof AnswerError) return false;
  const code: unknown = (error as { code?: unknown } | undefined)?.code;
  return code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE';
}
