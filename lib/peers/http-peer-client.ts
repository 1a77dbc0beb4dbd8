import { Pool } from 'undici';
import { KeyTooLongError, PeerError } from '../core/errors.js';
import type { InvalidationLog, InvalidationVector } from '../core/invalidation-log.js';
import type { PeerClient, PeerReply, PeerRequest } from '../core/peer-picker.js';
import { decodeFailure, failureFromJson, overloadedAt, type FailureCodec } from './failure-codec.js';
import { connectionFailure } from './connection-failure.js';
import { decodeGetResponse } from './get-response.js';
import { exchange, type HttpAnswer } from './http-exchange.js';
import type { PeerAuth } from './peer-auth.js';
import type { PeerHealth } from './peer-health.js';
import type { PeerTls } from './peer-tls.js';
import type { PeerUrl } from './peer-url.js';
import { SilenceWatch } from './silence-watch.js';
import { headerCovers } from './vector-header.js';
import { encodeSegment } from './wire-path.js';
import { headers, PROTOCOL_VERSION, type FailureMark } from './wire.js';

export interface HttpPeerClientOptions {
  readonly basePath: string;
  readonly auth: PeerAuth;
  readonly tls?: PeerTls;
  /** What this process has applied: a peer that had not when it was asked is not believed. */
  readonly invalidations: InvalidationLog;
  readonly failures: FailureCodec;
  /** Bytes of group and key, percent-encoded. */
  readonly maxKeyBytes: number;
  /** Bytes of an answer. */
  readonly maxResponseBytes: number;
  readonly maxConnections: number;
  readonly connectTimeoutMs: number;
  /** Whether the peer may be one in Go, which says nothing of itself. */
  readonly mayBeGo: boolean;
  /** Is told what questions say of the peer. Default nobody. */
  readonly health?: Pick<PeerHealth, 'answered' | 'failed' | 'lost'>;
}

/**
 * Asks one peer by Go's protocol, over kept-alive connections: Go's `httpGetter`.
 */
export class HttpPeerClient implements PeerClient {
  readonly url: string;
  readonly #pathPrefix: string;
  #connections: Pool;
  readonly #options: HttpPeerClientOptions;
  readonly #requests = { open: 0 };
  readonly #origin: string;
  readonly #silence: SilenceWatch;

