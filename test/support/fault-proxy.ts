import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Fault } from './faults.js';
import { ProxiedConnection } from './proxied-connection.js';

export interface FaultProxyOptions {
  /** Of the peer behind it. */
  readonly number: number;
  /** Which peer dials from an address. */
  readonly numberOf: (address: string | undefined) => number;
  /** What happens between a dialer and the peer behind the proxy. */
  readonly faultBetween: (dialer: number) => { readonly fault: Fault; readonly victim: number } | undefined;
  readonly random: () => number;
}

/** Stands before one peer, which has the proxy's URL for its own. */
export class FaultProxy {
  readonly connections = new Set<ProxiedConnection>();
  readonly #options: FaultProxyOptions;
  #server: Server | undefined;
  #port = 0;
  #targetPort = 0;
  #blackHole: ChildProcess | undefined;

  private constructor(options: FaultProxyOptions) {
    this.#options = options;
  }

  static async start(options: FaultProxyOptions): Promise<FaultProxy> {
    const proxy = new FaultProxy(options);
    await proxy.#listen();
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** The peer listens at `port`; 0: nowhere, and so does the proxy. */
  async forwardTo(port: number): Promise<void> {
    this.#targetPort = port;
    if (port === 0) await this.#deafen();
    else await this.appear();
  }

  /** Listens no more, and resets what there is. */
  async refuse(): Promise<void> {
    await this.#deafen();
    for (const connection of this.connections) connection.reset();
  }

  /** Further connections are never made. */
  async vanish(): Promise<void> {
    await this.#deafen();
    const script = fileURLToPath(new URL('black-hole.mjs', import.meta.url));
    const hole = fork(script, [String(this.#port)], { execArgv: [] });
    this.#blackHole = hole;
    await once(hole, 'message');
    hole.send('fill');
    await once(hole, 'message');
  }

  /** Listens again, if there is a peer. */
  async appear(): Promise<void> {
    const hole = this.#blackHole;
    this.#blackHole = undefined;
    if (hole !== undefined) {
      const ended = once(hole, 'exit');
      hole.kill('SIGKILL');
      await ended;
    }
    if (this.#server === undefined && this.#targetPort !== 0) await this.#listen();
  }

  async close(): Promise<void> {
    await this.forwardTo(0);
    await this.appear();
    for (const connection of this.connections) connection.destroy();
  }

  async #listen(): Promise<void> {
    const server = createServer({ noDelay: true, pauseOnConnect: true }, (dialer) => this.#accept(dialer));
    this.#server = server;
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    this.#port = (server.address() as AddressInfo).port;
  }

  async #deafen(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    // Its connections stay: it is not waited for.
    server?.close();
  }

  #accept(dialer: Socket): void {
    const { number, numberOf, faultBetween, random } = this.#options;
    const from = numberOf(dialer.remoteAddress);
    const kind = faultBetween(from)?.fault.kind;
    if (this.#targetPort === 0 || kind === 'refuse') {
      dialer.on('error', () => undefined);
      dialer.resetAndDestroy();
      return;
    }
    const connection = new ProxiedConnection(dialer, this.#targetPort, {
      from,
      to: number,
      random,
      fault: () => faultBetween(from),
      isHeld: kind === 'blackHole',
      onClosed: (closed) => this.connections.delete(closed),
    });
    this.connections.add(connection);
  }
}
