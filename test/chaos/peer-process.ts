import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { GroupSettings, GroupStats } from 'nestjs-groupcache/core';
import type { HttpPoolOptions } from 'nestjs-groupcache/peers';

/** When a get was meant to begin (milliseconds of `nowMs`), how long it took since then, its key, and its error's code or 0. */
export type Sample = readonly [intendedMs: number, latencyMs: number, key: string, code: string | 0];

export interface PeerReport {
  readonly gets: readonly Sample[];
  /** Runs of the getter. */
  readonly loads: readonly (readonly [key: string, atMs: number])[];
  readonly events: readonly (readonly [name: 'peerFailing' | 'peerRecovered', peer: string, atMs: number])[];
}

export interface PeerOptions {
  readonly self: string;
  /** Where it dials from. */
  readonly address: string;
  /** Whether it does as Go does. */
  readonly isControl: boolean;
  readonly pool: Omit<HttpPoolOptions, 'self' | 'hash' | 'failures'>;
  readonly group: Pick<GroupSettings<string>, 'cacheBytes' | 'loadTimeout'>;
  readonly valueBytes: number;
  /** The most descriptors that it may have. Default the machine's. */
  readonly maxDescriptors?: number;
}

export interface TrafficOptions {
  /** Gets a second. */
  readonly rate: number;
  readonly keys: number;
  readonly exponent: number;
  readonly seed: number;
  /** Of the keys; default `k`. */
  readonly prefix?: string;
}

export interface SourceBehaviour {
  readonly kind: 'well' | 'failing' | 'hanging';
  /** What a load takes. */
  readonly ms: number;
}

export interface Usage {
  /** After a forced collection, without what the group says that it holds: caches fill for as long as there is traffic. */
  readonly heapBytes: number;
  readonly rssBytes: number;
  readonly handles: number;
}

interface Commands {
  port(): number;
  list(urls: readonly string[]): void;
  drive(options: TrafficOptions): void;
  rest(): void;
  read(keys: { prefix?: string; from: number; upTo: number; step: number }): string[];
  source(how: SourceBehaviour): void;
  skew(ms: number): void;
  block(ms: number): void;
  exhaust(): number;
  release(): void;
  leave(timeoutMs: number): number;
  flush(): void;
  ready(): void;
  stats(): GroupStats;
  cpu(): number;
  usage(): Usage;
}

interface Waiting {
  resolve(result: any): void;
  reject(error: Error): void;
}

/** The milliseconds by which processes of this machine tell the time to each other. */
export function nowMs(): number {
  return Number(process.hrtime.bigint() / 1_000n) / 1_000;
}

/** A peer under test, in a process of its own, on the built package. */
export class PeerProcess {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  readonly #ended: Promise<unknown>;
  #lastId = 0;
  hasEnded = false;
  port = 0;

  private constructor(child: ChildProcess, onReport: (report: PeerReport) => void) {
    this.#child = child;
    child.on('error', () => undefined);
    this.#ended = once(child, 'exit').then(() => {
      this.hasEnded = true;
      for (const { reject } of this.#waiting.values()) reject(new Error('the peer has ended'));
      this.#waiting.clear();
    });
    child.on('message', (message: { report?: PeerReport; id?: number; result?: unknown; error?: Error }) => {
      if (message.report !== undefined) return onReport(message.report);
      const waiting = this.#waiting.get(message.id ?? 0);
      this.#waiting.delete(message.id ?? 0);
      if (message.error === undefined) waiting?.resolve(message.result);
      else waiting?.reject(Object.assign(new Error(message.error.message), message.error));
    });
  }

  /** Resolves once it listens. */
  static async start(options: PeerOptions, onReport: (report: PeerReport) => void): Promise<PeerProcess> {
    if (!existsSync(new URL('../../dist/index.js', import.meta.url))) {
      throw new Error('Peers run on the built package: npm run build:lib');
    }
    const script = fileURLToPath(new URL('fixtures/peer.mjs', import.meta.url));
    const args = ['--expose-gc', script, JSON.stringify(options)];
    const { maxDescriptors } = options;
    const limited = `ulimit -n ${maxDescriptors} && exec "$0" "$@"`;
    const stdio = ['ignore', 'inherit', 'inherit', 'ipc'] as const;
    const child =
      maxDescriptors === undefined
        ? spawn(process.execPath, args, { stdio: [...stdio] })
        : spawn('sh', ['-c', limited, process.execPath, ...args], { stdio: [...stdio] });
    const peer = new PeerProcess(child, onReport);
    await Promise.race([
      once(child, 'message'),
      peer.#ended.then(() => Promise.reject(new Error('the peer could not start'))),
    ]);
    peer.port = await peer.call('port');
    return peer;
  }

  /** Rejects if the process has ended, or ends before it has answered. */
  call<Name extends keyof Commands>(
    name: Name,
    ...args: Parameters<Commands[Name]>
  ): Promise<Awaited<ReturnType<Commands[Name]>>> {
    return new Promise((resolve, reject) => {
      if (this.hasEnded || !this.#child.connected) return reject(new Error('the peer has ended'));
      const id = ++this.#lastId;
      this.#waiting.set(id, { resolve, reject });
      this.#child.send({ id, name, args }, () => undefined);
    });
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(signal);
  }

  /** At once. */
  async kill(): Promise<void> {
    if (!this.hasEnded) this.#child.kill('SIGKILL');
    await this.#ended;
  }
}
