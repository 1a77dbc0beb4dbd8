import { FormerOwners, type FormerMember } from './former-owners.js';
import type { LinkEnd } from './link/peer-link.js';
import type { LinkHello } from './link/link-handshake.js';
import { Meeting } from './meeting.js';
import type { Membership } from './membership.js';
import { OwnShare } from './own-share.js';

/** Who has been alone for so long when others come is none who comes: others come to it. */
const SETTLED_MS = 10_000;

export interface PresenceOptions<Client> {
  /** For how long former owners are asked, see `HttpPoolOptions.warmTime`. */
  readonly warmMs: number;
  /** Whether this process owns keys, and whether it hears of others by links. */
  readonly isOwner: boolean;
  readonly isLinking: boolean;
  /** Tells the others which share of its keys this process takes. */
  readonly announce: (share: number) => void;
  /** Of the others that are in force. */
  readonly clients: () => ReadonlyMap<string, Client>;
}

/** How this process comes among others, is one of them, and leaves: what it says of itself, and whom it takes over from. */
export class Presence<Client extends FormerMember> {
  readonly share: OwnShare;
  readonly formerOwners: FormerOwners<Client>;
  /** Resolves once this process takes all of its keys. */
  readonly ready: Promise<void>;
  readonly #options: PresenceOptions<Client>;
  #setReady!: () => void;
  /** When it came among others, and when it had heard them. */
  #joinedMs: number | undefined;
  #servingMs: number | undefined;
  /** Since when it was in force that there is nobody else. */
  #aloneMs: number | undefined;
  #meeting: Meeting | undefined;
  /** Whether it has lost all others, and not found one again. */
  #isCutOff = false;
  #hasLeft = false;

  constructor(options: PresenceOptions<Client>) {
    this.#options = options;
    this.share = new OwnShare(options.announce);
    this.formerOwners = new FormerOwners(options.warmMs);
    this.ready = new Promise((resolve) => (this.#setReady = resolve));
  }

  /** See `PeerPicker.meeting`. */
  get meeting(): Promise<void> | undefined {
    return this.#meeting?.over;
  }

  /** What is said of it when a link opens. */
  get introduction(): Pick<LinkHello, 'share' | 'servedMs'> {
    const servedMs = this.#servingMs === undefined ? undefined : performance.now() - this.#servingMs;
    return { share: this.share.value, servedMs };
  }

  /** Another list is in force than `previous`. */
  listChanged(previous: Membership<Client>): void {
    const { clients, isLinking } = this.#options;
    if (previous.clients.size > 0) this.formerOwners.listChanged(previous);
    if (clients().size === 0 || !isLinking) {
      this.#aloneMs ??= performance.now();
      return this.#setReady();
    }
    const nowMs = performance.now();
    if (this.#aloneMs !== undefined && nowMs - this.#aloneMs > SETTLED_MS) this.#servingMs ??= this.#aloneMs;
    if (this.#servingMs !== undefined || this.#joinedMs !== undefined) return;
    this.#joinedMs = nowMs;
    this.#meeting = new Meeting(clients().keys());
    void this.#meeting.over.then(() => this.#heardAll());
  }

  /** `peer` has been heard, or can't be. */
  met(peer: string): void {
    this.#meeting?.met(peer);
  }

  linkOpened(): void {
    if (this.#isCutOff) this.formerOwners.arrived(performance.now());
    this.#isCutOff = false;
  }

  linkClosed(end: LinkEnd): void {
    const isAlone = ![...this.#options.clients().values()].some((client) => client.isLinked);
    if (end !== 'goodbye' && isAlone) this.#isCutOff = true;
  }

  /** It was held up for so long that others may have taken it for gone: they have stood for it, and it has a lot to do now. */
  stalled(): void {
    this.formerOwners.arrived(performance.now());
    if (this.#options.isOwner) void this.share.grow();
  }

  /** It takes no keys any more. */
  leave(): void {
    this.share.leave();
    this.#setReady();
  }

  close(): void {
    this.#hasLeft = true;
    this.#meeting?.end();
    this.#setReady();
  }

  #heardAll(): void {
    this.#meeting = undefined;
    this.#servingMs = performance.now();
    this.formerOwners.arrived(this.#joinedMs!);
    const isWarm = [...this.#options.clients().values()].some((client) => this.formerOwners.isSenior(client));
    if (isWarm && this.#options.isOwner && !this.#hasLeft) void this.share.grow().then(this.#setReady);
    else this.#setReady();
  }
}
