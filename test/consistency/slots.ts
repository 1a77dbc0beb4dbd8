import { HashRing } from '../../lib/core/hash-ring.js';
import { FaultProxy, type DroppedFrame } from './fault-proxy.js';
import { PeerWorker, type Operation, type WorkerReport } from './peer-worker.js';
import { seededRandom } from './random.js';
import type { ResolvedRunOptions } from './run-options.js';

/** The place of one peer: the URL stays, the process may be another one. */
export interface Slot {
  readonly index: number;
  readonly isClient: boolean;
  readonly proxy: FaultProxy;
  worker: PeerWorker | undefined;
  /** When the worker was ready. */
  since: number;
  /** Indexes of the peers that the worker has been told. */
  list: readonly number[];
  /** By number: what it has been told to do and has not done. */
  readonly open: Map<number, Operation>;
}

export interface SlotsListener {
  onReport(slot: Slot, worker: PeerWorker, report: WorkerReport): void;
  onDropped(frame: DroppedFrame): void;
}

/** Nanoseconds of the clock that all processes share. */
export const now = (): number => Number(process.hrtime.bigint());
export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The processes of a cluster under test, each behind a proxy, and the lists that they have been told. */
export class Slots {
  readonly all: Slot[] = [];
  /** The peers that are meant to be there. */
  members: readonly number[] = [];
  /** Faults and lists as they came. */
  readonly trace: { readonly time: number; readonly what: string }[] = [];
  readonly #options: ResolvedRunOptions;
  readonly #listener: SlotsListener;
  readonly #rings = new Map<string, HashRing>();
  #workers = 0;

  constructor(options: ResolvedRunOptions, listener: SlotsListener) {
    this.#options = options;
    this.#listener = listener;
  }

  async start(): Promise<void> {
    const { peers, clients, faults, seed } = this.#options;
    for (let index = 0; index < peers + clients; index++) {
      const onDropped = (frame: DroppedFrame): void => this.#listener.onDropped(frame);
      const proxy = await FaultProxy.start({ random: seededRandom(seed + index), onDropped });
      Object.assign(proxy.faults, { dropRate: faults.dropRate ?? 0, delayMs: faults.delayMs ?? 0 });
      this.all.push({ index, isClient: index >= peers, proxy, worker: undefined, since: 0, list: [], open: new Map() });
    }
    await Promise.all(this.all.map((slot) => this.startWorker(slot)));
    this.members = this.all.filter(({ isClient }) => !isClient).map(({ index }) => index);
    for (const slot of this.all) this.tellList(slot, this.members);
  }

  async close(): Promise<void> {
    await Promise.all(this.all.map(async ({ worker }) => worker?.kill()));
    for (const { proxy } of this.all) proxy.close();
  }

  note(what: string): void {
    this.trace.push({ time: now(), what });
  }

  /** The peer whose URL this is. */
  at(url: string): Slot | undefined {
    return this.all.find(({ proxy }) => proxy.url === url);
  }

  async startWorker(slot: Slot): Promise<void> {
    const { auth, tags, mutant, isRival, linkless, cacheBytes } = this.#options;
    const { index, isClient } = slot;
    const isLinking = index >= linkless;
    const urls = this.all.map(({ proxy }) => proxy.url);
    const worker = await PeerWorker.start(
      `${index}.${++this.#workers}`,
      { self: slot.proxy.url, urls, auth, tags, mutant, isRival, isClient, isLinking, cacheBytes, loadTimeout: '2s' },
      (from, report) => this.#listener.onReport(slot, from, report),
    );
    slot.worker = worker;
    slot.since = now();
    this.note(`started ${worker.id}`);
    slot.proxy.forwardTo(worker.port);
    if (!isRival) return;
    const rivals = Object.fromEntries(this.all.map(({ proxy, worker: other }) => [proxy.url, other?.rivalPort ?? 0]));
    for (const other of this.all) other.worker?.send({ rivals });
  }

  /** Tells who is there; of peers, oneself included. */
  tellList(slot: Slot, list: readonly number[]): void {
    slot.list = slot.isClient || list.includes(slot.index) ? list : [...list, slot.index];
    this.note(`list of ${slot.worker?.id ?? slot.index}: ${slot.list.join(' ')}`);
    slot.worker?.send({ list: slot.list.map((index) => this.all[index]!.proxy.url) });
  }

  /** Whether another peer has been told a list by which it takes somebody else for the owner of `key`. */
  isDisputed(slot: Slot, key: string): boolean {
    const owner = this.#ownerOf(slot.list, key);
    return this.all.some(
      (other) =>
        other !== slot &&
        other.worker?.hasEnded === false &&
        other.list !== slot.list &&
        this.#ownerOf(other.list, key) !== owner,
    );
  }

  #ownerOf(list: readonly number[], key: string): string | undefined {
    const name = list.toSorted((one, other) => one - other).join(' ');
    let ring = this.#rings.get(name);
    if (ring === undefined) {
      ring = new HashRing(list.map((index) => this.all[index]!.proxy.url));
      this.#rings.set(name, ring);
    }
    return ring.ownerOf(key);
  }
}
