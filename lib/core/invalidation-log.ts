/** What an invalidation is about: the value of one key, all values with a tag, or all values of the group. */
export type InvalidationKind = 'key' | 'tag' | 'all';

/** Says that what was loaded before is not good any more. */
export interface Invalidation {
  readonly group: string;
  readonly kind: InvalidationKind;
  /** The wire key or the tag; empty for `'all'`. */
  readonly subject: string;
}

/** Is told of each invalidation when it is applied in this process, in the order in which that happens. */
export interface InvalidationListener {
  onInvalidation(invalidation: Invalidation): void;
  /** Something was missed that nobody remembers: whatever was loaded before may be old. */
  onUnknown(): void;
}

/** For each origin (the boot id of a process), how many of its invalidations have been applied: all up to that one. */
export type InvalidationVector = ReadonlyMap<string, number>;

/** Invalidations that are remembered, of all origins together, for peers that have missed them. */
const MAX_REMEMBERED = 8_192;

/** Characters of their keys and tags. */
const MAX_REMEMBERED_CHARACTERS = 16 * 1024 * 1024;

/** Origins in a vector; one is a process that has invalidated something. */
const MAX_ORIGINS = 1_024;

/** Origins that were in it of which the numbers are known: those that may still be in the vectors of others. */
const MAX_RETIRED = 4 * MAX_ORIGINS;

/**
 * What has been invalidated by the processes of a cluster, as far as this process knows.
 *
 * Each process numbers its own invalidations, from 1 on, and applies everybody's in their order and without a gap. So a
 * number for each process, the vector, says what another one has applied, and what it lacks. The last ones are remembered, of
 * everybody, so that any process can bring another one up to date.
 */
export class InvalidationLog {
  readonly #vector = new Map<string, number>();
  /** Numbers of origins that are not in the vector any more. */
  readonly #retired = new Map<string, number>();
  readonly #logs = new Map<string, OriginLog>();
  /** The origin of each that is remembered, in the order in which they were applied here. */
  #order: string[] = [];
  #forgotten = 0;
  #characters = 0;
  readonly #listeners = new Map<string, Set<InvalidationListener>>();
  readonly #watchers = new Set<(origin: string) => void>();
  #position = 0;
  #snapshot: InvalidationVector = new Map();
  #snapshotPosition = 0;

  /** `origin` stands for this process, and for no other one ever: its boot id. */
  constructor(readonly origin: string) {}

  /** How many changes there have been here: a time, for what has to be compared with invalidations. */
  get position(): number {
    return this.#position;
  }

  /** Origins of which nothing has been applied are not in it, nor are those of which nothing has come for long. */
  get vector(): InvalidationVector {
    return this.#vector;
  }

  /** As `vector`, as it stands now and for ever. */
  snapshot(): InvalidationVector {
    if (this.#snapshotPosition !== this.#position) {
      this.#snapshotPosition = this.#position;
      this.#snapshot = new Map(this.#vector);
    }
    return this.#snapshot;
  }

  /** How many have been applied, of one that is not in the vector any more, too. */
  seqOf(origin: string): number {
    return this.#vector.get(origin) ?? this.#retired.get(origin) ?? 0;
  }

