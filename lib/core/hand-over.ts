import { setImmediate } from 'node:timers';
import type { Group } from './group.js';
import type { PeerClient, PeerEntry, PeerPicker } from './peer-picker.js';
import { within } from './within.js';

/** Entries that are under way at a time. */
const WINDOW = 64;

/** Entries after which others have their turn. */
const KEYS_A_TURN = 256;

export interface HandOverOptions {
  readonly peers: PeerPicker;
  /** Bytes of keys and values, at most. */
  readonly maxBytes: number;
  /** Milliseconds, at most; what is under way then is not waited for. */
  readonly timeoutMs: number;
}

export interface HandOverResult {
  /** Entries that their next owners have taken. */
  readonly taken: number;
  /** Entries that they have not: they had them, could not be asked, or there was no time or room. */
  readonly left: number;
}

/**
 * Gives what `groups` hold of keys of this process, which is leaving, to who owns them next: what is asked for most first,
 * of every group.
 *
 * Never rejects. Nothing is taken out here: gets go on.
 */
export async function handOver(groups: Iterable<Group<unknown>>, options: HandOverOptions): Promise<HandOverResult> {
  const run = new HandOver([...groups], options);
  return run.run();
}

interface Holding {
  readonly group: Group<unknown>;
  readonly key: string;
}

class HandOver {
  readonly #options: HandOverOptions;
  readonly #holdings: readonly Holding[];
  #next = 0;
  #bytes = 0;
  #taken = 0;
  #isOver = false;
  #leftInTurn = KEYS_A_TURN;
  #turn: Promise<void> | undefined;

  constructor(groups: readonly Group<unknown>[], options: HandOverOptions) {
    this.#options = options;
    this.#holdings = interleave(groups.map((group) => group.hottestKeys().map((key) => ({ group, key }))));
  }

  async run(): Promise<HandOverResult> {
    const senders = Promise.all(Array.from({ length: WINDOW }, () => this.#send()));
    await within(senders, this.#options.timeoutMs);
    this.#isOver = true;
    return { taken: this.#taken, left: this.#holdings.length - this.#taken };
  }

  async #send(): Promise<void> {
    while (!this.#isOver && this.#next < this.#holdings.length) {
      if (this.#leftInTurn === 0) {
        await this.#nextTurn();
        continue;
      }
      this.#leftInTurn--;
      const { group, key } = this.#holdings[this.#next++]!;
      const heir = this.#options.peers.pickHeir?.(key);
      // What has been removed since it was listed is not there any more.
      const value = heir?.takeOver === undefined ? undefined : group.movable(key);
      if (value === undefined) continue;
      this.#bytes += Buffer.byteLength(key) + value.value.length;
      if (this.#bytes > this.#options.maxBytes) return;
      if (await this.#give(heir!, { group: group.name, key, value })) this.#taken++;
    }
  }

  /** Or those for whom nobody is asked would keep everything else from happening. */
  #nextTurn(): Promise<void> {
    this.#turn ??= new Promise((resolve) =>
      setImmediate(() => {
        this.#turn = undefined;
        this.#leftInTurn = KEYS_A_TURN;
        resolve();
      }),
    );
    return this.#turn;
  }

  async #give(heir: PeerClient, entry: PeerEntry): Promise<boolean> {
    try {
      return await heir.takeOver!(entry);
    } catch {
      // It loads the key itself when it is asked for it.
      return false;
    }
  }
}

/** One of each list after the other. */
function interleave<Item>(lists: readonly (readonly Item[])[]): Item[] {
  const longest = Math.max(0, ...lists.map(({ length }) => length));
  const all: Item[] = [];
  for (let index = 0; index < longest; index++) {
    for (const list of lists) if (index < list.length) all.push(list[index]!);
  }
  return all;
}
