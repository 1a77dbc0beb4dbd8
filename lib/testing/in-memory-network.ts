import { randomUUID } from 'node:crypto';
import { systemClock, type Clock } from '../core/clock.js';
import { PeerError } from '../core/errors.js';
import { GroupRegistry, type GroupRegistryOptions } from '../core/group-registry.js';
import { HashRing } from '../core/hash-ring.js';
import { InvalidationLog } from '../core/invalidation-log.js';
import type { SetResult } from '../core/invalidation-result.js';
import type { PeerClient, PeerPicker, PeerReply, PeerRequest, PeerSetRequest } from '../core/peer-picker.js';
import { InvalidationExchange, type ExchangeLink } from '../peers/link/invalidation-exchange.js';
import { CATCH_UP_MS } from '../peers/link/link-answers.js';
import { LinkInvalidations } from '../peers/link/link-invalidations.js';

/** A process of an `InMemoryNetwork`. */
export interface InMemoryPeer {
  readonly url: string;
  readonly groups: GroupRegistry;
  readonly picker: PeerPicker;
}

export interface InMemoryNetworkOptions {
  /**
   * Has each message delivered, by calling `deliver` at any later time. Those from one peer to another arrive in the order
   * in which they were sent, whichever is called first. Default: in the next turn of the event loop.
   */
  readonly schedule?: (deliver: () => void) => void;
  /** Whether a message of this frame type of links, about invalidations, is lost. Default none. */
  readonly isLost?: (frameType: number) => boolean;
}

interface Process extends InMemoryPeer {
  readonly log: InvalidationLog;
  readonly exchange: InvalidationExchange;
  readonly clock: Clock;
}

/** One side of what connects two peers. */
interface LinkEnd extends ExchangeLink {
  readonly invalidations: LinkInvalidations;
}

/**
 * Peers in one process that ask each other by function calls instead of sockets: a second implementation of the ports,
 * for tests and simulations. What is removed at one is removed at all, as over links.
 */
export class InMemoryNetwork {
  readonly #schedule: (deliver: () => void) => void;
  readonly #isLost: (frameType: number) => boolean;
  readonly #peers = new Map<string, Process>();
  readonly #cut = new Set<string>();
  /** Lists of peers that have been told another one than the network's. */
  readonly #lists = new Map<string, HashRing>();
  /** By whose they are and to whom they go. */
  readonly #ends = new Map<Process, Map<Process, LinkEnd>>();
  /** What is under way, by from whom and to whom. */
  readonly #messages = new Map<string, (() => void)[]>();
  #ring = new HashRing([]);
  #questions = 0;

  constructor(options: InMemoryNetworkOptions = {}) {
    this.#schedule = options.schedule ?? ((deliver) => void setImmediate(deliver));
    this.#isLost = options.isLost ?? (() => false);
  }

  /** Questions asked between peers so far. */
  get questions(): number {
    return this.#questions;
  }

  /** Adds a peer, which every other one knows at once. One that is there under this URL is gone, without a word. */
  addPeer(url: string, options: Omit<GroupRegistryOptions, 'peers'> = {}): InMemoryPeer {
    const { clock = systemClock } = options;
    const log = new InvalidationLog(randomUUID());
    const ring = (): HashRing => this.#lists.get(url) ?? this.#ring;
    const exchange = new InvalidationExchange({
      log,
      clock,
      links: () => this.#endsOf(peer),
      peers: () => ring().peers.filter((other) => other !== url),
      dial: () => undefined,
    });
    const picker: PeerPicker = {
      invalidations: log,
      pickPeer: (key) => {
        const owner = ring().ownerOf(key);
        return owner === undefined || owner === url ? undefined : this.#clientFor(peer, owner);
      },
      confirm: (seq, timeoutMs) => exchange.confirm(seq, timeoutMs),
    };
    const groups = new GroupRegistry({ ...options, peers: picker });
    const peer: Process = { url, picker, groups, log, exchange, clock };
    this.#disconnect(url);
    this.#peers.get(url)?.exchange.close();
    this.#peers.set(url, peer);
    this.#ring = new HashRing([...this.#peers.keys()]);
    return peer;
  }

  /** The peer that owns `key` by the network's own list. */
  ownerOf(key: string): string | undefined {
    return this.#ring.ownerOf(key);
  }

  /** Makes `url` believe in a list of its own. */
  setList(url: string, peers: readonly string[]): void {
    this.#lists.set(url, new HashRing(peers));
  }

  /** From now on `url` neither asks nor answers. */
  cut(url: string): void {
    this.#cut.add(url);
    this.#disconnect(url);
  }

  /** `url` can be reached again. */
  mend(url: string): void {
    this.#cut.delete(url);
  }

  /** A client that asks `url`, for nobody who is in the network. */
  clientFor(url: string): PeerClient {
    return this.#clientFor(undefined, url);
  }

