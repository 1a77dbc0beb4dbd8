import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export type OperationName = 'get' | 'remove' | 'tag' | 'clear' | 'set';

/** Of a worker: its number, what to do, about which key or tag, with which value. */
export type Operation = readonly [id: number, name: OperationName, subject: string, value?: string];

/** What has come of an operation; `end` is 0 where it has failed. */
export type Outcome = readonly [id: number, start: number, end: number, result: unknown, about: number, owner: number];

/** What a worker tells in one turn of its event loop. */
export interface WorkerReport {
  readonly results: readonly Outcome[];
  /** Getter's calls. */
  readonly loads: readonly (readonly [id: number, key: string, start: number])[];
  readonly loaded: readonly (readonly [id: number, end: number])[];
  /** What it has applied, of which origin up to which number, and when. */
  readonly applied: readonly (readonly [origin: string, seq: number, time: number])[];
  /** How often it has dropped everything since it had missed what nobody remembers, and all that it has evicted. */
  readonly overflows: number;
  readonly evictions: number;
  readonly moved: number;
}

export interface WorkerOptions {
  readonly self: string;
  /** Of all peers that there may be. */
  readonly urls: readonly string[];
  readonly auth: 'none' | { readonly secret: string };
  readonly loadTimeout: string;
  /** How many there are. */
  readonly tags: number;
  readonly mutant?: string;
  readonly isRival?: boolean;
  readonly isClient: boolean;
  readonly isLinking: boolean;
  readonly cacheBytes: string;
}

export interface ToWorker {
  readonly operations?: readonly Operation[];
  readonly sources?: readonly (readonly [id: number, value: string])[];
  readonly list?: readonly string[];
  /** Where to send removals, by URL of the peer. */
  readonly rivals?: Readonly<Record<string, number>>;
  /** Removes so many keys that nobody asks for. */
  readonly flood?: number;
  /** Milliseconds that it may take to depart. */
  readonly depart?: number;
}

/** One process of a cluster under test. */
export class PeerWorker {
  readonly id: string;
  bootId = '';
  port = 0;
  rivalPort = 0;
  isStopped = false;
  hasEnded = false;
  readonly #child: ChildProcess;
  #departed: (() => void) | undefined;

  private constructor(id: string, child: ChildProcess) {
    this.id = id;
    this.#child = child;
  }

  /** Resolves once it listens. */
  static async start(
    id: string,
    options: WorkerOptions,
    onReport: (worker: PeerWorker, report: WorkerReport) => void,
  ): Promise<PeerWorker> {
    const path = fileURLToPath(new URL('fixtures/worker.mjs', import.meta.url));
    const child = fork(path, [JSON.stringify(options)], {
      execArgv: [],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const worker = new PeerWorker(id, child);
    child.on('error', () => undefined);
    child.once('exit', () => (worker.hasEnded = true));
    const [{ ready }] = (await once(child, 'message')) as [
      { ready: { bootId: string; port: number; rivalPort: number } },
    ];
    Object.assign(worker, ready);
    child.on('message', (report: WorkerReport | { departed: true }) => {
      if ('departed' in report) worker.#departed?.();
      else onReport(worker, report);
    });
    return worker;
  }

  send(message: ToWorker): void {
    if (!this.hasEnded && this.#child.connected) this.#child.send(message, () => undefined);
  }

  /** Has it hand over what it holds and refuse what comes, as one that shuts down. */
  async depart(): Promise<void> {
    const departed = new Promise<void>((resolve) => {
      this.#departed = resolve;
      this.#child.once('exit', () => resolve());
    });
    this.send({ depart: 300 });
    await departed;
  }

  /** SIGSTOP or SIGCONT. */
  hold(isStopped: boolean): void {
    this.isStopped = isStopped;
    this.#child.kill(isStopped ? 'SIGSTOP' : 'SIGCONT');
  }

  async kill(): Promise<void> {
    if (this.hasEnded) return;
    const ended = once(this.#child, 'exit');
    this.hasEnded = true;
    this.#child.kill('SIGKILL');
    await ended;
  }
}
