import { Faults } from './faults.js';
import type { DroppedFrame } from './fault-proxy.js';
import { findViolations, type History } from './history.js';
import { Performer, type OperationChoice } from './performer.js';
import type { PeerWorker, WorkerReport } from './peer-worker.js';
import { seededRandom } from './random.js';
import { Recorder } from './recorder.js';
import { resolveRunOptions, type ResolvedRunOptions, type RunOptions, type RunReport } from './run-options.js';
import { now, pause, Slots, type Slot } from './slots.js';
import { Source } from './source.js';

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
  readonly #options: ResolvedRunOptions;
  readonly #random: () => number;
  readonly #recorder: Recorder;
  readonly #slots: Slots;
  readonly #performer: Performer;
  readonly #source: Source;
  readonly #faults: Faults;
  #dropped = 0;
  #overflows = 0;
  #evictions = 0;
  #moved = 0;

  constructor(options: RunOptions) {
    this.#options = resolveRunOptions(options);
    const { seed, tags, width, loadMs } = this.#options;
    const random = (this.#random = seededRandom(seed));
    const recorder = (this.#recorder = new Recorder((key) => `t${Number(key.slice(1)) % tags}`));
    this.#slots = new Slots(this.#options, {
      onReport: (slot, worker, report) => this.#onReport(slot, worker, report),
      onDropped: (frame) => this.#onDropped(frame),
    });
    const performer = (this.#performer = new Performer(this.#slots, recorder, width));
    this.#source = new Source({ recorder, random, loadMs, versionOf: (key) => performer.versionOf(key) });
    this.#faults = new Faults(this.#slots, performer, seededRandom(seed ^ 0x5eed));
  }

  get history(): History {
    return this.#recorder.history;
  }

  /** Faults and lists as they came. */
  get trace(): Slots['trace'] {
    return this.#slots.trace;
  }

  async start(): Promise<void> {
    await this.#slots.start();
    // So that the links are there.
    await pause(500);
  }

  /** The whole of a run. */
  async run(): Promise<RunReport> {
    const startedAt = performance.now();
    const faults = this.#faults.inject(this.#options.faults);
    await this.#performer.perform(this.#options.operations, () => this.#chooseAny());
    this.#faults.end();
    await faults;
    return this.#report((performance.now() - startedAt) / 1000);
  }

  /** Every peer reads every key, once; resolves to how many loads that took. */
  async readAll(): Promise<number> {
    const { keys } = this.#options;
    const before = this.#recorder.loads.length;
    for (const slot of this.#slots.all) {
      let next = 0;
      await this.#performer.perform(keys, () => ({ name: 'get', subject: `k${next++}` }), [slot]);
    }
    return this.#recorder.loads.length - before;
  }

  /** Removes one key by one peer. */
  async removeOne(key: string): Promise<void> {
    await this.#performer.perform(1, () => ({ name: 'remove', subject: key }), [this.#slots.all[0]!]);
  }

  async close(): Promise<void> {
    this.#faults.close();
    await this.#slots.close();
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

  #onReport(slot: Slot, worker: PeerWorker, report: WorkerReport): void {
    this.#source.onReport(slot, worker, report);
    for (const [origin, seq, time] of report.applied) this.#recorder.applied(worker.id, origin, seq, time);
    for (const outcome of report.results) this.#performer.onOutcome(slot, worker, outcome);
    this.#overflows += report.overflows;
    this.#evictions += report.evictions;
    this.#moved += report.moved;
    this.#performer.fill(slot);
    this.#performer.endIfDone();
  }

  #onDropped(frame: DroppedFrame): void {
    this.#dropped++;
    const to = this.#slots.at(frame.to)?.worker;
    if (to !== undefined) this.#recorder.dropped(frame, to.id, now());
  }

  #report(seconds: number): RunReport {
    const recorder = this.#recorder;
    const { sortedMs } = recorder.convergence();
    const at = (share: number): number => sortedMs[Math.min(sortedMs.length - 1, Math.floor(share * sortedMs.length))]!;
    return {
      seed: this.#options.seed,
      operations: this.#performer.performed,
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
      overflows: this.#overflows,
      evictions: this.#evictions,
      moved: this.#moved,
      events: this.#faults.counts,
    };
  }
}
