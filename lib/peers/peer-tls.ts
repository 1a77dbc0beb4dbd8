import { constants } from 'node:crypto';
import type { RequestListener, ServerOptions } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { Duplex } from 'node:stream';
import {
  checkServerIdentity,
  createSecureContext,
  type SecureContext,
  type SecureContextOptions,
  type TLSSocket,
} from 'node:tls';
import { buildConnector } from 'undici';
import { toMilliseconds, type Duration } from '../core/duration.js';
import { InvalidOptionError } from '../core/errors.js';
import { isInFiles, readMaterial, type CheckedMaterial, type TlsMaterial } from './tls-material.js';

export interface PeerTlsOptions extends TlsMaterial {
  /**
   * Whether who connects to `listen` must show a certificate by `ca`, and so counts as a peer. Default true where `key`,
   * `cert` and `ca` are given.
   */
  readonly mutual?: boolean;

  /**
   * A DNS name that every peer's certificate has. It is looked for in the place of the URL's host, which for a pod is in
   * no certificate; and with `mutual` in the certificate of who connects. Default the URL's host, and any name.
   */
  readonly peerName?: string;

  /** The oldest TLS that is spoken. Default `'TLSv1.2'`; processes of ours speak 1.3 with each other. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';

  /** How often files are looked at for new content; 0 for never. Default `'1m'`. */
  readonly reloadEvery?: Duration;
}

/** `mutual` of `options`, or its default. */
export function isMutual({ key, cert, ca, mutual }: PeerTlsOptions): boolean {
  return mutual ?? [key, cert, ca].every((pem) => pem !== undefined);
}

/** What a `PeerTls` tells about. */
export interface PeerTlsHost {
  /** Milliseconds that a connection may take, its TLS handshake included, on either side. */
  readonly connectTimeoutMs: number;
  /** New content is used from now on; `expires`: the end of this process's certificate. */
  onReloaded(expires: Date | undefined): void;
  /** The files have content that can't be used, and what was read before stays. Told once, until it can. */
  onReloadFailed(error: InvalidOptionError): void;
}

/**
 * TLS between peers: what is shown to them and whom it makes believe, on both sides of their connections.
 *
 * What is reloaded holds for new connections; those that are open stay. No session is taken up again, so that each
 * connection has proven its ends by what was good when it was made.
 */
export class PeerTls {
  /** Whether a `listen` port speaks TLS; otherwise this process only asks by it. */
  readonly isServing: boolean;
  /** Whether who connects proves that he is a peer. */
  readonly isMutual: boolean;
  readonly #options: PeerTlsOptions;
  readonly #host: PeerTlsHost;
  readonly #minVersion: 'TLSv1.2' | 'TLSv1.3';
  readonly #servers = new Set<Server>();
  readonly #proven = new WeakSet<Duplex>();
  readonly #timer: NodeJS.Timeout | undefined;
  #source: TlsMaterial;
  #material: CheckedMaterial;
  #context!: SecureContext;
  #connect!: buildConnector.connector;
  #isFailing = false;

  /** Throws an `InvalidOptionError` naming the first option that is not acceptable. */
  constructor(options: PeerTlsOptions, host: PeerTlsHost) {
    if (typeof options !== 'object' || options === null) {
      throw new InvalidOptionError('tls', options, 'expected { key, cert, ca }');
    }
    const { peerName, minVersion = 'TLSv1.2', reloadEvery = '1m' } = options;
    this.#material = readMaterial(options);
    const { key, ca } = this.#material;
    const mutual = isMutual(options);
    if (typeof mutual !== 'boolean') throw new InvalidOptionError('tls.mutual', mutual, 'expected true or false');
    if (mutual && (key === undefined || ca === undefined)) {
      throw new InvalidOptionError('tls.mutual', mutual, 'it needs key and cert, to be shown, and ca, to be believed');
    }
    if (peerName !== undefined && (typeof peerName !== 'string' || peerName === '')) {
      throw new InvalidOptionError('tls.peerName', peerName, `expected a DNS name, such as 'groupcache.internal'`);
    }
    if (minVersion !== 'TLSv1.2' && minVersion !== 'TLSv1.3') {
      throw new InvalidOptionError('tls.minVersion', minVersion, `expected 'TLSv1.2' or 'TLSv1.3'`);
    }
    this.#options = options;
    this.#host = host;
    this.#source = options;
    this.#minVersion = minVersion;
    this.isServing = key !== undefined;
    this.isMutual = mutual;
    this.#use(this.#material);
    const everyMs = toMilliseconds('tls.reloadEvery', reloadEvery);
    if (everyMs > 0) this.#timer = setInterval(() => this.#look(), everyMs).unref();
  }

