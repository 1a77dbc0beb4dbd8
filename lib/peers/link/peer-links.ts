import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';
import type { InvalidationLog } from '../../core/invalidation-log.js';
import type { InvalidationResult } from '../../core/invalidation-result.js';
import type { FailureCodec } from '../failure-codec.js';
import type { PeerAuth } from '../peer-auth.js';
import type { PeerReception } from '../peer-reception.js';
import type { PeerTls } from '../peer-tls.js';
import type { PeerUrl } from '../peer-url.js';
import { headers, PROTOCOL_VERSION } from '../wire.js';
import { BootIds } from './boot-ids.js';
import { InvalidationExchange } from './invalidation-exchange.js';
import { LinkDial } from './link-dial.js';
import { shakeHands, type LinkHello } from './link-handshake.js';
import { MAX_MESSAGE_BYTES } from './link-output.js';
import type { PeerIntroduction } from './linked-peer-client.js';
import { PeerLink, type LinkEnd } from './peer-link.js';
import { TurnEnd } from './turn-end.js';

/** The pool, as its links see it. */
export interface LinkHost {
  readonly isLinking: boolean;
  readonly role: 'peer' | 'client';
  /** What is in force now. */
  readonly membership: () => {
    readonly self: string | undefined;
    readonly peers: readonly string[];
    readonly hasPeers: boolean;
  };
  readonly auth: PeerAuth | undefined;
  readonly tls: PeerTls | undefined;
  readonly bootId: string;
  readonly basePath: string;
  readonly failures: FailureCodec;
  readonly invalidations: InvalidationLog;
  /** Dials the peers to whom there is no link. */
  readonly dial: () => void;
  readonly maxResponseBytes: number;
  readonly connectTimeoutMs: number;
  /** What the ring is made of, by digest. */
  readonly ringDigest: () => string;
  /** What this process says of itself: see `LinkHello`. */
  readonly introduction: () => Pick<LinkHello, 'share' | 'servedMs'>;
  onLinkOpened(peer: string, introduction: PeerIntroduction): void;
  /** A peer has said what it has applied, and that has been applied here, or it does not take part in that. */
  onCaughtUp(peer: string): void;
  /** A peer could not be linked to; `isDeclined`: it has answered otherwise. */
  onDialFailed(peer: string, isDeclined: boolean): void;
  onShare(peer: string, share: number): void;
  /** This process was held up for so long that others may have taken it for gone. */
  onStalled(): void;
  onLinkClosed(peer: string, end: LinkEnd): void;
  onRingDiffers(peer: string): void;
  onUrlShared(peer: string): void;
}

/** Connections at a time whose other side has not proven itself yet. */
const MAX_UNPROVEN = 64;
/**
 * Links at a time that others have dialed, clients included, and connections that may become such: room for any list of peers,
 * and for clients beside it. Who is refused asks by GET, and dials again later.
 */
const MAX_ACCEPTED = 1_024;
const HANDSHAKE_TIMEOUT_MS = 5_000;
/** Three of these without a sign of life end a link. */
const HEARTBEAT_MS = 250;

/** How long the link of a peer that is listed no more stays, for what it has to hand over. */
const UNLISTED_MS = 10_000;

const SHORT_LIFE_MS = 1_000;
const CLIENT = 'of a client';

const socketOptions = {
  perMessageDeflate: false,
  maxPayload: MAX_MESSAGE_BYTES,
  skipUTF8Validation: true,
  // How long the other side may take to close.
  closeTimeout: 1_000,
};

/** How a link came about. */
interface Proof {
  readonly isDialer: boolean;
  readonly isMutual: boolean;
  /** When it was begun: before the other side has said anything. */
  readonly beganMs: number;
}

