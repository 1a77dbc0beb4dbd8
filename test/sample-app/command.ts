import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

const repository = fileURLToPath(new URL('../..', import.meta.url));

/** A command as a user types it at the top of the repository, in a process group of its own, as a terminal gives it. */
export class Command {
  /** What it has written so far, on both outputs. */
  readonly lines: string[] = [];
  /** The exit code, or the signal that ended it. Resolves when nobody writes to its outputs any more, peers included. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
  readonly #child: ChildProcess;
  readonly #listeners = new Set<() => void>();
  #hasEnded = false;

  /** `env` is added to a clean one: what this process was told of databases and the atlas is taken out. */
  constructor(words: readonly [command: string, ...args: string[]], env: Readonly<Record<string, string>> = {}) {
    const inherited = Object.entries(process.env).filter(
      ([name]) => !/^(DATABASE_URL|ATLAS_.*|NODE_OPTIONS)$/.test(name),
    );
    const [command, ...args] = words;
    this.#child = spawn(command, args, {
      cwd: repository,
      env: { ...Object.fromEntries(inherited), ...env },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const output of [this.#child.stdout!, this.#child.stderr!]) {
      createInterface({ input: output }).on('line', (line) => {
        this.lines.push(line);
        this.#listeners.forEach((listener) => listener());
      });
    }
    this.ended = once(this.#child, 'close').then(([code, signal]) => {
      this.#hasEnded = true;
      this.#listeners.forEach((listener) => listener());
      return (code ?? signal) as number | NodeJS.Signals | null;
    });
    onTestFinished(async () => {
      if (!this.#hasEnded) this.interrupt();
      await this.ended;
    });
  }

  /** Everything that it has written, for a message. */
  get output(): string {
    return this.lines.join('\n');
  }

  /** What Ctrl-C in a terminal does: SIGINT to every process of the group, npm and the shell among them. */
  interrupt(): void {
    process.kill(-this.#child.pid!, 'SIGINT');
  }

  /** The first `count` lines that match, as soon as they are there; rejects when the command ends before. */
  async matches(pattern: RegExp, count: number): Promise<RegExpExecArray[]> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = this.lines.map((line) => pattern.exec(line)).filter((match) => match !== null);
        if (found.length < count && !this.#hasEnded) return;
        this.#listeners.delete(look);
        if (found.length >= count) resolve(found.slice(0, count));
        else reject(new Error(`it ended before it wrote ${String(pattern)}, with:\n${this.output}`));
      };
      this.#listeners.add(look);
      look();
    });
  }
}
