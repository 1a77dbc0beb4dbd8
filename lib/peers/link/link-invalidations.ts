import type { Invalidation, InvalidationKind, InvalidationLog } from '../../core/invalidation-log.js';
import { frameTypes } from './frames.js';

/** Characters of keys and tags in one frame, about; one that is longer goes alone. */
const FRAME_CHARACTERS = 64 * 1024;
const FRAME_INVALIDATIONS = 1_000;

/** Origins of which is known what the other side has said last: more than there are in a vector. */
const MAX_HEARD = 4_096;

/** An invalidation on the wire: its kind, its group, its key or tag. */
type Line = readonly [kind: InvalidationKind, group: string, subject: string];

const kinds: ReadonlySet<unknown> = new Set<InvalidationKind>(['key', 'tag', 'all']);

export interface LinkInvalidationsOptions {
  readonly log: InvalidationLog;
  /** Sends a frame. */
  readonly write: (type: number, id: number, content: string) => void;
  /** The other side has said what it has applied. */
  readonly onHeard: () => void;
}

/**
 * What the two sides of a link tell each other of invalidations: each its own ones as they happen, what it has applied of
 * everybody's before it asks the next question, and what the other one lacks when that says so.
 *
 * Whatever is lost comes out by that: who hears of a number that it has not applied asks for what is missing, and is behind
 * until it has come.
 */
export class LinkInvalidations {
  readonly #options: LinkInvalidationsOptions;
  readonly #log: InvalidationLog;
  /** What the other side has said that it has applied, by origin; what it has said last stands last. */
  readonly #heard = new Map<string, number>();
  /** What it has been told that this side has applied. */
  readonly #told = new Map<string, number>();
  /** The log's position when it was told last. */
  #toldPosition = 0;
  /** The last one of this process's own that has been sent. */
  #sentOwn: number;
  #isBehind = false;
  readonly #waiting = new Set<() => void>();

  constructor(options: LinkInvalidationsOptions) {
    this.#options = options;
    this.#log = options.log;
    // Whoever lacks earlier ones will say so.
    this.#sentOwn = options.log.seqOf(options.log.origin);
  }

  /** Whether the other side has applied something that this process has not. */
  get isBehind(): boolean {
    return this.#isBehind;
  }

  /** Whether something has been applied that `origin`, the other side, has removed after it wrote what is being read here. */
  isOvertaken(origin: string): boolean {
    return this.#log.seqOf(origin) > this.heardOf(origin);
  }

  /** The last number of `origin` that the other side has said that it has applied. */
  heardOf(origin: string): number {
    return this.#heard.get(origin) ?? 0;
  }

