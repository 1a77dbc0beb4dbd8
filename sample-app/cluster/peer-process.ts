import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { PeerStats } from '../stats/peer-stats.js';
import type { PeerMessage, StatsRequest } from './messages.js';

const main = fileURLToPath(new URL('../main.js', import.meta.url));
const startWithinMs = 60_000;
const answerWithinMs = 10_000;
const stopWithinMs = 10_000;

/** One forked peer, seen from the launcher. */
export class PeerProcess {
  readonly url: string;
  /** Resolves, with words for it, when the process has ended, for whatever reason. */
  readonly ended: Promise<string>;
  readonly #child: ChildProcess;
  #isStopping = false;

  /** Forks the process; it serves nothing before `ready`. */
  constructor(url: string, env: Readonly<Record<string, string>>) {
    this.url = url;
    this.#child = fork(main, [], {
      env: { ...process.env, ...env },
      // A process group of its own: Ctrl-C then reaches the launcher alone, which stops its peers in good order.
      detached: true,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.ended = new Promise((resolve) => {
      this.#child.once('exit', (code, signal) => resolve(signal === null ? `exit code ${code}` : signal));
      this.#child.once('error', (error) => resolve(error.message));
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Whether it was told to stop, so that its end is no surprise. */
  get isStopping(): boolean {
    return this.#isStopping;
  }

  /** Resolves when the peer is listening; rejects when it ends before. */
  async ready(): Promise<void> {
    await this.#hear('ready', startWithinMs);
  }

  async stats(): Promise<PeerStats> {
    const answer = this.#hear('stats', answerWithinMs);
    const question: StatsRequest = { type: 'stats' };
    // An error here means that the process has ended, of which #hear tells.
    this.#child.send(question, () => {});
    return (await answer).stats;
  }

  /** Resolves when the process has ended: of itself, or killed if that takes longer than ten seconds. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#child.kill('SIGTERM');
    const kill = setTimeout(() => this.#child.kill('SIGKILL'), stopWithinMs);
    await this.ended;
    clearTimeout(kill);
  }

  /** The peer's next message of that type. */
  #hear<Type extends PeerMessage['type']>(type: Type, withinMs: number): Promise<MessageOf<Type>> {
    const child = this.#child;
    return new Promise((resolve, reject) => {
      const settle = (settleNow: () => void): void => {
        clearTimeout(deadline);
        child.off('message', hear).off('exit', miss);
        settleNow();
      };
      const hear = (message: PeerMessage): void => {
        if (message.type === type) settle(() => resolve(message as MessageOf<Type>));
      };
      const miss = (): void => settle(() => reject(new Error(`the peer ${this.url} ended before it sent "${type}"`)));
      const deadline = setTimeout(
        () => settle(() => reject(new Error(`the peer ${this.url} sent no "${type}" within ${withinMs / 1000} s`))),
        withinMs,
      );
      child.on('message', hear).once('exit', miss);
      if (child.exitCode !== null || child.signalCode !== null) miss();
    });
  }
}

type MessageOf<Type extends PeerMessage['type']> = Extract<PeerMessage, { type: Type }>;
