import { HashRing, type HashRingOptions } from '../core/hash-ring.js';

/** One of the others, as far as it decides who is asked. */
export interface Member {
  readonly url: string;
  /** Whether it can be asked, and takes `key` if it is next for it. */
  takes(key: string): boolean;
}

/** How many peers in their order on the ring are looked at for one that can be asked. */
const MAX_NEXT = 8;

/**
 * Who is there and who owns what: one list, with a ring and a client for each of the others. Never changes.
 *
 * Whose turn a key is: its owner's; if that is away, or takes less than all of its keys, the next one's on the ring; so all
 * who know the same of the peers ask the same one.
 */
export class Membership<Client extends Member> {
  readonly ring: HashRing;
  /** Of the others. */
  readonly clients: ReadonlyMap<string, Client>;
  readonly #self: string | undefined;
  readonly #own: Pick<Member, 'takes'>;

  constructor(
    urls: readonly string[],
    clients: ReadonlyMap<string, Client>,
    self: string | undefined,
    own: Pick<Member, 'takes'>,
    options: HashRingOptions,
  ) {
    this.ring = new HashRing(urls, options);
    this.clients = clients;
    this.#self = self;
    this.#own = own;
  }

  /** Who is to be asked for `key`; `undefined`: this process loads it. */
  pick(key: string): Client | undefined {
    if (this.clients.size === 0) return undefined;
    const owner = this.ring.ownerOf(key)!;
    if (owner === this.#self) {
      if (this.#own.takes(key)) return undefined;
    } else {
      const client = this.clients.get(owner)!;
      if (client.takes(key)) return client;
    }
    return this.next(key, [owner]);
  }

  /** Who is next for `key` without those of `passed`; `undefined`: this process, or nobody. */
  next(key: string, passed: readonly string[]): Client | undefined {
    for (const url of this.ring.ownersOf(key, MAX_NEXT)) {
      if (passed.includes(url)) continue;
      const member = url === this.#self ? this.#own : this.clients.get(url)!;
      if (member.takes(key)) return this.clients.get(url);
    }
    return undefined;
  }

  /** The first one of the others after this process for which `isRight`. */
  firstOther(key: string, isRight: (client: Client) => boolean): Client | undefined {
    for (const url of this.ring.ownersOf(key, MAX_NEXT)) {
      const client = this.clients.get(url);
      if (client !== undefined && isRight(client)) return client;
    }
    return undefined;
  }
}
