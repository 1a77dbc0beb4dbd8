import type { GetRecord, History, LoadRecord, RemovalRecord } from './history.js';
import type { DroppedFrame } from './fault-proxy.js';

type Writable<Type> = { -readonly [Name in keyof Type]: Type[Name] };

/** What one peer has applied of one origin, in its order. */
interface Applied {
  readonly seqs: number[];
  readonly times: number[];
}

/** A removal by key whose number is known. */
interface Numbered {
  readonly origin: string;
  readonly seq: number;
  readonly key: string;
}

/** A get of a key that another peer owns, for the count of those whose owner lags. */
interface ForeignGet {
  readonly peer: string;
  readonly owner: string;
  readonly key: string;
  readonly start: number;
}

/** Writes down what a run has done, and counts how often it came to what is to be checked. */
export class Recorder {
  readonly loads: Writable<LoadRecord>[] = [];
  readonly gets: GetRecord[] = [];
  readonly removals: RemovalRecord[] = [];
  hits = 0;
  /** Gets of a key about whose owner the lists of two peers disagree. */
  disputedGets = 0;
  failed = 0;
  readonly #applied = new Map<string, Map<string, Applied>>();
  readonly #numbered = new Map<string, Numbered>();
  readonly #foreign: ForeignGet[] = [];
  readonly #dropped: (DroppedFrame & { readonly peer: string; readonly time: number })[] = [];

  constructor(readonly tagOf: (key: string) => string) {}

  get history(): History {
    return this;
  }

  applied(peer: string, origin: string, seq: number, time: number): void {
    let own = this.#applied.get(peer);
    if (own === undefined) this.#applied.set(peer, (own = new Map()));
    let applied = own.get(origin);
    if (applied === undefined) own.set(origin, (applied = { seqs: [], times: [] }));
    applied.seqs.push(seq);
    applied.times.push(time);
  }

  /** A removal by key has been given a number. */
  numbered(origin: string, seq: number, key: string): void {
    this.#numbered.set(`${origin} ${seq}`, { origin, seq, key });
  }

  foreignGet(get: ForeignGet): void {
    this.#foreign.push(get);
  }

  /** `peer` has not been told something, at `time`. */
  dropped(frame: DroppedFrame, peer: string, time: number): void {
    this.#dropped.push({ ...frame, peer, time });
  }

  /** Milliseconds from when a frame was lost to when the last of what it said was applied, ascending. */
  convergence(): { readonly sortedMs: readonly number[]; readonly unknown: number } {
    const all = this.#dropped.map(({ peer, origin, upTo, time }) => this.#appliedAt(peer, origin, upTo) - time);
    const known = all.filter((time) => time !== Number.POSITIVE_INFINITY).map((time) => Math.max(0, time / 1e6));
    return { sortedMs: known.toSorted((one, other) => one - other), unknown: all.length - known.length };
  }

  /** Removals of a key whose load was under way somewhere when they were called. */
  overlappingRemovals(): number {
    const byKey = groupBy(this.loads, ({ key }) => key);
    const byTag = groupBy(this.loads, ({ key }) => this.tagOf(key));
    return this.removals.filter(({ kind, subject, start }) =>
      isAnyUnderWay(kind === 'all' ? this.loads : kind === 'tag' ? byTag.get(subject) : byKey.get(subject), start),
    ).length;
  }

  /** Gets at a peer of a key whose last removal it had applied and the key's owner, by its list, had not. */
  laggingGets(): number {
    const events: { time: number; peer: string; numbered?: Numbered; get?: ForeignGet }[] = [];
    for (const [peer, origins] of this.#applied) {
      for (const [origin, { seqs, times }] of origins) {
        for (const [index, seq] of seqs.entries()) {
          const numbered = this.#numbered.get(`${origin} ${seq}`);
          if (numbered !== undefined) events.push({ time: times[index]!, peer, numbered });
        }
      }
    }
    for (const get of this.#foreign) events.push({ time: get.start, peer: get.peer, get });
    const last = new Map<string, Numbered>();
    let count = 0;
    for (const { time, peer, numbered, get } of events.toSorted((one, other) => one.time - other.time)) {
      if (numbered !== undefined) last.set(`${peer} ${numbered.key}`, numbered);
      if (get === undefined) continue;
      const removed = last.get(`${peer} ${get.key}`);
      if (removed !== undefined && this.#appliedAt(get.owner, removed.origin, removed.seq) > time) count++;
    }
    return count;
  }

  #appliedAt(peer: string, origin: string, seq: number): number {
    const applied = this.#applied.get(peer)?.get(origin);
    const index = applied === undefined ? -1 : firstFrom(applied.seqs, seq);
    return index < 0 ? Number.POSITIVE_INFINITY : applied!.times[index]!;
  }
}

function groupBy<Item>(items: readonly Item[], nameOf: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const group = groups.get(nameOf(item));
    if (group === undefined) groups.set(nameOf(item), [item]);
    else group.push(item);
  }
  return groups;
}

/** Whether one of `loads`, which are about in the order of their starts, was under way; none takes a second. */
function isAnyUnderWay(loads: readonly LoadRecord[] | undefined, time: number): boolean {
  for (let index = lastBefore(loads ?? [], time); index >= 0; index--) {
    const { start, end } = loads![index]!;
    if (start < time && end !== undefined && end > time) return true;
    if (start < time - 1e9) return false;
  }
  return false;
}

/** Index of the first number that is not below `least`; -1 if there is none. */
function firstFrom(ascending: readonly number[], least: number): number {
  let [low, high] = [0, ascending.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ascending[middle]! < least) low = middle + 1;
    else high = middle;
  }
  return low === ascending.length ? -1 : low;
}

function lastBefore(loads: readonly LoadRecord[], time: number): number {
  let [low, high] = [0, loads.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (loads[middle]!.start < time) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
