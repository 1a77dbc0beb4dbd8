import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { shellOf } from './run.js';

/** A built application in a process of its own, which ends with the test that starts it. */
export interface AppProcess {
  readonly url: string;
  /** All that it has written to its standard error. */
  complaints(): string;
  /** The price that it answers for a symbol. */
  price(symbol: string): Promise<number>;
}

/** Ports that were free just now: peers must know each other's before they start. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  return Promise.all(
    servers.map(async (server) => {
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      server.close();
      await once(server, 'close');
      return port;
    }),
  );
}

/** Starts `node <file>` in the folder of an application and resolves when it answers. Rejects with its output if it does not. */
export async function startApp(
  node: string,
  folder: string,
  file: string,
  port: number,
  env: Readonly<Record<string, string>> = {},
): Promise<AppProcess> {
  const child = spawn(node, [file], {
    cwd: folder,
    env: { ...shellOf(node), ...env, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'close');
  onTestFinished(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  let complaints = '';
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));

  const url = `http://127.0.0.1:${port}`;
  const patience = AbortSignal.timeout(60_000);
  // Which waits, in a cluster, until the process takes all of its keys.
  while (!(await answers(`${url}/ready`))) {
    if (child.exitCode !== null || child.signalCode !== null || patience.aborted) {
      throw new Error(`node ${file} does not answer:\n${output}${complaints}`);
    }
    await setTimeout(50); // another process: nothing to wait for but its answer
  }
  return {
    url,
    complaints: () => complaints,
    async price(symbol) {
      const response = await fetch(`${url}/prices/${symbol}`);
      const quote = (await response.json()) as { symbol: string; price: number };
      if (quote.symbol !== symbol) throw new Error(`${response.status}: ${JSON.stringify(quote)}\n${complaints}`);
      return quote.price;
    },
  };
}

async function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    async (response) => {
      await response.arrayBuffer();
      return true;
    },
    () => false,
  );
}
