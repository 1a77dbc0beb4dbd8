import { PeerError } from '../core/errors.js';
import { GroupRegistry, type GroupRegistryOptions } from '../core/group-registry.js';
import { HashRing } from '../core/hash-ring.js';
import type { PeerClient, PeerPicker, PeerReply, PeerRequest } from '../core/peer-picker.js';

/** A process of an `InMemoryNetwork`. */
export interface InMemoryPeer {
  readonly url: string;
  readonly groups: GroupRegistry;
  readonly picker: PeerPicker;
}

/**
 * Peers in one process that ask each other by function calls instead of sockets: a second implementation of the ports,
 * for tests and simulations.
 */
export class InMemoryNetwork {
  readonly #peers = new Map<string, InMemoryPeer>();
  readonly #cut = new Set<string>();
  /** Lists of peers that have been told another one than the network's. */
  readonly #lists = new Map<string, HashRing>();
  #ring = new HashRing([]);
  #questions = 0;

  /** Questions asked between peers so far. */
  get questions(): number {
    return this.#questions;
  }

  /** Adds a peer, which every other one knows at once. */
  addPeer(url: string, options: Omit<GroupRegistryOptions, 'peers'> = {}): InMemoryPeer {
    const picker: PeerPicker = {
      pickPeer: (key) => {
        const owner = (this.#lists.get(url) ?? this.#ring).ownerOf(key);
        return owner === undefined || owner === url ? undefined : this.clientFor(owner);
      },
    };
    const peer: InMemoryPeer = { url, picker, groups: new GroupRegistry({ ...options, peers: picker }) };
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

  /** From now on `url` does not answer. */
  cut(url: string): void {
    this.#cut.add(url);
  }

  /** `url` answers again. */
  mend(url: string): void {
    this.#cut.delete(url);
  }

  /** A client that asks `url`. */
  clientFor(url: string): PeerClient {
    return { url, get: (request) => this.#deliver(url, request) };
  }

  async #deliver(url: string, request: PeerRequest): Promise<PeerReply> {
    this.#questions++;
    // A message takes a turn of the event loop, as a real one would.
    await new Promise((resolve) => setImmediate(resolve));
    const deadline = new AbortController();
    const timer = setTimeout(
      () => deadline.abort(new PeerError(url, `did not answer within ${request.timeoutMs} ms`)),
      request.timeoutMs,
    ).unref();
    try {
      return await this.#serve(url, request, AbortSignal.any([request.signal, deadline.signal]));
    } finally {
      clearTimeout(timer);
    }
  }

  async #serve(url: string, request: PeerRequest, signal: AbortSignal): Promise<PeerReply> {
    signal.throwIfAborted();
    const peer = this.#peers.get(url);
    if (peer === undefined || this.#cut.has(url)) throw new PeerError(url, 'can not be reached');
    const group = peer.groups.find(request.group);
    if (group === undefined) throw new PeerError(url, `does not know group "${request.group}"`);
    return group.serve(request.key, { signal });
  }
}
