import type { PeerWorker, Operation, OperationName, Outcome } from './peer-worker.js';
import type { Recorder } from './recorder.js';
import type { Slot, Slots } from './slots.js';

export interface OperationChoice {
  readonly name: OperationName;
  readonly subject: string;
}

/** Has the peers do something, so many things at a time each, and writes down what has come of it. */
export class Performer {
  readonly #slots: Slots;
  readonly #recorder: Recorder;
  readonly #width: number;
  /** How often something was done to a key, tag or everything: what the source says of it is another value then. */
  readonly #versions = new Map<string, number>();
  /** Of the operations that are being performed. */
  #total = 0;
  #issued = 0;
  #done = 0;
  /** Operations before those. */
  #performed = 0;
  #finished: (() => void) | undefined;
  #next: (() => OperationChoice) | undefined;
  #performers: readonly Slot[] = [];

  /** `width`: operations at a time at each peer. */
  constructor(slots: Slots, recorder: Recorder, width: number) {
    this.#slots = slots;
    this.#recorder = recorder;
    this.#width = width;
  }

  /** Operations that have been performed in all. */
  get performed(): number {
    return this.#performed;
  }

  versionOf(subject: string): number {
    return this.#versions.get(subject) ?? 0;
  }

  /** Performs `count` operations of `choose` by `slots`, and resolves once they have ended. */
  async perform(count: number, choose: () => OperationChoice, slots: readonly Slot[] = this.#slots.all): Promise<void> {
    this.#performers = slots;
    this.#issued = 0;
    this.#done = 0;
    this.#next = choose;
    const finished = new Promise<void>((resolve) => (this.#finished = resolve));
    this.#total = count;
    for (const slot of slots) this.fill(slot);
    await finished;
  }

  /** Gives the peer as much to do as it may have. */
  fill(slot: Slot): void {
    const { worker, open } = slot;
    if (worker === undefined || worker.hasEnded || worker.isStopped || slot.list.length === 0) return;
    if (!this.#performers.includes(slot)) return;
    const operations: Operation[] = [];
    while (open.size < this.#width && this.#issued < this.#total) {
      const { name, subject } = this.#next!();
      const id = ++this.#issued + this.#performed;
      const operation: Operation = name === 'set' ? [id, name, subject, `s${id}`] : [id, name, subject];
      open.set(id, operation);
      operations.push(operation);
      if (name !== 'get') this.#versions.set(subject, this.versionOf(subject) + 1);
      else if (this.#slots.isDisputed(slot, subject)) this.#recorder.disputedGets++;
    }
    if (operations.length > 0) worker.send({ operations });
  }

  /** The peer is gone, and nobody knows what has come of what it was doing. */
  abandon({ open }: Slot): void {
    for (const [id, name, subject, value] of open.values()) {
      open.delete(id);
      this.#done++;
      this.#recorder.failed++;
      if (name === 'set') this.#recorder.removals.push({ kind: 'set', subject, start: 0, acknowledged: [], value });
    }
  }

  onOutcome(slot: Slot, worker: PeerWorker, [id, start, end, result, about, owner]: Outcome): void {
    const operation = slot.open.get(id);
    if (operation === undefined) return;
    slot.open.delete(id);
    this.#done++;
    const recorder = this.#recorder;
    const [, name, subject, value] = operation;
    if (end === 0) recorder.failed++;
    if (name === 'get') {
      const answer = end === 0 ? undefined : ((result as string | null) ?? undefined);
      recorder.gets.push({ key: subject, peer: worker.id, start, value: answer });
      if (end === 0) return;
      recorder.hits += about;
      const other = this.#slots.all[owner]?.worker;
      if (other !== undefined && owner !== slot.index) {
        recorder.foreignGet({ key: subject, peer: worker.id, owner: other.id, start });
      }
      return;
    }
    const kind = name === 'remove' ? 'key' : name === 'clear' ? 'all' : name;
    if (end === 0) {
      recorder.removals.push({ kind, subject, start, acknowledged: [], value });
      return;
    }
    const { acknowledged, stored } = result as { acknowledged: string[]; stored?: boolean };
    // Whoever is there now and was there when it was called is who has confirmed.
    const peers = this.#slots.all
      .filter(
        ({ proxy, worker: other, since }) => acknowledged.includes(proxy.url) && other !== undefined && since < start,
      )
      .map(({ worker: other }) => other!.id);
    recorder.removals.push({ kind, subject, start, end, acknowledged: [...peers, worker.id], value, isStored: stored });
    if (name === 'remove') recorder.numbered(worker.bootId, about, subject);
  }

  endIfDone(): void {
    const finished = this.#finished;
    if (finished === undefined || this.#done < this.#total) return;
    this.#performed += this.#total;
    this.#finished = undefined;
    finished();
  }
}
