import { createServer, type RequestListener, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { HttpPool } from './http-pool.js';
import { acceptLinks } from './link/accept-links.js';
import type { PeerServer } from './peer-server.js';
import { LISTEN_MAX_KEY_BYTES } from './wire.js';

export interface ListenOptions {
  /** 0 for any free one. */
  readonly port: number;
  /** Default: every interface, as Node's `server.listen`. */
  readonly host?: string;
}

/** A `PeerServer` on a port of its own, away from the application's pipeline and public; over TLS if its pool has a certificate. */
export class PeerListener {
  readonly #server: Server;
  readonly #pool: HttpPool;
  readonly #refuseLinks: () => void;

  constructor(peerServer: PeerServer) {
    this.#pool = peerServer.pool;
    const { tls } = this.#pool;
    const options = { maxHeaderSize: LISTEN_MAX_KEY_BYTES + 16 * 1024 };
    const handle: RequestListener = (request, response) => void peerServer.handle(request, response);
    this.#server = tls?.isServing === true ? tls.createServer(options, handle) : createServer(options, handle);
    this.#refuseLinks = acceptLinks(this.#server, this.#pool);
  }

  /** Resolves to the bound address. Rejects with what Node says, such as EADDRINUSE. */
  async listen({ port, host }: ListenOptions): Promise<AddressInfo> {
    this.#server.listen(port, host);
    await once(this.#server, 'listening');
    return this.#server.address() as AddressInfo;
  }

  /**
   * Takes no more connections and closes those there are, links included: after the requests under way, half-sent ones included, but at
   * the latest after `timeoutMs`.
   */
  async close(timeoutMs = 5_000): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeIdleConnections();
    this.#refuseLinks();
    void this.#pool.links.closeAccepted(timeoutMs);
    const timer = setTimeout(() => this.#server.closeAllConnections(), timeoutMs);
    await closed;
    clearTimeout(timer);
  }
}