/** The links of one pool: at most one to each peer, whoever has dialed it, and those of clients. */
export class PeerLinks {
  readonly #host: LinkHost;
  readonly #acceptor = new WebSocketServer({ ...socketOptions, noServer: true, clientTracking: false });
  /** Those on which peers may be asked. */
  readonly #open = new Map<string, PeerLink>();
  /** Those that are not closed yet. */
  readonly #links = new Set<PeerLink>();
  readonly #unproven = new Set<WebSocket>();
  readonly #maxAccepted: number;
  /** Connections that others have dialed, proven or not, and that are not closed yet. */
  #accepted = 0;
  readonly #turnEnd = new TurnEnd();
  readonly #dials = new Map<string, LinkDial>();
  /** Peers of whom it has been told that their rings differ. */
  readonly #different = new Set<string>();
  readonly #bootIds = new BootIds();
  #reception: PeerReception | undefined;
  readonly #exchange: InvalidationExchange;
  readonly #openings = new Map<string, Set<() => void>>();
  #isLeaving = false;
  #isCutOff = false;

  /** `maxAccepted`: links at a time that others may dial, default 1,024. */
  constructor(host: LinkHost, maxAccepted = MAX_ACCEPTED) {
    this.#host = host;
    this.#maxAccepted = maxAccepted;
    this.#exchange = new InvalidationExchange({
      log: host.invalidations,
      links: () => this.#links,
      peers: () => this.#others,
      dial: host.dial,
    });
  }

  /** Lets links be answered by `reception` from now on. */
  serveWith(reception: PeerReception): void {
    this.#reception = reception;
  }

  /** The link on which `peer` can be asked. */
  to(peer: string): PeerLink | undefined {
    return this.#open.get(peer);
  }

  /** As `PeerPicker.confirm`. */
  confirm(seq: number, timeoutMs: number): Promise<InvalidationResult> {
    return this.#exchange.confirm(seq, timeoutMs);
  }

  /** The link to `peer`, once it is open; `undefined` after `timeoutMs`. */
  async opening(peer: PeerUrl, timeoutMs: number): Promise<PeerLink | undefined> {
    if (this.to(peer.url)?.isOpen !== true) {
      this.want(peer);
      await new Promise<void>((resolve) => {
        const waiting = this.#openings.get(peer.url) ?? new Set();
        this.#openings.set(peer.url, waiting);
        const end = (): void => {
          clearTimeout(timer);
          waiting.delete(end);
          resolve();
        };
        const timer = setTimeout(end, timeoutMs).unref();
        waiting.add(end);
      });
    }
    return this.to(peer.url);
  }

  /** Links that are not closed. */
  get size(): number {
    return this.#links.size;
  }

  /** Dials `peer` in the background, unless that is under way or has failed a short time ago. */
  want(peer: PeerUrl): void {
    const { isLinking, auth, tls, connectTimeoutMs, basePath } = this.#host;
    const { self } = this.#host.membership();
    if (!isLinking || this.#isLeaving || this.#isCutOff || auth === undefined) return;
    let dial = this.#dials.get(peer.url);
    if (dial === undefined) this.#dials.set(peer.url, (dial = new LinkDial()));
    if (!dial.begin(performance.now())) return;

    const socket = new WebSocket(`${peer.origin.replace(/^http/, 'ws')}${peer.pathPrefix}${basePath}`, {
      ...socketOptions,
      ...tls?.dialOptions,
      handshakeTimeout: connectTimeoutMs,
      headers: { [headers.version]: PROTOCOL_VERSION },
    });
    const beganMs = performance.now();
    let isDeclined = false;
    let isProven = false;
    let raw: Duplex | undefined;
    this.#unproven.add(socket);
    socket.once('unexpected-response', (_request, response) => {
      // 503 is said by one of ours that has no room now.
      isDeclined = response.statusCode !== 503;
      socket.terminate();
    });
    socket.on('error', () => undefined);
    socket.once('upgrade', (response) => (raw = response.socket));
    socket.once('close', () => {
      this.#unproven.delete(socket);
      if (isProven) return;
      dial.fail(performance.now(), isDeclined);
      this.#host.onDialFailed(peer.url, isDeclined);
    });
    socket.once('open', () => {
      shakeHands(socket, raw, {
        isDialer: true,
        isProvenByTls: tls?.isMutual === true,
        auth,
        hello: { ...this.#hello(), ...(self === undefined ? {} : { url: self }), to: peer.url },
        timeoutMs: HANDSHAKE_TIMEOUT_MS,
        refusal: (hello) => (hello.url === peer.url ? undefined : `it is ${hello.url}, not ${peer.url}`),
        onProven: (hello, isMutual) => {
          isProven = true;
          dial.succeed();
          this.#welcome(socket, raw!, hello, { isDialer: true, isMutual, beganMs });
        },
      });
    });
  }

  /** Takes a connection that asks to become a link. Closed, like all else, before there are peers. */
  accept(request: IncomingMessage, raw: Duplex, head: Buffer): void {
    const { isLinking, role, auth, tls } = this.#host;
    const { self, hasPeers } = this.#host.membership();
    if (!isLinking || role === 'client' || !hasPeers || auth === undefined) return refuse(raw, '404 Not Found');
    // A page in a browser may open WebSockets to anywhere, and says where it is from; a peer does not.
    if (request.headers.origin !== undefined) return refuse(raw, '403 Forbidden');
    const isFull = this.#unproven.size >= MAX_UNPROVEN || this.#accepted >= this.#maxAccepted;
    if (this.#isLeaving || this.#reception?.isDraining === true || isFull) {
      return refuse(raw, '503 Service Unavailable');
    }
    this.#acceptor.handleUpgrade(request, raw, head, (socket) => {
      // For its whole life: what is buffered may still be found malformed after it has been turned away.
      socket.on('error', () => undefined);
      this.#unproven.add(socket);
      this.#accepted++;
      socket.once('close', () => {
        this.#unproven.delete(socket);
        this.#accepted--;
      });
      const beganMs = performance.now();
      shakeHands(socket, raw, {
        isDialer: false,
        isProvenByTls: tls?.hasProven(raw) === true,
        auth,
        hello: { ...this.#hello(), url: self },
        timeoutMs: HANDSHAKE_TIMEOUT_MS,
        refusal: (hello) => this.#refusalOf(hello),
        onProven: (hello, isMutual) => this.#welcome(socket, raw, hello, { isDialer: false, isMutual, beganMs }),
      });
    });
  }

  /** Retires the links of peers that are listed no more, once they have had the time to hand over what they hold. */
  peersChanged(): void {
    const { peers } = this.#host.membership();
    for (const peer of this.#dials.keys()) if (!peers.includes(peer)) this.#dials.delete(peer);
    this.#bootIds.keepOnly(peers);
    for (const link of this.#links) {
      if (link.peer !== CLIENT && !peers.includes(link.peer)) {
        setTimeout(() => this.#retireUnlisted(link), UNLISTED_MS).unref();
      }
    }
  }

  #retireUnlisted(link: PeerLink): void {
    if (!this.#host.membership().peers.includes(link.peer)) link.retire();
  }

  /** Tells all which share of its keys this process takes. */
  tellShare(share: number): void {
    for (const link of this.#links) link.tellShare(share);
  }

  /** Says goodbye on all links, and takes no more. What is open is answered. */
  retire(): void {
    this.#isLeaving = true;
    for (const socket of this.#unproven) socket.terminate();
    for (const link of this.#links) link.retire();
  }

  /** As `retire`; resolves once all links are closed, at the latest after `timeoutMs`. */
  async close(timeoutMs: number): Promise<void> {
    this.retire();
    await Promise.all([...this.#links].map((link) => link.close(timeoutMs)));
    this.#exchange.close();
  }

  /** Closes the links that were dialed by others, as `close` does. */
  async closeAccepted(timeoutMs: number): Promise<void> {
    const accepted = [...this.#links].filter((link) => !link.isDialer);
    await Promise.all(accepted.map((link) => link.close(timeoutMs)));
  }

  /** As `cut`, and dials nobody any more, as one that nobody can reach. */
  cutOff(): void {
    this.#isCutOff = true;
    this.cut();
  }

  /** Cuts all connections, as a network does. */
  cut(): void {
    for (const socket of this.#unproven) socket.terminate();
    for (const link of this.#links) link.cut();
  }

  get #others(): readonly string[] {
    const { self, peers } = this.#host.membership();
    return peers.filter((peer) => peer !== self);
  }

  #hello(): Pick<LinkHello, 'bootId' | 'ring' | 'share' | 'servedMs'> {
    return { bootId: this.#host.bootId, ring: this.#host.ringDigest(), ...this.#host.introduction() };
  }

  #refusalOf({ url, to }: LinkHello): string | undefined {
    const { self, peers } = this.#host.membership();
    if (to !== self) return `this is ${self}, not ${to}`;
    if (url === undefined) return undefined;
    if (url === self) return 'this is the same peer';
    return peers.includes(url) ? undefined : `${url} is not listed here`;
  }

  #welcome(socket: WebSocket, raw: Duplex, hello: LinkHello, { isDialer, isMutual, beganMs }: Proof): void {
    this.#unproven.delete(socket);
    const { url } = hello;
    const { auth, role, failures, invalidations, maxResponseBytes } = this.#host;
    const { peers, self = '' } = this.#host.membership();
    if (this.#isLeaving || (url !== undefined && !peers.includes(url))) return socket.terminate();
    const openedMs = performance.now();
    let wasOpened = false;
    const link = new PeerLink(socket, raw, {
      peer: url ?? CLIENT,
      bootId: hello.bootId,
      isDialer,
      turnEnd: this.#turnEnd,
      failures,
      maxValueBytes: maxResponseBytes,
      invalidations: isMutual || isDialer || auth?.isOpen === true ? invalidations : undefined,
      onHeard: (heard) => {
        this.#exchange.heard(heard);
        heard.invalidations?.whenCaughtUp(() => this.#host.onCaughtUp(heard.peer));
      },
      onStalled: () => this.#host.onStalled(),
      onShare: (told, share) => {
        // Of who has come without a proof nobody knows whose share it is.
        if (this.#open.get(told.peer) === told) this.#host.onShare(told.peer, share);
      },
      reception: role === 'client' ? undefined : this.#reception,
      heartbeatMs: HEARTBEAT_MS,
      onRetired: () => {
        if (this.#open.get(link.peer) === link) this.#open.delete(link.peer);
      },
      onClosed: (_link, end) => {
        this.#links.delete(link);
        if (url === undefined || !wasOpened) return;
        // Opened and lost at once: not to be dialed again at once.
        if (isDialer && performance.now() - openedMs < SHORT_LIFE_MS)
          this.#dials.get(url)?.fail(performance.now(), false);
        if (this.#open.get(url) === undefined) this.#host.onLinkClosed(url, end);
      },
    });
    this.#links.add(link);
    this.#exchange.opened(link);
    this.#compareRings(url ?? CLIENT, hello.ring === this.#host.ringDigest());
    // Who has come without a proof could be anybody who says that he is `url`: he may ask, as by an unsigned GET, and is
    // not asked. Who was dialed has the address that this process has chosen.
    if (url === undefined || (!isDialer && !isMutual)) return;
    if (this.#bootIds.showsSharing(url, hello.bootId)) this.#host.onUrlShared(url);
    const rival = this.#open.get(url);
    // Of two that crossed, both ends keep the same one. A second one by the same side, or by another boot of the peer,
    // stands for the first, which is lost.
    const haveCrossed = rival !== undefined && rival.bootId === hello.bootId && rival.isDialer !== isDialer;
    if (haveCrossed && isDialer !== self < url) return link.retire();
    wasOpened = true;
    this.#open.set(url, link);
    rival?.retire();
    const { share = 1, servedMs = Number.NEGATIVE_INFINITY } = hello;
    this.#host.onLinkOpened(url, { share, servingMs: beganMs - servedMs });
    if (link.invalidations === undefined) this.#host.onCaughtUp(url);
    for (const opened of this.#openings.get(url) ?? []) opened();
  }

  #compareRings(peer: string, areAlike: boolean): void {
    if (areAlike) {
      this.#different.delete(peer);
    } else if (!this.#different.has(peer)) {
      this.#different.add(peer);
      this.#host.onRingDiffers(peer);
    }
  }
}

function refuse(raw: Duplex, status: string): void {
  raw.on('error', () => undefined);
  // Nobody else times it out or closes it any more.
  raw.once('finish', () => raw.destroy());
  raw.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}