  /** Makes the connections of an undici `Pool`. */
  readonly connect: buildConnector.connector = (options, callback) => this.#connect(options, callback);

  /** What a WebSocket is dialed with. */
  get dialOptions(): { secureContext: SecureContext; servername?: string; rejectUnauthorized: true } {
    const { peerName } = this.#options;
    return {
      secureContext: this.#context,
      // Whatever NODE_TLS_REJECT_UNAUTHORIZED says.
      rejectUnauthorized: true,
      ...(peerName === undefined ? {} : { servername: peerName }),
    };
  }

  /** A server that shows this process's certificate, and with `mutual` lets in nobody but peers. */
  createServer(options: ServerOptions, listener: RequestListener): Server {
    const server = createServer(
      {
        ...options,
        ...this.#secure,
        requestCert: this.isMutual,
        rejectUnauthorized: this.isMutual,
        handshakeTimeout: this.#host.connectTimeoutMs,
      },
      // Who has been turned away may have sent a request with the end of his handshake.
      (request, response) => (request.socket.destroyed ? undefined : listener(request, response)),
    );
    if (this.isMutual) server.on('secureConnection', (socket) => this.#meet(socket));
    this.#servers.add(server);
    server.once('close', () => this.#servers.delete(server));
    return server;
  }

  /** Whether the other side of `connection`, accepted by a server of this, has shown a peer's certificate. */
  hasProven(connection: Duplex): boolean {
    return this.#proven.has(connection);
  }

  /**
   * Uses `material` from now on, or what its files have now. Returns whether anything is different. Throws an
   * `InvalidOptionError`, and changes nothing, if peers could not accept it.
   */
  reload(material: TlsMaterial = this.#source): boolean {
    const read = readMaterial(material);
    if ((['key', 'ca'] as const).some((name) => (read[name] === undefined) !== (this.#material[name] === undefined))) {
      throw new InvalidOptionError('tls', Object.keys(material), 'key, cert and ca can be replaced, not come or go');
    }
    const isDifferent = (['key', 'cert', 'ca'] as const).some((name) => read[name] !== this.#material[name]);
    this.#source = material;
    this.#isFailing = false;
    if (isDifferent) {
      this.#use(read);
      this.#host.onReloaded(read.expires);
    }
    return isDifferent;
  }

  /** Looks at no files any more. */
  close(): void {
    clearInterval(this.#timer);
  }

  get #secure(): SecureContextOptions {
    const { key, cert, ca } = this.#material;
    return { key, cert, ca, minVersion: this.#minVersion, secureOptions: constants.SSL_OP_NO_TICKET };
  }

  #use(material: CheckedMaterial): void {
    this.#material = material;
    this.#context = createSecureContext(this.#secure);
    const { connectTimeoutMs } = this.#host;
    this.#connect = buildConnector({ ...this.dialOptions, timeout: connectTimeoutMs, maxCachedSessions: 0 });
    for (const server of this.#servers) server.setSecureContext(this.#secure);
  }

  #meet(socket: TLSSocket): void {
    const { peerName } = this.#options;
    if (peerName !== undefined && checkServerIdentity(peerName, socket.getPeerCertificate()) !== undefined) {
      socket.destroy();
    } else {
      this.#proven.add(socket);
    }
  }

  #look(): void {
    if (!isInFiles(this.#source)) return;
    try {
      this.reload();
    } catch (error) {
      if (this.#isFailing) return;
      this.#isFailing = true;
      this.#host.onReloadFailed(error as InvalidOptionError);
    }
  }
}
