import type { IncomingMessage, ServerResponse } from 'node:http';
import { toBytes, type ByteSize } from '../core/byte-size.js';
import type { Group } from '../core/group.js';
import { handOver } from '../core/hand-over.js';
import { within } from '../core/within.js';
import type { PeerReply } from '../core/peer-picker.js';
import { failureToJson, type FailureCodec } from './failure-codec.js';
import { encodeGetResponse } from './get-response.js';
import type { HttpPool } from './http-pool.js';
import { PeerReception, type PeerReceptionOptions } from './peer-reception.js';
import { vectorToHeader } from './vector-header.js';
import { decodePath } from './wire-path.js';
import { headers, PROTOCOL_VERSION, type FailureMark } from './wire.js';

export interface PeerServerOptions extends PeerReceptionOptions {
  readonly pool: HttpPool;
  /** Bytes of keys and values that are handed over to other peers by one that leaves. 0: nothing. Default `'256MiB'`. */
  readonly handOverBytes?: ByteSize;
}

/**
 * Answers peers by Go's protocol, on whatever server it is mounted, and over the links of its pool: the serving half of
 * Go's `HTTPPool`.
 *
 * Works on the raw request target: an application's routers decode and clean paths, which loses keys. Never asks another
 * peer. Closed unless the pool has peers: everything then gets 404.
 */
export class PeerServer {
  readonly pool: HttpPool;
  readonly #reception: PeerReception;
  readonly #handOverBytes: number;
  #drained: Promise<void> | undefined;

  /** Throws an `InvalidOptionError` naming the first option that is not acceptable. */
  constructor({ pool, handOverBytes = '256MiB', ...options }: PeerServerOptions) {
    this.pool = pool;
    this.#handOverBytes = handOverBytes === 0 ? 0 : toBytes('handOverBytes', handOverBytes);
    this.#reception = new PeerReception(options);
    pool.links.serveWith(this.#reception);
  }

  /** Whether `target`, a raw request target, is under the pool's base path. */
  accepts(target: string): boolean {
    return target.startsWith(this.pool.basePath);
  }

  /**
   * Answers one request. `target` is the raw request target, where a framework has rewritten `request.url`.
   *
   * Never throws; the response has been ended, or its connection is gone, when the promise resolves.
   */
  async handle(request: IncomingMessage, response: ServerResponse, target = request.url ?? ''): Promise<void> {
    const answer = new Answer(request, response, this);
    const refusal = this.#refusalOf(request, target);
    if (refusal !== undefined) return answer.refuse(...refusal);

    const query = target.indexOf('?');
    const path = decodePath(target.slice(this.pool.basePath.length, query < 0 ? undefined : query));
    if (path === undefined) {
      return answer.refuse(400, 'bad-request', 'expected {group}/{key}, both percent-encoded UTF-8');
    }
    const group = this.#reception.find(path.group);
    if (group === undefined) return answer.refuse(404, 'unknown-group', `no such group: ${path.group}`);

    this.#reception.enter();
    try {
      await this.#serve(group, path.key, request, answer);
    } finally {
      this.#reception.leave();
    }
  }

  /**
   * Has other peers take this one's place: hands them what is held of its keys, for half of `timeoutMs` at most, tells them
   * that it leaves, refuses further questions, and resolves once those under way are answered and the loads under way have
   * ended, or `timeoutMs` is over. This process can still ask. A later call waits for the first one's end.
   */
  drain(timeoutMs: number): Promise<void> {
    this.#drained ??= this.#drain(timeoutMs);
    return this.#drained;
  }

  get bootId(): string {
    return this.pool.bootId;
  }

  /** Whether this peer is leaving. */
  get isDraining(): boolean {
    return this.#reception.isDraining;
  }

  #refusalOf(request: IncomingMessage, target: string): [number, FailureMark | undefined, string] | undefined {
    const { auth, hasPeers, role, self = '' } = this.pool;
    if (!this.accepts(target)) return [404, undefined, 'not found'];
    if (!hasPeers || role === 'client' || auth === undefined) return [404, undefined, 'not found'];
    if (request.method !== 'GET') return [405, 'bad-request', 'only GET is understood'];
    const refusal = auth.refusal({ method: 'GET', peer: self, target }, (name) => headerOf(request, name));
    if (refusal !== undefined) return [401, 'unauthorized', refusal];
    const mark = this.#reception.refusal();
    if (mark === undefined) return undefined;
    return [503, mark, mark === 'draining' ? 'this peer is leaving' : 'too many requests at once'];
  }

