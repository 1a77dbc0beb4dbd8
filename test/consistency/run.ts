import { HashRing } from '../../lib/core/hash-ring.js';
import { FaultProxy } from './fault-proxy.js';
import { findViolations, type History } from './history.js';
import { PeerWorker, type Operation, type OperationName, type Outcome, type WorkerReport } from './peer-worker.js';
import { seededRandom } from './random.js';
import { Recorder } from './recorder.js';
import type { FaultEvent, RunOptions, RunReport } from './run-options.js';

interface Slot {
  readonly index: number;
  readonly proxy: FaultProxy;
  worker: PeerWorker | undefined;
  /** When the worker was ready. */
  since: number;
  /** Indexes of the peers that the worker has been told. */
  list: readonly number[];
  /** By number: what it has been told to do and has not done. */
  readonly open: Map<number, Operation & { issuedAt?: number }>;
  sources: [number, string][];
}

const now = (): number => Number(process.hrtime.bigint());
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Runs random operations on a cluster of processes, with faults, and checks what has come of them. */
export async function runCluster(options: RunOptions): Promise<RunReport> {
  const run = new ClusterRun(options);
  try {
    await run.start();
    return await run.run();
  } finally {
    await run.close();
  }
}

export class ClusterRun {
  readonly #options: Required<Omit<RunOptions, 'mutant'>> & Pick<RunOptions, 'mutant'>;
  readonly #random: () => number;
  readonly #faultRandom: () => number;
  readonly #recorder: Recorder;
  /** Faults and lists as they came. */
  readonly trace: { readonly time: number; readonly what: string }[] = [];
  readonly #slots: Slot[] = [];
  readonly #rings = new Map<string, HashRing>();
  readonly #versions = new Map<string, number>();
  readonly #loads = new Map<string, Recorder['loads'][number]>();
  readonly #events: Record<string, number> = {};
  /** The peers that are meant to be there. */
  #members: number[] = [];
  /** Of the operations that are being performed. */
  #total = 0;
  #issued = 0;
  #done = 0;
  /** Operations before those. */
  #performed = 0;
  #dropped = 0;
  #workers = 0;
  #isClosed = false;
  #isPaused = false;
  #finished: (() => void) | undefined;
  #next: (() => OperationChoice) | undefined;
  #performers: readonly Slot[] = [];