  /** As `tell`, when the link has just been opened: the other side may be waiting for it, though nothing has been removed yet. */
  begin(): void {
    if (this.#log.vector.size === 0) this.#write(frameTypes.seen, {});
    else this.tell();
  }

  /**
   * Whether something has been applied here, of which the other side has not said that it has applied it, that touches what
   * it sends; also where that is not known any more.
   */
  mayBeOld({ group, key, tags }: { group: string; key: string; tags?: readonly string[] }): boolean {
    for (const [origin, seq] of this.#log.vector) {
      const heard = this.heardOf(origin);
      if (heard >= seq) continue;
      const missed = this.#log.after(origin, heard, seq - heard);
      const touches = (one: Invalidation): boolean =>
        one.group === group &&
        (one.kind === 'all' || (one.kind === 'key' ? one.subject === key : tags?.includes(one.subject) === true));
      if (missed === undefined || missed.some(touches)) return true;
    }
    return false;
  }

  /** Tells the other side what it has not been told yet; to be called before a question is sent. */
  tell(): void {
    if (this.#toldPosition === this.#log.position) return;
    this.#toldPosition = this.#log.position;
    this.#sendOwn();
    const news: [string, number][] = [];
    for (const [origin, seq] of this.#log.vector) {
      if (this.#told.get(origin) === seq) continue;
      this.#told.set(origin, seq);
      news.push([origin, seq]);
    }
    for (const origin of this.#told.keys()) if (!this.#log.vector.has(origin)) this.#told.delete(origin);
    if (news.length > 0) this.#write(frameTypes.seen, Object.fromEntries(news));
  }

  /** Says again what has not been confirmed, and asks again for what is missing. */
  repeat(): void {
    const unconfirmed = [...this.#log.vector].filter(([origin, seq]) => this.heardOf(origin) < seq);
    if (unconfirmed.length > 0) this.#write(frameTypes.seen, Object.fromEntries(unconfirmed), WANTS_CONFIRMATION);
    if (this.#isBehind) this.#askForMissing();
  }

  /** The log has changed. */
  logChanged(): void {
    if (this.#isBehind) this.#compare();
  }

  /** Calls `then` once this process is not behind, which may be at once; the returned function calls that off. */
  whenCaughtUp(then: () => void): () => void {
    if (!this.#isBehind) {
      then();
      return () => undefined;
    }
    this.#waiting.add(then);
    return () => this.#waiting.delete(then);
  }

  /** Reads a frame of one of the four types. Throws a `RangeError` or a `SyntaxError` if it is not well-formed. */
  read(type: number, id: number, content: string): void {
    const body: unknown = JSON.parse(content);
    if (type === frameTypes.invalidations) return this.#readInvalidations(body);
    const numbers = numbersOf(body);
    switch (type) {
      case frameTypes.seen:
        this.#hear(numbers);
        if (id === WANTS_CONFIRMATION) this.#confirm(numbers);
        return this.#options.onHeard();
      case frameTypes.missing:
        return this.#sendMissing(numbers);
      case frameTypes.forgotten:
        for (const [origin, seq] of numbers) this.#log.giveUp(origin, seq);
    }
  }

  #readInvalidations(body: unknown): void {
    const { origin, from, lines } = body as { origin?: unknown; from?: unknown; lines?: unknown };
    if (typeof origin !== 'string' || !isSeq(from) || !Array.isArray(lines))
      throw new RangeError('has no invalidations');
    const invalidations = (lines as unknown[]).map(invalidationOf);
    this.#log.receive(origin, from, invalidations);
    this.#hear([[origin, from + invalidations.length - 1]]);
    // Who has said it may be waiting for that.
    this.tell();
  }

  #hear(numbers: readonly (readonly [string, number])[]): void {
    for (const [origin, seq] of numbers) {
      if (seq <= this.heardOf(origin)) continue;
      this.#heard.delete(origin);
      this.#heard.set(origin, seq);
      if (this.#heard.size <= MAX_HEARD) continue;
      const [oldest] = this.#heard.keys();
      this.#heard.delete(oldest!);
    }
    this.#compare();
    // Of what has come in part, too: more may be missing than goes in one frame.
    if (numbers.some(([origin]) => this.heardOf(origin) > this.#log.seqOf(origin))) this.#askForMissing();
  }

  #compare(): void {
    this.#isBehind = false;
    for (const [origin, seq] of this.#heard) {
      if (seq > this.#log.seqOf(origin)) {
        this.#isBehind = true;
        return;
      }
    }
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const then of waiting) then();
  }

  #askForMissing(): void {
    const missing = [...this.#heard]
      .filter(([origin, seq]) => seq > this.#log.seqOf(origin))
      .map(([origin]) => [origin, this.#log.seqOf(origin)] as const);
    if (missing.length > 0) this.#write(frameTypes.missing, Object.fromEntries(missing));
  }

  #confirm(numbers: readonly (readonly [string, number])[]): void {
    const applied = numbers.map(([origin]) => [origin, this.#log.seqOf(origin)] as const).filter(([, seq]) => seq > 0);
    if (applied.length > 0) this.#write(frameTypes.seen, Object.fromEntries(applied));
  }

  #sendMissing(numbers: readonly (readonly [string, number])[]): void {
    const forgotten: [string, number][] = [];
    for (const [origin, seq] of numbers) {
      if (!this.#send(origin, seq)) forgotten.push([origin, this.#log.seqOf(origin)]);
    }
    if (forgotten.length > 0) this.#write(frameTypes.forgotten, Object.fromEntries(forgotten));
  }

  #sendOwn(): void {
    const { origin } = this.#log;
    const seq = this.#log.seqOf(origin);
    while (this.#sentOwn < seq) {
      const sent = this.#send(origin, this.#sentOwn);
      // What is not remembered any more will be missed.
      this.#sentOwn = sent === false ? seq : this.#sentOwn + sent;
    }
  }

  /** Sends some of those of `origin` after `seq`, and returns how many; `false` if they are not remembered any more. */
  #send(origin: string, seq: number): number | false {
    const invalidations = this.#log.after(origin, seq, FRAME_INVALIDATIONS);
    if (invalidations === undefined) return false;
    const lines: Line[] = [];
    let characters = 0;
    for (const { kind, group, subject } of invalidations) {
      characters += group.length + subject.length;
      if (lines.length > 0 && characters > FRAME_CHARACTERS) break;
      lines.push([kind, group, subject]);
    }
    if (lines.length > 0) this.#write(frameTypes.invalidations, { origin, from: seq + 1, lines });
    return lines.length;
  }

  #write(type: number, body: unknown, id = 0): void {
    this.#options.write(type, id, JSON.stringify(body));
  }
}

/** The id of a frame whose sender wants to be told what the other side has of these origins. */
const WANTS_CONFIRMATION = 1;

function isSeq(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** The numbers of a frame, by origin. */
function numbersOf(body: unknown): [string, number][] {
  if (typeof body !== 'object' || body === null) throw new RangeError('has no numbers');
  return Object.entries(body).map(([origin, seq]) => {
    if (!isSeq(seq)) throw new RangeError('has something else for a number');
    return [origin, seq];
  });
}

function invalidationOf(line: unknown): Invalidation {
  if (!Array.isArray(line)) throw new RangeError('has something else for an invalidation');
  const [kind, group, subject] = line as unknown[];
  if (!kinds.has(kind) || typeof group !== 'string' || typeof subject !== 'string') {
    throw new RangeError('has an invalidation of an unknown kind');
  }
  return { kind: kind as InvalidationKind, group, subject };
}