  /** Tells `listener` from now on of what is about `group`, until the returned function is called. */
  listen(group: string, listener: InvalidationListener): () => void {
    const listeners = this.#listeners.get(group) ?? new Set();
    this.#listeners.set(group, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#listeners.delete(group);
    };
  }

  /** Calls `watcher` after each change of the vector with whose number has changed, until the returned function is called. */
  watch(watcher: (origin: string) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** Applies an invalidation of this process's own, and returns its number. */
  append(invalidation: Invalidation): number {
    const seq = this.seqOf(this.origin) + 1;
    this.#apply(this.origin, seq, invalidation);
    return seq;
  }

  /**
   * Applies what another process has said: `invalidations` of `origin`, the first of them of number `from`. Those that are
   * known are skipped; after a gap none is applied.
   */
  receive(origin: string, from: number, invalidations: readonly Invalidation[]): void {
    if (origin === this.origin) return;
    for (const [index, invalidation] of invalidations.entries()) {
      const next = this.seqOf(origin) + 1;
      if (from + index > next) return;
      if (from + index === next) this.#apply(origin, next, invalidation);
    }
  }

  /** Those of `origin` after number `seq`, `limit` at most; `undefined` if they are not remembered any more. */
  after(origin: string, seq: number, limit: number): readonly Invalidation[] | undefined {
    if (seq >= this.seqOf(origin)) return [];
    return this.#logs.get(origin)?.after(seq, limit);
  }

  /** Nobody remembers what `origin` has said up to number `seq`: takes it for applied, and everything for old. */
  giveUp(origin: string, seq: number): void {
    if (origin === this.origin || seq <= this.seqOf(origin)) return;
    this.#forget(origin);
    this.#note(origin, seq);
    for (const listeners of this.#listeners.values()) {
      for (const listener of listeners) listener.onUnknown();
    }
    for (const watcher of this.#watchers) watcher(origin);
  }

  #apply(origin: string, seq: number, invalidation: Invalidation): void {
    this.#note(origin, seq);
    let log = this.#logs.get(origin);
    if (log === undefined) this.#logs.set(origin, (log = new OriginLog(seq)));
    log.push(invalidation);
    this.#order.push(origin);
    this.#characters += invalidation.subject.length;
    while (this.#order.length - this.#forgotten > MAX_REMEMBERED || this.#characters > MAX_REMEMBERED_CHARACTERS) {
      this.#forgetOldest();
    }
    for (const listener of this.#listeners.get(invalidation.group) ?? []) listener.onInvalidation(invalidation);
    for (const watcher of this.#watchers) watcher(origin);
  }

  #note(origin: string, seq: number): void {
    this.#position++;
    // The one that has said something last stands last.
    this.#vector.delete(origin);
    this.#vector.set(origin, seq);
    this.#retired.delete(origin);
    if (this.#vector.size <= MAX_ORIGINS) return;
    const [oldest, next] = this.#vector.keys();
    this.#retire(oldest === this.origin ? next! : oldest!);
  }

  /** Its number stays: who still has it in his vector would have it applied here again, in the place of the next one. */
  #retire(origin: string): void {
    this.#retired.set(origin, this.seqOf(origin));
    this.#vector.delete(origin);
    this.#forget(origin);
    if (this.#retired.size <= MAX_RETIRED) return;
    const [oldest] = this.#retired.keys();
    this.#retired.delete(oldest!);
  }

  /** Remembers nothing of what `origin` has said. */
  #forget(origin: string): void {
    const log = this.#logs.get(origin);
    if (log === undefined) return;
    this.#logs.delete(origin);
    this.#characters -= log.characters;
    this.#order = this.#order.slice(this.#forgotten).filter((one) => one !== origin);
    this.#forgotten = 0;
  }

  #forgetOldest(): void {
    this.#characters -= this.#logs.get(this.#order[this.#forgotten]!)!.forgetFirst();
    if (++this.#forgotten < MAX_REMEMBERED) return;
    this.#order = this.#order.slice(this.#forgotten);
    this.#forgotten = 0;
  }
}

const FORGOTTEN: Invalidation = { group: '', kind: 'key', subject: '' };

/** The last invalidations of one origin. */
class OriginLog {
  #invalidations: Invalidation[] = [];
  #first = 0;
  #firstSeq: number;

  constructor(firstSeq: number) {
    this.#firstSeq = firstSeq;
  }

  push(invalidation: Invalidation): void {
    this.#invalidations.push(invalidation);
  }

  after(seq: number, limit: number): readonly Invalidation[] | undefined {
    if (seq + 1 < this.#firstSeq) return undefined;
    const start = this.#first + (seq + 1 - this.#firstSeq);
    return this.#invalidations.slice(start, start + limit);
  }

  /** Characters of all that are remembered. */
  get characters(): number {
    return this.#invalidations.slice(this.#first).reduce((sum, { subject }) => sum + subject.length, 0);
  }

  /** Returns how many characters that was. */
  forgetFirst(): number {
    const { length } = this.#invalidations[this.#first]!.subject;
    // Not to be kept until the front is cut off.
    this.#invalidations[this.#first] = FORGOTTEN;
    this.#first++;
    this.#firstSeq++;
    // Cut off now and then: that takes constant time for each.
    if (this.#first * 2 >= this.#invalidations.length) {
      this.#invalidations = this.#invalidations.slice(this.#first);
      this.#first = 0;
    }
    return length;
  }
}
