import { AsyncLocalStorage } from 'node:async_hooks';
import { OverloadedError, PeerError } from '../../core/errors.js';
import type { SetResult } from '../../core/invalidation-result.js';
import type { PeerAnswer, PeerClient, PeerReply, PeerRequest, PeerSetRequest } from '../../core/peer-picker.js';
import type { HttpPeerClient } from '../http-peer-client.js';
import type { PeerUrl } from '../peer-url.js';
import { OpenQuestions } from './open-questions.js';
import type { PeerLinks } from './peer-links.js';

/**
 * Asks one peer over the link to it, and by Go's GET while there is none; no question waits for a link. What is too much to
 * ask at a time is answered here, with an `OverloadedError`.
 */
export class LinkedPeerClient implements PeerClient {
  readonly url: string;
  readonly #peer: PeerUrl;
  readonly #links: PeerLinks;
  readonly #http: HttpPeerClient;
  readonly #open: OpenQuestions;
  /** Connections that are opened on behalf of a question outlive it, and so must not belong to it. */
  readonly #outsideRequests = AsyncLocalStorage.snapshot();

  /** At most `maxQuestions` are open at a time. */
  constructor(peer: PeerUrl, links: PeerLinks, http: HttpPeerClient, maxQuestions: number) {
    this.url = peer.url;
    this.#peer = peer;
    this.#links = links;
    this.#http = http;
    this.#open = new OpenQuestions(http, maxQuestions);
  }

  get(request: PeerRequest): Promise<PeerReply> {
    const link = this.#links.to(this.url);
    if (!this.#open.hasRoomOn(link)) return Promise.resolve(this.#refusal(request.group));
    if (link?.isOpen === true) return link.get(request);
    this.#links.want(this.#peer);
    return this.#http.get(request);
  }

  ask(request: PeerRequest, answer: PeerAnswer): void {
    const link = this.#links.to(this.url);
    if (!this.#open.hasRoomOn(link)) return answer.answered(this.#refusal(request.group));
    if (link?.isOpen === true) return link.ask(request, answer);
    this.#outsideRequests(() => this.get(request)).then(
      (reply) => answer.answered(reply),
      (error: unknown) => answer.failed(error),
    );
  }

  async set(request: PeerSetRequest): Promise<SetResult> {
    const link = await this.#links.opening(this.#peer, request.timeoutMs);
    if (link === undefined) throw new PeerError(this.url, 'is not linked');
    if (!this.#open.hasRoomOn(link)) throw this.#refusal(request.group).error;
    return link.set(request);
  }

  #refusal(group: string): PeerReply & { readonly outcome: 'failed' } {
    const error = new OverloadedError(group, 'too many questions to the owner of a key are open', this.url);
    return { outcome: 'failed', error };
  }

  /** Has a link to the peer, or dials it. */
  dial(): void {
    if (this.#links.to(this.url)?.isOpen !== true) this.#links.want(this.#peer);
  }

  /** The peer has shown otherwise that it is there. */
  noteAnswer(): void {
    this.#http.noteAnswer();
  }

  /** As `HttpPeerClient.close`; the link is closed by the pool. */
  close(timeoutMs: number): Promise<void> {
    return this.#http.close(timeoutMs);
  }
}
