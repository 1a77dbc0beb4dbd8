import { createHash, randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { MAX_TIMER_MS } from '../core/duration.js';
import { ClosedError, InvalidOptionError, PeerError } from '../core/errors.js';
import { InvalidationLog } from '../core/invalidation-log.js';
import type { InvalidationResult } from '../core/invalidation-result.js';
import type { PeerClient, PeerPicker } from '../core/peer-picker.js';
import type { HttpPoolEvents } from './http-pool-events.js';
import { HttpPeerClient, type HttpPeerClientOptions } from './http-peer-client.js';
import { resolveHttpPoolOptions, type HttpPoolOptions, type ResolvedHttpPoolOptions } from './http-pool-options.js';
import { LinkedPeerClient, type PeerIntroduction } from './link/linked-peer-client.js';
import { PeerLinks, type LinkHost } from './link/peer-links.js';
import { Membership } from './membership.js';
import { PeerAuth } from './peer-auth.js';
import { PeerHealth } from './peer-health.js';
import { Presence } from './presence.js';
import { requireOneScheme, requireScheme } from './peer-scheme.js';
import { PeerTls } from './peer-tls.js';
import { parsePeerUrl, type PeerUrl } from './peer-url.js';
import type { TlsMaterial } from './tls-material.js';

/**
 * The peers of this process, which of them owns which key, and how to ask them: Go's `HTTPPool`.
 *
 * Nobody is asked and nothing is served before there is another peer; and there is none before `auth` is said.
 */
export class HttpPool implements PeerPicker {
  /** Which process this is: a random id, new at each start. */
  readonly bootId: string = randomUUID();

  readonly events = new EventEmitter<HttpPoolEvents>();

  /** What has been taken out of the caches of this process and of those that it has heard of. */
  readonly invalidations = new InvalidationLog(this.bootId);

  /**
   * The links to other peers.
   *
   * @internal
   */
  readonly links: PeerLinks;

  /**
   * TLS between peers, if `tls` says so.
   *
   * @internal
   */
  readonly tls: PeerTls | undefined;

  readonly #options: ResolvedHttpPoolOptions;
  readonly #auth: PeerAuth | undefined;
  #self: string | undefined;
  /** The list last asked for; in force once this process has its own URL. */
  #wanted: readonly PeerUrl[] = [];
  /** Ring and clients, replaced together: a get sees the one or the other list, never a mixture. */
  #current: Membership<LinkedPeerClient>;
  readonly #presence: Presence<LinkedPeerClient>;
  /** Of the peers to whom there is a link. */
  readonly #introductions = new Map<string, PeerIntroduction>();
  /** Clients of peers that are listed no more, until their last request has ended. */
  readonly #leaving = new Set<LinkedPeerClient>();
  #isClosed = false;

  /** Throws an `InvalidOptionError` naming the first option that is not acceptable. */
  constructor(options: HttpPoolOptions = {}) {
    this.#options = resolveHttpPoolOptions(options);
    const { auth, self } = this.#options;
    this.#auth = auth === undefined ? undefined : new PeerAuth(auth);
    if (self !== undefined) this.#self = this.#parse('self', self).url;
    this.#presence = new Presence({
      warmMs: this.#options.warmTimeMs,
      isOwner: this.role === 'peer',
      isLinking: this.isLinking,
      announce: (share) => this.links.tellShare(share),
      clients: () => this.#current.clients,
    });
    this.#current = this.#membershipOf([]);
    // Last of what may throw: it looks at files from then on.
    this.tls =
      this.#options.tls === undefined
        ? undefined
        : new PeerTls(this.#options.tls, {
            connectTimeoutMs: this.#options.connectTimeoutMs,
            onReloaded: (expires) => this.events.emit('tlsReloaded', { expires }),
            onReloadFailed: (error) => this.events.emit('tlsReloadFailed', { error }),
          });
    this.links = new PeerLinks(this.#linkHost());
  }

  /** This process's URL as it stands in the ring; `undefined` for a client and before `join`. */
  get self(): string | undefined {
    return this.#self;
  }

  get role(): 'peer' | 'client' {
    return this.#options.role;
  }

  /** Whether peers are asked over links, and may link to this one. */
  get isLinking(): boolean {
    return this.#options.link;
  }

  get basePath(): string {
    return this.#options.basePath;
  }

  /** The peers in force, sorted, with this process among them if it is listed. */
  get peers(): readonly string[] {
    return this.#current.ring.peers;
  }

  /**
   * Resolves once this process takes all of its keys: when it has joined the others of its list and has heard them, and, if
   * they have been serving before it came, within a second after that. At once where no list has been given.
   */
  get ready(): Promise<void> {
    return this.#wanted.length === 0 ? Promise.resolve() : this.#presence.ready;
  }

  /** Whether there is anybody else. */
  get hasPeers(): boolean {
    return this.#current.clients.size > 0;
  }

  /** Whether there are Go peers in the ring, as `goPeers` says. */
  get hasGoPeers(): boolean {
    return this.#options.goPeers;
  }

  /** Verifies what peers send; `undefined` until `auth` is said. */
  get auth(): PeerAuth | undefined {
    return this.#auth;
  }

  /**
   * Replaces the list of peers, which should have this process's own URL in it: Go's `HTTPPool.Set`.
   *
   * Gets that have begun end with the peers that they began with. Throws an `InvalidOptionError`, and changes nothing, if
   * an URL is not acceptable or if a peer is listed while `auth` or `self` is not said.
   */
  set(...urls: readonly string[]): void {
    if (this.#isClosed) throw new ClosedError('The pool');
    const wanted = new Map(urls.map((text) => this.#parse('peers', text)).map((peer) => [peer.url, peer]));
    const sorted = [...wanted.values()].toSorted((one, other) => (one.url < other.url ? -1 : 1));
    requireOneScheme(sorted);
    if (this.#self !== undefined || this.role === 'client') {
      this.#requireAuth(sorted, this.#self);
      this.#enforce(sorted);
    } else {
      if (!this.#options.joinsLater && sorted.length > 0) {
        throw new InvalidOptionError(
          'self',
          undefined,
          'with peers, say by which URL of their lists they reach this process',
        );
      }
      // A single URL may turn out to be this process's own.
      if (sorted.length > 1) this.#requireAuth(sorted, undefined);
    }
    this.#wanted = sorted;
  }

  /**
   * Says by which URL the others reach this process, if that was not known from the start, and puts the list of the last
   * `set` in force.
   */
  join(self: string): void {
    if (this.#isClosed) throw new ClosedError('The pool');
    const url = this.#parse('self', self).url;
    if (this.role === 'client') {
      throw new InvalidOptionError('self', self, `a pool of role 'client' owns nothing and has no URL`);
    }
    if (this.#self !== undefined && this.#self !== url) {
      throw new InvalidOptionError('self', self, `this process is already known as ${this.#self}`);
    }
    this.#requireAuth(this.#wanted, url);
    this.#self = url;
    this.#enforce(this.#wanted);
  }

  /** The URL of the peer that owns `key`, this process included; `undefined` while there are no peers. */
  ownerOf(key: string): string | undefined {
    return this.#current.ring.ownerOf(key);
  }

  /** Whether this process owns `key` by the list, whoever is away. */
  owns(key: string): boolean {
    const { ring, clients } = this.#current;
    return clients.size === 0 || ring.ownerOf(key) === this.#self;
  }

  /** The client of the peer that is to be asked for `key`: its owner, or who is next while that is away. */
  pickPeer(key: string): LinkedPeerClient | undefined {
    return this.#current.pick(key);
  }

  pickSubstitute(key: string, failed: readonly string[]): PeerClient | undefined {
    return this.#current.next(key, failed);
  }

  pickFormerOwners(key: string): readonly PeerClient[] {
    return this.#presence.formerOwners.pick(key, this.#current);
  }

  pickHeir(key: string): PeerClient | undefined {
    return this.#current.firstOther(key, (client) => client.isLinked && client.takes(key));
  }

  get meeting(): Promise<void> | undefined {
    return this.#presence.meeting;
  }

  /**
   * Takes no keys any more, and tells all peers so; others take them. This process can still ask. To be called by who shuts
   * it down, before `close`.
   */
  leave(): void {
    this.#presence.leave();
  }

  confirm(seq: number, timeoutMs: number): Promise<InvalidationResult> {
    return this.links.confirm(seq, timeoutMs);
  }

  /**
   * A client for any peer, listed or not, of the pool's own settings, to be closed by whoever asked for it. Throws an
   * `InvalidOptionError` without `auth`.
   */
  clientFor(url: string): HttpPeerClient {
    const peer = this.#parse('peers', url);
    this.#requireAuth([peer], undefined);
    return this.#newClient(peer);
  }

  /**
   * Reads the files of `tls` now, or replaces it by `material`, for new connections; links that are open stay. Returns
   * whether anything is different. Throws an `InvalidOptionError`, and changes nothing, if peers could not accept it.
   */
  reloadTls(material?: TlsMaterial): boolean {
    if (this.tls === undefined) throw new InvalidOptionError('tls', undefined, 'there is nothing to reload');
    return this.tls.reload(material);
  }

  /**
   * Asks nobody any more and closes all connections: after the requests under way, but at the latest after `timeoutMs`.
   * Gets go on, loading here. Can be called again.
   */
  async close(timeoutMs = 5_000): Promise<void> {
    this.#isClosed = true;
    const { clients } = this.#current;
    this.#current = this.#membershipOf([]);
    this.events.removeAllListeners();
    this.tls?.close();
    this.#presence.close();
    const closing = [...clients.values(), ...this.#leaving].map((client) => client.close(timeoutMs));
    await Promise.all([this.links.close(timeoutMs), ...closing]);
  }

  #enforce(wanted: readonly PeerUrl[]): void {
    const previous = this.#current;
    this.#current = this.#membershipOf(wanted, previous.clients);
    const { ring, clients } = this.#current;
    const removed = previous.ring.peers.filter((url) => !ring.peers.includes(url));
    const added = ring.peers.filter((url) => !previous.ring.peers.includes(url));
    for (const [url, client] of previous.clients) {
      if (!clients.has(url)) void this.#dismiss(client);
    }
    if (added.length + removed.length === 0) return;
    this.links.peersChanged();
    this.#presence.listChanged(previous);
    if (this.isLinking) for (const client of clients.values()) client.dial();
    this.events.emit('peersChanged', { peers: ring.peers, added, removed });
  }

  /** The client ends by itself once the requests under way are answered. */
  async #dismiss(client: LinkedPeerClient): Promise<void> {
    this.#leaving.add(client);
    await client.close(MAX_TIMER_MS);
    this.#leaving.delete(client);
  }

  #membershipOf(
    peers: readonly PeerUrl[],
    known: ReadonlyMap<string, LinkedPeerClient> = new Map(),
  ): Membership<LinkedPeerClient> {
    const { replicas, hash } = this.#options;
    const urls = peers.map((peer) => peer.url);
    const others = peers.filter((peer) => peer.url !== this.#self);
    const clients = new Map(others.map((peer) => [peer.url, known.get(peer.url) ?? this.#newPeerClient(peer)]));
    return new Membership(urls, clients, this.#self, this.#presence.share, { replicas, hash });
  }

  #newPeerClient(peer: PeerUrl): LinkedPeerClient {
    const { url } = peer;
    const health = new PeerHealth({
      probe: async () => {
        await http.check();
        if (client.isLinked && client.isLeaving) throw new PeerError(url, 'is leaving');
        client.found();
      },
      onChange: (state, error) => {
        if (state === 'up') this.events.emit('peerRecovered', { peer: url });
        else if (error === undefined) this.events.emit('peerLeaving', { peer: url });
        else {
          http.abandon(error);
          this.events.emit('peerFailing', { peer: url, error });
        }
      },
    });
    const http = this.#newClient(peer, {
      // What was asked before it said that it leaves may be answered after that.
      answered: () => {
        if (!client.isLeaving) health.answered();
      },
      failed: (error) => health.failed(error),
      lost: (error) => health.lost(error),
    });
    const client = new LinkedPeerClient(peer, this.links, http, health, this.#options.maxRequestsPerPeer);
    // It may have been listed until a moment ago.
    const introduction = this.#introductions.get(url);
    if (introduction !== undefined) client.opened(introduction);
    return client;
  }

  #linkHost(): LinkHost {
    const { link, role, basePath, failures, maxResponseBytes, connectTimeoutMs } = this.#options;
    return {
      isLinking: link,
      role,
      basePath,
      failures,
      maxResponseBytes,
      connectTimeoutMs,
      bootId: this.bootId,
      auth: this.#auth,
      tls: this.tls,
      invalidations: this.invalidations,
      dial: () => {
        for (const client of this.#current.clients.values()) client.dial();
      },
      introduction: () => this.#presence.introduction,
      membership: () => ({ self: this.#self, peers: this.peers, hasPeers: this.hasPeers }),
      ringDigest: () => this.#ringDigest,
      onLinkOpened: (peer, introduction) => {
        this.#introductions.set(peer, introduction);
        this.#current.clients.get(peer)?.opened(introduction);
        this.#presence.linkOpened();
        this.events.emit('linkOpened', { peer });
      },
      onCaughtUp: (peer) => this.#presence.met(peer),
      onDialFailed: (peer, isDeclined) => {
        this.#presence.met(peer);
        if (!isDeclined) this.#current.clients.get(peer)?.dialFailed();
      },
      onShare: (peer, share) => {
        const introduction = this.#introductions.get(peer);
        if (introduction !== undefined) this.#introductions.set(peer, { ...introduction, share });
        this.#current.clients.get(peer)?.shareChanged(share);
        if (share === 0) this.#presence.formerOwners.stir();
      },
      onStalled: () => this.#presence.stalled(),
      onLinkClosed: (peer, end) => {
        this.#introductions.delete(peer);
        this.#current.clients.get(peer)?.closed(end);
        this.#presence.linkClosed(end);
        this.events.emit('linkClosed', { peer });
      },
      onRingDiffers: (peer) => this.events.emit('ringDiffers', { peer }),
      onUrlShared: (peer) => this.events.emit('urlShared', { peer }),
    };
  }

  /** Of all that decides who owns a key. A hash is known by what it makes of a text. */
  get #ringDigest(): string {
    const { hash, replicas } = this.#options;
    const text = JSON.stringify([hash('groupcache'), replicas, this.peers]);
    return createHash('sha256').update(text).digest('base64url').slice(0, 22);
  }

  #newClient(peer: PeerUrl, health?: HttpPeerClientOptions['health']): HttpPeerClient {
    const { basePath, failures, goPeers, maxKeyBytes, maxResponseBytes, maxConnectionsPerPeer, connectTimeoutMs } =
      this.#options;
    return new HttpPeerClient(peer, {
      basePath,
      failures,
      maxKeyBytes,
      maxResponseBytes,
      connectTimeoutMs,
      invalidations: this.invalidations,
      maxConnections: maxConnectionsPerPeer,
      auth: this.#auth!,
      tls: this.tls,
      mayBeGo: goPeers,
      health,
    });
  }

  #requireAuth(peers: readonly PeerUrl[], self: string | undefined): void {
    if (this.#auth !== undefined || peers.every((peer) => peer.url === self)) return;
    throw new InvalidOptionError(
      'auth',
      undefined,
      `it must be said before there are other peers: { secret: '...' }, the same at all of them, so that nobody else ` +
        `can read the cache; or 'none' in so many words, for a network that only peers can reach`,
    );
  }

  #parse(option: string, text: string): PeerUrl {
    const peer = parsePeerUrl(option, text, this.#options.goPeers);
    requireScheme(option, peer, this.#options.tls !== undefined);
    return peer;
  }
}
