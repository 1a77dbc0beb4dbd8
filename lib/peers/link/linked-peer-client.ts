import { AsyncLocalStorage } from 'node:async_hooks';
import { OverloadedError, PeerError } from '../../core/errors.js';
import type { SetResult } from '../../core/invalidation-result.js';
import type {
  PeerAnswer,
  PeerClient,
  PeerEntry,
  PeerReply,
  PeerRequest,
  PeerSetRequest,
} from '../../core/peer-picker.js';
import type { HttpPeerClient } from '../http-peer-client.js';
import type { Member } from '../membership.js';
import { takesBy } from '../own-share.js';
import type { PeerHealth } from '../peer-health.js';
import type { PeerUrl } from '../peer-url.js';
import { OpenQuestions } from './open-questions.js';
import type { LinkEnd, PeerLink } from './peer-link.js';
import type { PeerLinks } from './peer-links.js';

/** What a peer says of itself when a link to it opens. */
export interface PeerIntroduction {
  /** The share of its keys that it takes. */
  readonly share: number;
  /** Since when it has been serving, in milliseconds of this process's clock; endless: it is not yet. */
  readonly servingMs: number;
}

/**
 * Asks one peer over the link to it, and by Go's GET while there is none; no question waits for a link. A peer that is away is
 * asked nothing. What is too much to ask at a time is answered here, with an `OverloadedError`.
 */
export class LinkedPeerClient implements PeerClient, Member {
  readonly url: string;
  readonly #peer: PeerUrl;
  readonly #links: PeerLinks;
  readonly #http: HttpPeerClient;
  readonly #health: PeerHealth;
  readonly #open: OpenQuestions;
  #introduction: PeerIntroduction = { share: 1, servingMs: Number.POSITIVE_INFINITY };
  /** Connections that are opened on behalf of a question outlive it, and so must not belong to it. */
  readonly #outsideRequests = AsyncLocalStorage.snapshot();

  /** At most `maxQuestions` are open at a time. */
  constructor(peer: PeerUrl, links: PeerLinks, http: HttpPeerClient, health: PeerHealth, maxQuestions: number) {
    this.url = peer.url;
    this.#peer = peer;
    this.#links = links;
    this.#http = http;
    this.#health = health;
    this.#open = new OpenQuestions(http, maxQuestions);
  }

  takes(key: string): boolean {
    return !this.#health.isAway && takesBy(this.#introduction.share, key);
  }

  /** Whether it can be asked for what it holds, and be handed what this process holds. */
  get isLinked(): boolean {
    return this.#link?.invalidations !== undefined;
  }

  /** Whether it has said that it takes no keys any more. */
  get isLeaving(): boolean {
    return this.#introduction.share === 0;
  }

  /** Whether it was serving before `timeMs`, by its own word. */
  wasServingBefore(timeMs: number): boolean {
    return this.#introduction.servingMs < timeMs;
  }

  get(request: PeerRequest): Promise<PeerReply> {
    const link = this.#links.to(this.url);
    if (!this.#open.hasRoomOn(link)) return Promise.resolve(this.#refusal(request.group));
    if (link?.isOpen === true) return link.get(request);
    if (this.#health.isAway || request.isPeek === true) return Promise.reject(new PeerError(this.url, 'is away'));
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

  takeOver(entry: PeerEntry): Promise<boolean> {
    return this.#link?.takeOver(entry) ?? Promise.resolve(false);
  }

  #refusal(group: string): PeerReply & { readonly outcome: 'failed' } {
    const error = new OverloadedError(group, 'too many questions to the owner of a key are open', this.url);
    return { outcome: 'failed', error };
  }

  /** Has a link to the peer, or dials it. */
  dial(): void {
    if (this.#link === undefined) this.#links.want(this.#peer);
  }

  /** A link to the peer has opened. */
  opened(introduction: PeerIntroduction): void {
    this.#introduction = introduction;
    if (!this.isLeaving) this.#health.answered();
  }

  /** The peer takes this share of its keys from now on. */
  shareChanged(share: number): void {
    this.#introduction = { ...this.#introduction, share };
    if (this.isLeaving) this.#health.lost(undefined);
    else this.#health.answered();
  }

  /** There is no link to the peer any more. */
  closed(end: LinkEnd): void {
    if (end === 'silent') this.#health.lost(new PeerError(this.url, 'gave no sign of life any more'));
    else this.#health.failed();
  }

  /** The peer could not be dialed. */
  dialFailed(): void {
    this.#health.failed();
  }

  /** The peer has been found, not by a link: it says nothing of a share. */
  found(): void {
    if (this.#link === undefined) this.#introduction = { ...this.#introduction, share: 1 };
    this.dial();
  }

  /** As `HttpPeerClient.close`; the link is closed by the pool. */
  close(timeoutMs: number): Promise<void> {
    this.#health.close();
    return this.#http.close(timeoutMs);
  }

  get #link(): PeerLink | undefined {
    const link = this.#links.to(this.url);
    return link?.isOpen === true ? link : undefined;
  }
}
