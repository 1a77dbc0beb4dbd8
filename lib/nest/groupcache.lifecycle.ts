import {
  Injectable,
  Logger,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { InvalidOptionError } from '../core/errors.js';
import { GroupRegistry } from '../core/group-registry.js';
import { HttpPool } from '../peers/http-pool.js';
import { acceptLinks } from '../peers/link/accept-links.js';
import { mountRaw } from '../peers/mount-raw.js';
import { PeerListener } from '../peers/peer-listener.js';
import { PeerServer } from '../peers/peer-server.js';
import { SelfWatch } from '../peers/self-watch.js';
import { CacheActionExplorer } from './cache-action.explorer.js';
import { CachedExplorer } from './cached.explorer.js';
import { Departure } from './departure.module.js';
import type { ResolvedGroupcacheOptions } from './groupcache.options.js';

/**
 * Joins the peers once this process can be reached, and leaves them before it can't.
 *
 * Logs changes of state, once each.
 */
@Injectable()
export class GroupcacheLifecycle implements OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown {
  readonly #logger = new Logger('Groupcache');
  #listener: PeerListener | undefined;
  #stopWaiting: (() => void) | undefined;
  /** Takes off the application's server what was put before it. */
  #unmount: (() => void) | undefined;
  /** Aborts once this process is leaving. */
  readonly #leaving = new AbortController();
  readonly #selfWatch: SelfWatch;

  constructor(
    private readonly options: ResolvedGroupcacheOptions,
    private readonly pool: HttpPool,
    private readonly groups: GroupRegistry,
    private readonly peerServer: PeerServer,
    private readonly cached: CachedExplorer,
    private readonly actions: CacheActionExplorer,
    private readonly adapterHost: HttpAdapterHost,
    departure: Departure,
  ) {
    departure.before(() => this.#leave());
    this.#selfWatch = new SelfWatch(pool, {
      clock: options.clock,
      onChange: (check) => {
        if (check.isSelf) return this.#logger.log(`"self" is right again: this process answers at ${pool.self}`);
        this.#logger.error(
          `"self" is wrong, so the other peers will load this process's keys themselves: ${check.problem}`,
        );
      },
    });
    pool.events.on('peersChanged', ({ added, removed, peers }) => {
      for (const peer of added) if (peer !== pool.self) this.#logger.log(`Peer ${peer} joined`);
      for (const peer of removed) if (peer !== pool.self) this.#logger.log(`Peer ${peer} left`);
      if (pool.role === 'peer' && peers.length > 0 && !peers.includes(pool.self ?? '')) {
        this.#logger.warn(`The peers do not list this process (${pool.self}): it owns no keys`);
      }
      // Before there are others, nothing is served, to oneself neither.
      if (pool.role === 'peer' && pool.hasPeers) this.#selfWatch.start();
    });
    pool.events.on('peerFailing', ({ error }) => {
      this.#logger.warn(`${error.message}; other peers take its keys meanwhile`);
    });
    pool.events.on('ringDiffers', ({ peer }) => {
      this.#logger.warn(
        `Peer ${peer} has another ring or list of peers: keys on which they differ are loaded more than once. Do all ` +
          `processes have the same "peers", "ring", "replicas" and "hash"?`,
      );
    });
    pool.events.on('tlsReloaded', ({ expires }) => {
      const end = expires === undefined ? '' : `; this process's certificate is good until ${expires.toISOString()}`;
      this.#logger.log(`The files of "tls" are new, and used for new connections to peers${end}`);
    });
    pool.events.on('tlsReloadFailed', ({ error }) => {
      this.#logger.error(`The files of "tls" can't be used, and what was read before stays: ${error.message}`);
    });
    pool.events.on('urlShared', ({ peer }) => {
      this.#logger.error(
        `Several processes come as peer ${peer}, and only one of them at a time is told of removals: each needs a "self" ` +
          `of its own`,
      );
    });
    pool.events.on('peerLeaving', ({ peer }) => this.#logger.log(`Peer ${peer} leaves; other peers take its keys`));
    pool.events.on('peerRecovered', ({ peer }) => this.#logger.log(`Peer ${peer} answers again`));
  }

  async onApplicationBootstrap(): Promise<void> {
    const { enabled, mount, listen, self } = this.options;
    if (!enabled || this.pool.role === 'client') return;
    if (listen !== undefined) {
      this.#listener = new PeerListener(this.peerServer);
      await this.#join(await this.#listener.listen(listen));
      return;
    }
    const server = this.#httpServer();
    if (server !== undefined) {
      this.#unmount = mount === 'raw' ? mountRaw(server, this.peerServer) : acceptLinks(server, this.pool);
      this.#joinOnceListening(server);
    } else if (self !== undefined) {
      throw new InvalidOptionError(
        'listen',
        listen,
        `an application without an HTTP server needs it, { port }, for peers to reach it, or role: 'client', which asks ` +
          `peers and owns nothing`,
      );
    }
  }

  /** Or the application's server, which waits for its connections, would wait for these. Links of this process's own stay. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.pool.links.closeAccepted(this.options.drainTimeoutMs);
  }

  async onApplicationShutdown(): Promise<void> {
    this.cached.unbind();
    this.actions.unbind();
    // By now the application's server is closed: until then, peers are told that this one is leaving.
    this.#unmount?.();
    const { drainTimeoutMs } = this.options;
    await Promise.all([this.#listener?.close(drainTimeoutMs), this.pool.close(drainTimeoutMs)]);
    this.groups.close();
  }

  /** While the providers that loads need are still up. */
  async #leave(): Promise<void> {
    this.#leaving.abort();
    this.#selfWatch.end();
    this.#stopWaiting?.();
    await this.peerServer.drain(this.options.drainTimeoutMs);
  }

  #httpServer(): Server | undefined {
    const server = this.adapterHost.httpAdapter?.getHttpServer() as Server | undefined;
    // Without a server, Nest has an adapter that does nothing.
    return typeof server?.address === 'function' ? server : undefined;
  }

  #joinOnceListening(server: Server): void {
    const join = (): void => {
      this.#join(server.address() as AddressInfo).catch((error: unknown) => {
        this.#logger.error(`This process could not join its peers and is by itself: ${String(error)}`);
      });
    };
    if (server.listening) return join();
    server.once('listening', join);
    this.#stopWaiting = () => server.off('listening', join);
  }

  async #join(address: AddressInfo): Promise<void> {
    const { self } = this.options;
    if (self === undefined) return;
    const url = typeof self === 'function' ? await self(address) : self;
    if (this.#leaving.signal.aborted) return;
    this.pool.join(url);
  }
}
