import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { GroupSettings, GroupStats } from 'nestjs-groupcache/core';
import type { HttpPoolOptions } from 'nestjs-groupcache/peers';

/** What is told to a peer's process, as JSON. */
export interface PeerProcessOptions {
  /** `nest-peer` is a Nest application, `peer` the package's core and peers alone. Default `peer`. */
  readonly fixture?: 'peer' | 'nest-peer';
  readonly adapter?: 'express' | 'fastify';
  readonly pool?: Omit<HttpPoolOptions, 'hash' | 'failures'>;
  readonly group?: Pick<GroupSettings<string>, 'cacheBytes' | 'loadTimeout'>;
  /** How long a load takes. */
  readonly loadMs?: number;
}

/** A peer in a process of its own, on the built package. Its getter gives `value of <key>`. */
export interface PeerProcess {
  readonly url: string;
  readonly pid: number;
  set(...peers: string[]): Promise<void>;
  owners(keys: readonly string[]): Promise<string[]>;
  get(key: string): Promise<string>;
  getMany(keys: readonly string[]): Promise<string[]>;
  stampede(key: string, callers: number): Promise<{ values: string[]; errors: string[] }>;
  /** How often the getter was run, by key. */
  loads(): Promise<Record<string, number>>;
  stats(): Promise<GroupStats>;
  /** Bytes in use after a forced collection. */
  memory(): Promise<number>;
  /** What it wrote to stderr so far. */
  complaints(): string;
  /** Resolves to how the process has ended. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** Starts a peer and resolves when it listens. */
export async function startPeerProcess({
  fixture = 'peer',
  ...options
}: PeerProcessOptions = {}): Promise<PeerProcess> {
  if (!existsSync(new URL('../../dist/index.js', import.meta.url))) {
    throw new Error('The processes of this test run on the built package: npm run build:lib');
  }
  const path = fileURLToPath(new URL(`fixtures/${fixture}.mjs`, import.meta.url));
  const child = fork(path, [JSON.stringify(options)], {
    execArgv: ['--expose-gc'],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let complaints = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (complaints += text));
  const ended = once(child, 'exit').then(([code, signal]) => ({ code, signal }));

  const waiting = new Map<number, { resolve(result: any): void; reject(error: Error): void }>();
  void ended.then(() => {
    for (const { reject } of waiting.values()) reject(new Error(`the peer has ended: ${complaints.trim()}`));
  });
  await Promise.race([
    once(child, 'message'),
    ended.then(({ code }) => Promise.reject(new Error(`the peer ended with ${code}: ${complaints.trim()}`))),
  ]);
  child.on('message', ({ id, result, error }: { id: number; result?: unknown; error?: Error }) => {
    const caller = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) caller?.resolve(result);
    else caller?.reject(Object.assign(new Error(error.message), error));
  });
  let lastId = 0;
  const call = (name: string, ...args: unknown[]): Promise<any> =>
    new Promise((resolve, reject) => {
      const id = ++lastId;
      waiting.set(id, { resolve, reject });
      child.send({ id, name, args });
    });

  return {
    url: await call('url'),
    pid: child.pid!,
    set: (...peers) => call('set', ...peers),
    owners: (keys) => call('owners', keys),
    get: (key) => call('get', key),
    getMany: (keys) => call('getMany', keys),
    stampede: (key, callers) => call('stampede', key, callers),
    loads: () => call('loads'),
    stats: () => call('stats'),
    memory: () => call('memory'),
    complaints: () => complaints,
    ended,
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      await ended;
    },
  };
}