  constructor(options: RunOptions) {
    this.#options = {
      width: 32,
      keys: 400,
      tags: 40,
      shares: { remove: 0.03 },
      faults: {},
      auth: { secret: 'sixteen bytes at least' },
      isRival: false,
      loadMs: 50,
      ...options,
    };
    const { seed, tags } = this.#options;
    this.#random = seededRandom(seed);
    this.#faultRandom = seededRandom(seed ^ 0x5eed);
    this.#recorder = new Recorder((key) => `t${Number(key.slice(1)) % tags}`);
  }

  get history(): History {
    return this.#recorder.history;
  }

  #note(what: string): void {
    this.trace.push({ time: now(), what });
  }

  async start(): Promise<void> {
    const { peers, faults } = this.#options;
    for (let index = 0; index < peers; index++) {
      const proxy = await FaultProxy.start({
        random: seededRandom(this.#options.seed + index),
        onDropped: (frame) => {
          this.#dropped++;
          const to = this.#slots.find((slot) => slot.proxy.url === frame.to)?.worker;
          if (to !== undefined) this.#recorder.dropped(frame, to.id, now());
        },
      });
      Object.assign(proxy.faults, { dropRate: faults.dropRate ?? 0, delayMs: faults.delayMs ?? 0 });
      this.#slots.push({ index, proxy, worker: undefined, since: 0, list: [], open: new Map(), sources: [] });
    }
    await Promise.all(this.#slots.map((slot) => this.#startWorker(slot)));
    this.#members = this.#slots.map(({ index }) => index);
    for (const slot of this.#slots) this.#tellList(slot, this.#members);
    // So that the links are there.
    await pause(500);
  }

  /** The whole of a run. */
  async run(): Promise<RunReport> {
    const startedAt = performance.now();
    const faults = this.#injectFaults();
    await this.#perform(this.#options.operations, () => this.#chooseAny());
    this.#isPaused = true;
    await faults;
    return this.#report((performance.now() - startedAt) / 1000);
  }

  /** Performs `count` operations of `choose` by `slots`, and resolves once they have ended. */
  async #perform(count: number, choose: () => OperationChoice, slots: readonly Slot[] = this.#slots): Promise<void> {
    this.#performers = slots;
    this.#issued = 0;
    this.#done = 0;
    this.#next = choose;
    const finished = new Promise<void>((resolve) => (this.#finished = resolve));
    this.#total = count;
    for (const slot of slots) this.#fill(slot);
    await finished;
  }

  /** Every peer reads every key, once; resolves to how many loads that took. */
  async readAll(): Promise<number> {
    const { keys } = this.#options;
    const before = this.#recorder.loads.length;
    for (const slot of this.#slots) {
      let next = 0;
      await this.#perform(keys, () => ({ name: 'get', subject: `k${next++}` }), [slot]);
    }
    return this.#recorder.loads.length - before;
  }

  /** Removes one key by one peer. */
  async removeOne(key: string): Promise<void> {
    await this.#perform(1, () => ({ name: 'remove', subject: key }), [this.#slots[0]!]);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#slots.map(async ({ worker }) => worker?.kill()));
    for (const { proxy } of this.#slots) proxy.close();
  }

  async #startWorker(slot: Slot): Promise<void> {
    const { auth, tags, mutant, isRival } = this.#options;
    const worker = await PeerWorker.start(
      `${slot.index}.${++this.#workers}`,
      {
        self: slot.proxy.url,
        urls: this.#slots.map(({ proxy }) => proxy.url),
        auth,
        tags,
        mutant,
        isRival,
        loadTimeout: '2s',
      },
      (from, report) => this.#onReport(slot, from, report),
    );
    slot.worker = worker;
    slot.since = now();
    this.#note(`started ${worker.id}`);
    slot.proxy.forwardTo(worker.port);
    if (!isRival) return;
    const rivals = Object.fromEntries(
      this.#slots.map(({ proxy, worker: other }) => [proxy.url, other?.rivalPort ?? 0]),
    );
    for (const other of this.#slots) other.worker?.send({ rivals });
  }

  #tellList(slot: Slot, list: readonly number[]): void {
    slot.list = list.includes(slot.index) ? list : [...list, slot.index];
    this.#note(`list of ${slot.worker?.id ?? slot.index}: ${slot.list.join(' ')}`);
    slot.worker?.send({ list: slot.list.map((index) => this.#slots[index]!.proxy.url) });
  }

  #fill(slot: Slot): void {
    const { worker, open } = slot;
    if (worker === undefined || worker.hasEnded || worker.isStopped || slot.list.length === 0) return;
    if (!this.#performers.includes(slot)) return;
    const operations: Operation[] = [];
    while (open.size < this.#options.width && this.#issued < this.#total) {
      const { name, subject } = this.#next!();
      const id = ++this.#issued + this.#performed;
      const operation: Operation = name === 'set' ? [id, name, subject, `s${id}`] : [id, name, subject];
      open.set(id, operation);
      operations.push(operation);
      if (name === 'get') this.#noteDispute(slot, subject);
      else this.#versions.set(subject, (this.#versions.get(subject) ?? 0) + 1);
    }
    if (operations.length > 0) worker.send({ operations });
  }

  #chooseAny(): OperationChoice {
    const { shares, keys, tags } = this.#options;
    let lot = this.#random();
    const name = (['remove', 'set', 'tag', 'clear'] as const).find((one) => (lot -= shares[one] ?? 0) < 0) ?? 'get';
    if (name === 'clear') return { name, subject: '' };
    if (name === 'tag') return { name, subject: `t${Math.floor(this.#random() * tags)}` };
    // Some keys are asked for more often than others.
    return { name, subject: `k${Math.floor(this.#random() ** 2 * keys)}` };
  }

  #noteDispute(slot: Slot, key: string): void {
    const owner = this.#ownerOf(slot.list, key);
    const isDisputed = this.#slots.some(
      (other) =>
        other !== slot &&
        other.worker?.hasEnded === false &&
        other.list !== slot.list &&
        this.#ownerOf(other.list, key) !== owner,
    );
    if (isDisputed) this.#recorder.disputedGets++;
  }

  #ownerOf(list: readonly number[], key: string): string | undefined {
    const name = list.toSorted((one, other) => one - other).join(' ');
    let ring = this.#rings.get(name);
    if (ring === undefined) {
      ring = new HashRing(list.map((index) => this.#slots[index]!.proxy.url));
      this.#rings.set(name, ring);
    }
    return ring.ownerOf(key);
  }

  #onReport(slot: Slot, worker: PeerWorker, { results, loads, loaded, applied }: WorkerReport): void {
    for (const [id, key, start] of loads) {
      const value = `${key} v${this.#versions.get(key) ?? 0} ${worker.id} ${id}`;
      const load = { value, key, peer: worker.id, start };
      this.#recorder.loads.push(load);
      this.#loads.set(`${worker.id} ${id}`, load);
      setTimeout(() => this.#source(slot, worker, id, value), this.#random() * this.#options.loadMs);
    }
    for (const [id, end] of loaded) this.#loads.get(`${worker.id} ${id}`)!.end = end;
    for (const [origin, seq, time] of applied) this.#recorder.applied(worker.id, origin, seq, time);
    for (const outcome of results) this.#onOutcome(slot, worker, outcome);
    this.#fill(slot);
    this.#endIfDone();
  }

  #source(slot: Slot, worker: PeerWorker, id: number, value: string): void {
    slot.sources.push([id, value]);
    if (slot.sources.length > 1) return;
    setImmediate(() => {
      const { sources } = slot;
      slot.sources = [];
      if (slot.worker === worker) worker.send({ sources });
    });
  }

  #onOutcome(slot: Slot, worker: PeerWorker, [id, start, end, result, about, owner]: Outcome): void {
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
      const other = this.#slots[owner]?.worker;
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
    const peers = this.#slots
      .filter(
        ({ proxy, worker: other, since }) => acknowledged.includes(proxy.url) && other !== undefined && since < start,
      )
      .map(({ worker: other }) => other!.id);
    recorder.removals.push({ kind, subject, start, end, acknowledged: [...peers, worker.id], value, isStored: stored });
    if (name === 'remove') recorder.numbered(worker.bootId, about, subject);
  }

  #endIfDone(): void {
    const finished = this.#finished;
    if (finished === undefined || this.#done < this.#total) return;
    this.#performed += this.#total;
    this.#finished = undefined;
    finished();
  }

  async #injectFaults(): Promise<void> {
    const { events = [], everyMs = 300 } = this.#options.faults;
    if (events.length === 0) return;
    const running = new Set<Promise<void>>();
    while (!this.#isPaused && !this.#isClosed) {
      await pause(everyMs * (0.5 + this.#faultRandom()));
      if (this.#isPaused) break;
      const event = events[Math.floor(this.#faultRandom() * events.length)]!;
      const slot = this.#slots[Math.floor(this.#faultRandom() * this.#slots.length)]!;
      const happening = this.#happen(event, slot).finally(() => running.delete(happening));
      running.add(happening);
    }
    await Promise.all(running);
  }

  async #happen(event: FaultEvent, slot: Slot): Promise<void> {
    const random = this.#faultRandom;
    const { worker } = slot;
    if (worker === undefined || worker.hasEnded || worker.isStopped) return;
    this.#note(`${event} ${worker.id}`);
    this.#events[event] = (this.#events[event] ?? 0) + 1;
    switch (event) {
      case 'reset':
        return slot.proxy.reset(0.5, false);
      case 'cut':
        return slot.proxy.reset(0.5, true);
      case 'stop':
        worker.hold(true);
        await pause(50 + 1_200 * random());
        worker.hold(false);
        this.#note(`continue ${worker.id}`);
        this.#fill(slot);
        return;
      case 'kill':
        return this.#restart(slot, 200 * random());
      case 'dispute': {
        // One peer is not in the lists of some others, or thinks that it is alone with one.
        const doubters = this.#slots.filter((other) => other !== slot && random() < 0.5);
        for (const other of doubters)
          this.#tellList(
            other,
            this.#members.filter((index) => index !== slot.index),
          );
        if (random() < 0.3)
          this.#tellList(
            slot,
            this.#members.filter((index) => index === slot.index || random() < 0.5),
          );
        await pause(100 + 900 * random());
        return this.#agree();
      }
      case 'leave': {
        if (this.#members.length < 3 || !this.#members.includes(slot.index)) return;
        this.#members = this.#members.filter((index) => index !== slot.index);
        await this.#agree();
        await pause(200 * random());
        if (random() < 0.5) await this.#restart(slot, 0);
        this.#members = [...this.#members, slot.index];
        return this.#agree();
      }
    }
  }

  /** All are told who is there, one after the other. */
  async #agree(): Promise<void> {
    for (const slot of this.#slots.toSorted(() => this.#faultRandom() - 0.5)) {
      await pause(60 * this.#faultRandom());
      this.#tellList(slot, this.#members);
      this.#fill(slot);
    }
  }

  async #restart(slot: Slot, afterMs: number): Promise<void> {
    const { worker } = slot;
    if (worker === undefined || worker.hasEnded) return;
    slot.worker = undefined;
    slot.proxy.forwardTo(0);
    await worker.kill();
    for (const [id, name, subject, value] of slot.open.values()) {
      slot.open.delete(id);
      this.#done++;
      this.#recorder.failed++;
      if (name === 'set') this.#recorder.removals.push({ kind: 'set', subject, start: 0, acknowledged: [], value });
    }
    await pause(afterMs);
    if (this.#isClosed) return;
    const { list } = slot;
    slot.list = [];
    await this.#startWorker(slot);
    this.#tellList(slot, list);
    this.#fill(slot);
    this.#endIfDone();
  }

  #report(seconds: number): RunReport {
    const recorder = this.#recorder;
    const { sortedMs } = recorder.convergence();
    const at = (share: number): number => sortedMs[Math.min(sortedMs.length - 1, Math.floor(share * sortedMs.length))]!;
    return {
      seed: this.#options.seed,
      operations: this.#performed,
      seconds,
      violations: findViolations(recorder.history),
      gets: recorder.gets.length,
      hits: recorder.hits,
      loads: recorder.loads.length,
      removals: recorder.removals.length,
      failed: recorder.failed,
      overlapping: recorder.overlappingRemovals(),
      lagging: recorder.laggingGets(),
      disputed: recorder.disputedGets,
      dropped: this.#dropped,
      convergence: sortedMs.length === 0 ? undefined : { p50: at(0.5), p99: at(0.99), max: sortedMs.at(-1)! },
      events: this.#events,
    };
  }
}

interface OperationChoice {
  readonly name: OperationName;
  readonly subject: string;
}