  async #drain(timeoutMs: number): Promise<void> {
    const { groups } = this.#reception;
    const startMs = performance.now();
    if (this.pool.links.size > 0 && this.#handOverBytes > 0) {
      await handOver(groups, { peers: this.pool, maxBytes: this.#handOverBytes, timeoutMs: timeoutMs / 2 });
    }
    this.pool.leave();
    const leftMs = Math.max(0, timeoutMs - (performance.now() - startMs));
    const settled = Promise.all(groups.map((group) => group.ownLoadsSettled()));
    await Promise.all([this.#reception.drain(leftMs), within(settled, leftMs)]);
  }

  async #serve(group: Group<unknown>, key: string, request: IncomingMessage, answer: Answer): Promise<void> {
    const wait = new PeerWait(request, answer.response);
    try {
      const reply = await group.serve(key, wait);
      if (this.#reception.isUnsaid(reply)) {
        answer.refuse(503, 'draining', 'this peer is leaving');
      } else {
        answer.reply(reply, this.#reception.failures);
      }
    } catch {
      // The asker has gone, or its time is over: nobody reads this.
      answer.refuse(504, 'unanswered', 'the asker did not wait for the load');
    } finally {
      wait.end();
    }
  }
}

/** How long an asker waits: until its connection closes, or as long as it said. The signal is made when first read. */
class PeerWait {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  #controller: AbortController | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #abort = (): void => this.#controller?.abort(new Error('the asking peer does not wait any more'));

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.#request = request;
    this.#response = response;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#response.destroyed || this.#response.socket?.destroyed === true) this.#abort();
      this.#response.once('close', this.#abort);
      const timeoutMs = Number(headerOf(this.#request, headers.timeout));
      if (timeoutMs > 0 && timeoutMs < 2 ** 31) this.#timer = setTimeout(this.#abort, timeoutMs).unref();
    }
    return this.#controller.signal;
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#response.off('close', this.#abort);
  }
}

const TEXT = 'text/plain; charset=utf-8';

/** Writes one response. To be made when the question has come. */
class Answer {
  /** What had been applied then: the answer may be that of a load that has begun before what is applied meanwhile. */
  readonly #seen: string | undefined;

  constructor(
    readonly request: IncomingMessage,
    readonly response: ServerResponse,
    readonly server: Pick<PeerServer, 'bootId' | 'isDraining' | 'pool'>,
  ) {
    this.#seen = vectorToHeader(server.pool.invalidations.vector);
  }

  reply(reply: PeerReply, failures: FailureCodec): void {
    switch (reply.outcome) {
      case 'value':
        return this.#end(200, 'application/x-protobuf', encodeGetResponse(reply), {});
      case 'notFound':
        return this.#fail(404, 'not-found', TEXT, 'not found\n', ttlHeader(reply.ttlMs));
      case 'failed':
        // Go's peers read a text; ours read what lets them throw the same error again.
        return this.#isAskedByOurs
          ? this.#fail(500, 'load', 'application/json', failureToJson(failures, reply.error))
          : this.#fail(500, 'load', TEXT, reply.error.message);
    }
  }

  /** An answer that is no value. Without a `mark` it does not show what stands here. */
  refuse(status: number, mark: FailureMark | undefined, text: string): void {
    if (mark === undefined) this.#end(status, TEXT, Buffer.from(`${text}\n`), undefined);
    else this.#fail(status, mark, TEXT, `${text}\n`);
  }

  get #isAskedByOurs(): boolean {
    return headerOf(this.request, headers.version) !== undefined;
  }

  #fail(status: number, mark: FailureMark, contentType: string, text: string, own?: Record<string, string>): void {
    this.#end(status, contentType, Buffer.from(text), { [headers.failure]: mark, ...own });
  }

  #end(status: number, contentType: string, body: Buffer, own: Record<string, string> | undefined): void {
    const { response } = this;
    if (response.destroyed || response.headersSent) return;
    const identity =
      own === undefined
        ? {}
        : {
            [headers.version]: PROTOCOL_VERSION,
            [headers.bootId]: this.server.bootId,
            ...(this.#seen === undefined ? {} : { [headers.seen]: this.#seen }),
            ...own,
          };
    // Or a connection on which peers go on asking would keep the application's server from closing.
    if (this.server.isDraining) response.shouldKeepAlive = false;
    response.writeHead(status, {
      'content-type': contentType,
      'content-length': body.length,
      // Nothing on the way may compress or keep what peers say.
      'cache-control': 'no-store, no-transform',
      ...identity,
    });
    response.end(body);
  }
}

function ttlHeader(ttlMs: number | undefined): Record<string, string> {
  return ttlMs === undefined ? {} : { [headers.ttl]: String(Math.floor(ttlMs)) };
}

function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' ? value : undefined;
}