  #clientFor(from: Process | undefined, url: string): PeerClient {
    return {
      url,
      get: (request) => this.#ask(from, url, request),
      set: from === undefined ? undefined : (request) => this.#askToSet(from, url, request),
    };
  }

  async #ask(from: Process | undefined, url: string, request: PeerRequest): Promise<PeerReply> {
    this.#questions++;
    const deadline = new AbortController();
    const timer = setTimeout(
      () => deadline.abort(new PeerError(url, `did not answer within ${request.timeoutMs} ms`)),
      request.timeoutMs,
    ).unref();
    const signal = AbortSignal.any([request.signal, deadline.signal]);
    try {
      const peer = await this.#arrival(from, url);
      signal.throwIfAborted();
      const group = peer.groups.find(request.group);
      if (group === undefined) throw new PeerError(url, `does not know group "${request.group}"`);
      if (from !== undefined) await this.#caughtUp(peer, from);
      const reply = await group.serve(request.key, { signal });
      if (from !== undefined) await this.#passage(peer, from, url);
      return reply;
    } finally {
      clearTimeout(timer);
    }
  }

  async #askToSet(
    from: Process,
    url: string,
    { group: name, key, value, timeoutMs }: PeerSetRequest,
  ): Promise<SetResult> {
    const peer = await this.#arrival(from, url);
    const group = peer.groups.find(name);
    if (group === undefined) throw new PeerError(url, `does not know group "${name}"`);
    const result = await group.serveSet(key, value, timeoutMs);
    this.#endOf(peer, from)?.invalidations.tell();
    await this.#passage(peer, from, url);
    await this.#caughtUp(from, peer);
    return result;
  }

  /** A question has come to `url`, after what `from` has applied before it. */
  async #arrival(from: Process | undefined, url: string): Promise<Process> {
    const peer = this.#peers.get(url);
    if (from !== undefined && peer !== undefined) this.#endOf(from, peer)?.invalidations.tell();
    await this.#passage(from, peer, url);
    if (peer === undefined || this.#peers.get(url) !== peer || this.#cut.has(url)) {
      throw new PeerError(url, 'can not be reached');
    }
    return peer;
  }

  /** A message has come from `from` to `to`, who have not lost each other meanwhile; `url` is to blame if they have. */
  async #passage(from: Process | undefined, to: Process | undefined, url: string): Promise<void> {
    const end = from === undefined || to === undefined ? undefined : this.#endOf(from, to);
    // A message takes a turn of the event loop, as a real one would.
    await new Promise<void>((resolve) => this.#send(from?.url ?? '', to?.url ?? url, resolve));
    if (from === undefined || to === undefined) return;
    if (end === undefined || this.#ends.get(from)?.get(to) !== end) throw new PeerError(url, 'can not be reached');
  }

  /** `peer` has applied what `other` has told it. */
  async #caughtUp(peer: Process, other: Process): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const stopTimer = peer.clock.after(CATCH_UP_MS, () => {
        callOff?.();
        reject(new PeerError(peer.url, 'has not applied yet what was removed'));
      });
      const callOff = this.#endOf(peer, other)?.invalidations.whenCaughtUp(() => {
        stopTimer();
        resolve();
      });
    });
  }

  #send(from: string, to: string, arrive: () => void): void {
    const way = `${from} ${to}`;
    let messages = this.#messages.get(way);
    if (messages === undefined) this.#messages.set(way, (messages = []));
    messages.push(arrive);
    this.#schedule(() => messages.shift()!());
  }

  #endsOf(from: Process): LinkEnd[] {
    return [...this.#peers.values()].map((to) => this.#endOf(from, to)).filter((end) => end !== undefined);
  }

  /** What `from` says to `to` by; `undefined` if they can't reach each other. */
  #endOf(from: Process, to: Process): LinkEnd | undefined {
    const isThere = [from, to].every((peer) => this.#peers.get(peer.url) === peer && !this.#cut.has(peer.url));
    if (!isThere || from === to) return undefined;
    const ends = this.#ends.get(from) ?? new Map<Process, LinkEnd>();
    this.#ends.set(from, ends);
    let end = ends.get(to);
    if (end !== undefined) return end;
    const invalidations = new LinkInvalidations({
      log: from.log,
      write: (type, id, content) => {
        if (this.#isLost(type)) return;
        this.#send(from.url, to.url, () => {
          // What was under way when they lost each other is lost.
          if (this.#ends.get(from)?.get(to) === end) this.#endOf(to, from)?.invalidations.read(type, id, content);
        });
      },
      onHeard: () => from.exchange.heard(end!),
    });
    end = { peer: to.url, bootId: to.log.origin, invalidations };
    ends.set(to, end);
    from.exchange.opened(end);
    return end;
  }

  #disconnect(url: string): void {
    for (const [from, ends] of this.#ends) {
      if (from.url === url) this.#ends.delete(from);
      for (const to of ends.keys()) if (to.url === url) ends.delete(to);
    }
  }
}
