import type { Member, Membership } from './membership.js';

/** One of the others, as far as it may hold what is not its own any more. */
export interface FormerMember extends Member {
  /** Whether it can be asked for what it holds. */
  readonly isLinked: boolean;
  /** Whether it has said that it takes no keys any more. */
  readonly isLeaving: boolean;
  /** Whether it was serving before `timeMs`. */
  wasServingBefore(timeMs: number): boolean;
}

/** Peers that are asked for one key. */
const MAX_ASKED = 3;

const NOBODY: readonly never[] = [];

/** Lists that are remembered. */
const MAX_LISTS = 4;

/**
 * Who may hold a key from before it was this process's, for some time after something has changed: by a former list; the owner
 * that is leaving; or, of a process that has just come or has come back, who stood for it.
 */
export class FormerOwners<Client extends FormerMember> {
  readonly #warmMs: number;
  #lists: Membership<Client>[] = [];
  /** Until then it is worth a look. */
  #untilMs = Number.NEGATIVE_INFINITY;
  /** Who was serving before may have what is this process's now. */
  #arrivalMs = Number.NEGATIVE_INFINITY;

  /** For `warmMs` after each change. */
  constructor(warmMs: number) {
    this.#warmMs = warmMs;
  }

  /** `previous` is in force no more. */
  listChanged(previous: Membership<Client>): void {
    this.#lists = [previous, ...this.#lists].slice(0, MAX_LISTS);
    this.stir();
  }

  /** This process has come at `timeMs`, or could be reached by nobody until then. */
  arrived(timeMs: number): void {
    this.#arrivalMs = timeMs;
    this.stir();
  }

  /** Something has changed. */
  stir(): void {
    this.#untilMs = performance.now() + this.#warmMs;
  }

  /** Whether `client` had keys before this process came. */
  isSenior(client: Client): boolean {
    return client.wasServingBefore(this.#arrivalMs);
  }

  /** Who may hold `key`, and can be asked for it, the likeliest first. */
  pick(key: string, current: Membership<Client>): readonly Client[] {
    if (this.#untilMs < performance.now()) {
      this.#lists = [];
      return NOBODY;
    }
    const found = new Set<Client>();
    const leaving = ownerBy(current, key);
    if (leaving?.isLeaving === true && leaving.isLinked) found.add(leaving);
    const isSenior = (client: Client): boolean => client.isLinked && this.isSenior(client) && !found.has(client);
    // Who stood for this process before it came, or while it was away.
    const substitute = current.firstOther(key, isSenior);
    if (substitute !== undefined) found.add(substitute);
    for (const list of this.#lists) {
      const former = ownerBy(list, key);
      if (former?.isLinked === true) found.add(former);
    }
    const next = current.firstOther(key, isSenior);
    if (next !== undefined) found.add(next);
    return found.size === 0 ? NOBODY : [...found].slice(0, MAX_ASKED);
  }
}

/** `undefined` for this process, too. */
function ownerBy<Client extends Member>({ ring, clients }: Membership<Client>, key: string): Client | undefined {
  return clients.get(ring.ownerOf(key) ?? '');
}
