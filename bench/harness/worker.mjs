// Processes that are told what to do by lines of JSON on their standard input, and answer on their standard output.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const running = new Set();

/** A process of `file`, a script of this folder's parent or a program; ready once it has said so. */
export async function startWorker(file, args = [], { nodeFlags = [] } = {}) {
  const isScript = file.endsWith('.mjs');
  const path = isScript ? fileURLToPath(new URL(`../${file}`, import.meta.url)) : file;
  const texts = args.map((arg) => (typeof arg === 'string' ? arg : JSON.stringify(arg)));
  const command = isScript ? [process.execPath, ...nodeFlags, path, ...texts] : [path, ...texts];
  const worker = new Worker(spawn(command[0], command.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] }), file);
  running.add(worker);
  await worker.ready;
  return worker;
}

/** Ends all that are left. */
export async function stopWorkers() {
  await Promise.all([...running].map((worker) => worker.stop()));
}

class Worker {
  #child;
  #name;
  #waiting = [];
  #exited;

  constructor(child, name) {
    this.#child = child;
    this.#name = name;
    this.#exited = once(child, 'exit');
    this.ready = new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
    createInterface({ input: child.stdout }).on('line', (line) => this.#settle(JSON.parse(line)));
    child.stdin.on('error', () => undefined);
    child.once('exit', (code) => this.#fail(new Error(`${this.#name} ended with ${code}`)));
  }

  get pid() {
    return this.#child.pid;
  }

  /** Has the process run one of its commands; they are run one after the other. */
  call(name, ...args) {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#child.stdin.write(`${JSON.stringify({ name, args })}\n`);
    });
  }

  async stop() {
    running.delete(this);
    this.#child.stdin.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 5_000);
    if (this.#child.exitCode === null) await this.#exited;
    clearTimeout(timer);
  }

  #settle({ result, error }) {
    const { resolve, reject } = this.#waiting.shift();
    if (error === undefined) resolve(result);
    else reject(new Error(`${this.#name}: ${error}`));
  }

  #fail(error) {
    running.delete(this);
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}

/** The other side: runs `commands` by name, one after the other, and ends when its standard input does. */
export async function obey(commands) {
  const all = { cpu: cpuUs, ...commands };
  answer({ result: null });
  for await (const line of createInterface({ input: process.stdin })) {
    const { name, args } = JSON.parse(line);
    try {
      answer({ result: (await all[name](...args)) ?? null });
    } catch (error) {
      answer({ error: error.stack ?? String(error) });
    }
  }
  process.exit(0);
}

function answer(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** Microseconds of user and system time that this process has taken. */
export function cpuUs() {
  const { user, system } = process.cpuUsage();
  return user + system;
}
