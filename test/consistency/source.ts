import type { PeerWorker, WorkerReport } from './peer-worker.js';
import type { Recorder } from './recorder.js';
import type { Slot } from './slots.js';

export interface SourceOptions {
  readonly recorder: Recorder;
  readonly random: () => number;
  /** A load takes up to so long. */
  readonly loadMs: number;
  readonly versionOf: (key: string) => number;
}

/** Where values come from: answers the getters of all peers, each load by a value of its own. */
export class Source {
  readonly #options: SourceOptions;
  readonly #loads = new Map<string, Recorder['loads'][number]>();
  readonly #answers = new Map<PeerWorker, [number, string][]>();

  constructor(options: SourceOptions) {
    this.#options = options;
  }

  onReport(slot: Slot, worker: PeerWorker, { loads, loaded }: Pick<WorkerReport, 'loads' | 'loaded'>): void {
    const { recorder, random, loadMs, versionOf } = this.#options;
    for (const [id, key, start] of loads) {
      const value = `${key} v${versionOf(key)} ${worker.id} ${id}`;
      const load = { value, key, peer: worker.id, start };
      recorder.loads.push(load);
      this.#loads.set(`${worker.id} ${id}`, load);
      setTimeout(() => this.#answer(slot, worker, id, value), random() * loadMs);
    }
    for (const [id, end] of loaded) this.#loads.get(`${worker.id} ${id}`)!.end = end;
  }

  /** Those of one turn go together. */
  #answer(slot: Slot, worker: PeerWorker, id: number, value: string): void {
    const answers = this.#answers.get(worker);
    if (answers !== undefined) return void answers.push([id, value]);
    const sources: [number, string][] = [[id, value]];
    this.#answers.set(worker, sources);
    setImmediate(() => {
      this.#answers.delete(worker);
      if (slot.worker === worker) worker.send({ sources });
    });
  }
}