  constructor(peer: PeerUrl, options: HttpPeerClientOptions) {
    this.url = peer.url;
    this.#pathPrefix = peer.pathPrefix + options.basePath;
    this.#options = options;
    this.#origin = peer.origin;
    this.#connections = this.#newConnections(options.maxConnections);
    this.#silence = new SilenceWatch(() =>
      options.health?.failed(new PeerError(this.url, 'owes all answers for a second')),
    );
  }

  /** Those that have a connection, or wait for one, also when they have been given up. */
  get openRequests(): number {
    return this.#requests.open;
  }

  async get(request: PeerRequest): Promise<PeerReply> {
    const path = `${encodeSegment(request.group)}/${encodeSegment(request.key)}`;
    const { maxKeyBytes } = this.#options;
    if (path.length > maxKeyBytes) {
      const error = new KeyTooLongError(request.group, request.key, path.length, maxKeyBytes);
      return { outcome: 'failed', error };
    }
    // What is applied later concerns those who ask later.
    const applied = this.#options.invalidations.snapshot();
    const { health } = this.#options;
    let answer: HttpAnswer | undefined;
    this.#silence.begin();
    try {
      answer = await this.#ask(this.#connections, path, request.signal, request.timeoutMs);
      const reply = this.#replyOf(answer, request.group, applied);
      health?.answered();
      return reply;
    } catch (error) {
      if (request.signal.aborted) {
        const reason: unknown = request.signal.reason;
        // The asker may have run out of patience with the peer, or of interest in the key.
        if (reason instanceof PeerError) health?.failed(reason);
        throw reason;
      }
      const failure =
        error instanceof PeerError
          ? error
          : this.#failure(`could not be asked: ${connectionFailure(error, this.url)}`, error);
      if (answer === undefined || !isAboutTheQuestion(answer)) health?.failed(failure);
      else if (markOf(answer) === 'draining') health?.lost(undefined);
      throw failure;
    } finally {
      this.#silence.end(answer !== undefined);
    }
  }

  /**
   * What the peer answers to a question about nothing, to see who and what it is, over a connection of its own. Rejects if it
   * can't be reached.
   */
  async probe(timeoutMs: number, signal: AbortSignal): Promise<Pick<HttpAnswer, 'status' | 'headers'>> {
    const connections = this.#newConnections(1);
    try {
      return await this.#ask(connections, '', signal, timeoutMs);
    } finally {
      await connections.destroy();
    }
  }

  /** Resolves if the peer is there and takes questions; rejects with a `PeerError` that says why not. */
  async check(): Promise<void> {
    const { connectTimeoutMs, mayBeGo } = this.#options;
    let answer: Pick<HttpAnswer, 'status' | 'headers'>;
    try {
      answer = await this.probe(connectTimeoutMs, new AbortController().signal);
    } catch (error) {
      throw this.#failure(`can not be reached: ${connectionFailure(error, this.url)}`, error);
    }
    const { status } = answer;
    const isFit =
      answer.headers[headers.version] === undefined
        ? mayBeGo && status < 500
        : status !== 401 && markOf(answer) !== 'draining';
    if (!isFit) throw new PeerError(this.url, `answered ${status}, not as a peer that can be asked`, { status });
  }

  /** Ends what is being asked, with `error`: the peer does not answer it any more. */
  abandon(error: PeerError): void {
    if (this.#connections.destroyed) return;
    const connections = this.#connections;
    this.#connections = this.#newConnections(this.#options.maxConnections);
    void connections.destroy(error);
  }

  /**
   * Closes the connections: once the requests under way have ended, but at the latest after `timeoutMs`. Can be called
   * again.
   */
  async close(timeoutMs: number): Promise<void> {
    this.#silence.stop();
    if (this.#connections.destroyed) return;
    await new Promise<void>((resolve, reject) => {
      // A pool that is destroyed while it closes may leave the closing pending for ever.
      const timer = setTimeout(() => void this.#connections.destroy().then(resolve, reject), timeoutMs).unref();
      this.#connections
        .close()
        .then(resolve, reject)
        .finally(() => clearTimeout(timer));
    });
  }

  #newConnections(connections: number): Pool {
    const { tls, connectTimeoutMs } = this.#options;
    const connect = tls?.connect ?? { timeout: connectTimeoutMs };
    return new Pool(this.#origin, { connections, pipelining: 1, connect });
  }

  #ask(connections: Pool, path: string, signal: AbortSignal, timeoutMs: number): Promise<HttpAnswer> {
    const target = this.#pathPrefix + path;
    return exchange(connections, {
      target,
      headers: {
        [headers.version]: PROTOCOL_VERSION,
        [headers.timeout]: String(Math.ceil(timeoutMs)),
        // A path in the peer's URL is a proxy's and may not arrive; `peer` has it.
        ...this.#options.auth.sign({ method: 'GET', peer: this.url, target: this.#options.basePath + path }),
      },
      maxBodyBytes: this.#options.maxResponseBytes,
      timeoutMs,
      signal,
      requests: this.#requests,
    });
  }

  /** Throws a `PeerError` for whatever is not an answer of a groupcache. */
  #replyOf(answer: HttpAnswer, group: string, applied: InvalidationVector): PeerReply {
    const isOld = !hasApplied(answer, applied);
    if (answer.status === 200) {
      // An empty body is an answer too, so that bytes alone do not tell it from a page of something else.
      if (!isProtobuf(answer.headers['content-type'])) {
        throw new PeerError(this.url, 'answered 200, not as a groupcache peer', { status: 200 });
      }
      if (isOld) throw this.#behind();
      try {
        return { outcome: 'value', ...decodeGetResponse(answer.body) };
      } catch (error) {
        throw this.#failure(`sent a malformed answer: it ${textOf(error)}`, error);
      }
    }
    const mark = markOf(answer);
    if (mark === 'not-found' && isOld) throw this.#behind();
    if (mark === 'not-found') return { outcome: 'notFound', ttlMs: ttlOf(answer) };
    if (mark === 'load') {
      try {
        const failure = failureFromJson(answer.body.toString('utf8'));
        return { outcome: 'failed', error: decodeFailure(this.#options.failures, failure, group, this.url) };
      } catch (error) {
        throw this.#failure(`sent a malformed failure`, error);
      }
    }
    if (mark === 'overloaded') return { outcome: 'failed', error: overloadedAt(group, this.url) };
    const what = mark === undefined ? `${answer.status}, not as a groupcache peer` : `${answer.status} (${mark})`;
    throw new PeerError(this.url, `answered ${what}`, { status: answer.status });
  }

  #behind(): PeerError {
    return new PeerError(this.url, 'has not applied yet what was removed here', { status: 200 });
  }

  #failure(reason: string, cause: unknown): PeerError {
    return new PeerError(this.url, reason, { cause });
  }
}

/**
 * Whether a peer had applied all that this process had when it asked. A Go peer says nothing of invalidations, and does not
 * know any.
 */
function hasApplied({ headers: answered }: HttpAnswer, vector: InvalidationVector): boolean {
  if (answered[headers.version] === undefined) return true;
  const seen = answered[headers.seen];
  return headerCovers(typeof seen === 'string' ? seen : undefined, vector);
}

/** Whether a refusal says nothing of the peer itself. A Go peer answers 500 without a mark when its getter fails. */
function isAboutTheQuestion(answer: HttpAnswer): boolean {
  const mark = markOf(answer);
  return (
    mark === 'unknown-group' ||
    mark === 'bad-request' ||
    mark === 'unanswered' ||
    mark === 'draining' ||
    (mark === undefined && answer.status === 500)
  );
}

function markOf({ headers: answered }: Pick<HttpAnswer, 'headers'>): FailureMark | undefined {
  return answered[headers.failure] as FailureMark | undefined;
}

/** How long "not found" may be kept; `undefined` where it is not said, or not in whole milliseconds. */
function ttlOf({ headers: answered }: HttpAnswer): number | undefined {
  const ttlMs = answered[headers.ttl];
  return typeof ttlMs === 'string' && /^\d{1,15}$/.test(ttlMs) ? Number(ttlMs) : undefined;
}

function isProtobuf(contentType: string | string[] | undefined): boolean {
  return typeof contentType === 'string' && /^application\/x-protobuf\b/i.test(contentType);
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message || error.name : String(error);
}
