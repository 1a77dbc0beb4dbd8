import type { Performer } from './performer.js';
import type { FaultEvent, RunFaults } from './run-options.js';
import { pause, type Slot, type Slots } from './slots.js';

/** More than is remembered. */
const FLOOD = 8_192 + 1_000;

/** Has something happen to one of the peers once in a while. */
export class Faults {
  /** How often each kind has happened. */
  readonly counts: Record<string, number> = {};
  readonly #slots: Slots;
  readonly #performer: Performer;
  readonly #random: () => number;
  #isEnding = false;
  #isClosed = false;

  constructor(slots: Slots, performer: Performer, random: () => number) {
    this.#slots = slots;
    this.#performer = performer;
    this.#random = random;
  }

  /** Resolves some time after `end`, once what has begun is over. */
  async inject({ events = [], everyMs = 300 }: RunFaults): Promise<void> {
    if (events.length === 0) return;
    const running = new Set<Promise<void>>();
    while (!this.#isEnding) {
      await pause(everyMs * (0.5 + this.#random()));
      if (this.#isEnding) break;
      const event = events[Math.floor(this.#random() * events.length)]!;
      const slot = this.#slots.all[Math.floor(this.#random() * this.#slots.all.length)]!;
      const happening = this.#happen(event, slot).finally(() => running.delete(happening));
      running.add(happening);
    }
    await Promise.all(running);
  }

  /** Nothing more begins. */
  end(): void {
    this.#isEnding = true;
  }

  /** As `end`, and no process is started any more. */
  close(): void {
    this.#isEnding = true;
    this.#isClosed = true;
  }

  async #happen(event: FaultEvent, slot: Slot): Promise<void> {
    const { worker, proxy } = slot;
    if (worker === undefined || worker.hasEnded || worker.isStopped) return;
    this.#slots.note(`${event} ${worker.id}`);
    this.counts[event] = (this.counts[event] ?? 0) + 1;
    switch (event) {
      case 'reset':
        return proxy.reset(0.5, false);
      case 'cut':
        return proxy.reset(0.5, true);
      case 'stop':
        return this.#stop(slot);
      case 'overflow':
        return this.#overflow(slot);
      case 'kill':
        return this.#restart(slot, 200 * this.#random());
      case 'depart':
        await worker.depart();
        return this.#restart(slot, 100 * this.#random());
      case 'dispute':
        return this.#dispute(slot);
      case 'leave':
        return this.#leave(slot);
    }
  }

  async #stop(slot: Slot): Promise<void> {
    const worker = slot.worker!;
    worker.hold(true);
    await pause(50 + 1_200 * this.#random());
    worker.hold(false);
    this.#slots.note(`continue ${worker.id}`);
    this.#performer.fill(slot);
  }

  /** One peer is away, and what is removed first is forgotten by all before it is back. */
  async #overflow(slot: Slot): Promise<void> {
    const { proxy } = slot;
    const worker = slot.worker!;
    const others = this.#slots.all.filter((other) => other !== slot && other.worker?.isStopped === false);
    worker.hold(true);
    proxy.forwardTo(0);
    proxy.reset(1, false);
    for (const other of others) other.proxy.resetFrom(proxy.url);
    await pause(100 + 200 * this.#random());
    const flooding = others[Math.floor(this.#random() * others.length)];
    flooding?.worker?.send({ flood: FLOOD });
    await pause(400 + 600 * this.#random());
    if (slot.worker === worker) proxy.forwardTo(worker.port);
    worker.hold(false);
    this.#slots.note(`continue ${worker.id}`);
    this.#performer.fill(slot);
  }

  /** One peer is not in the lists of some others, or thinks that it is alone with one. */
  async #dispute(slot: Slot): Promise<void> {
    const random = this.#random;
    const { all, members } = this.#slots;
    const doubters = all.filter((other) => other !== slot && random() < 0.5);
    const without = members.filter((index) => index !== slot.index);
    for (const other of doubters) this.#slots.tellList(other, without);
    if (random() < 0.3) {
      this.#slots.tellList(
        slot,
        members.filter((index) => index === slot.index || random() < 0.5),
      );
    }
    await pause(100 + 900 * random());
    return this.#agree();
  }

  async #leave(slot: Slot): Promise<void> {
    const slots = this.#slots;
    if (slots.members.length < 3 || !slots.members.includes(slot.index)) return;
    slots.members = slots.members.filter((index) => index !== slot.index);
    await this.#agree();
    await pause(200 * this.#random());
    if (this.#random() < 0.5) await this.#restart(slot, 0);
    slots.members = [...slots.members, slot.index];
    return this.#agree();
  }

  /** All are told who is there, one after the other. */
  async #agree(): Promise<void> {
    for (const slot of this.#slots.all.toSorted(() => this.#random() - 0.5)) {
      await pause(60 * this.#random());
      this.#slots.tellList(slot, this.#slots.members);
      this.#performer.fill(slot);
    }
  }

  async #restart(slot: Slot, afterMs: number): Promise<void> {
    const { worker } = slot;
    if (worker === undefined || worker.hasEnded) return;
    slot.worker = undefined;
    slot.proxy.forwardTo(0);
    await worker.kill();
    this.#performer.abandon(slot);
    await pause(afterMs);
    if (this.#isClosed) return;
    const { list } = slot;
    slot.list = [];
    await this.#slots.startWorker(slot);
    this.#slots.tellList(slot, list);
    this.#performer.fill(slot);
    this.#performer.endIfDone();
  }
}
