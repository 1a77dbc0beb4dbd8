import type { AddressInfo } from 'node:net';
import { toBytes, type ByteSize } from '../core/byte-size.js';
import type { Clock } from '../core/clock.js';
import { toMilliseconds, type Duration } from '../core/duration.js';
import { InvalidOptionError } from '../core/errors.js';
import { resolveGroupOptions, type GroupSettings } from '../core/group-options.js';
import type { HttpPoolOptions } from '../peers/http-pool-options.js';
import type { ListenOptions } from '../peers/peer-listener.js';
import { isMutual } from '../peers/peer-tls.js';
import { parsePeerUrl } from '../peers/peer-url.js';

/**
 * Has `run` called once the open transaction is committed, not at all if it is rolled back; or calls it at once, where none is
 * open. `run` never rejects.
 */
export type AfterCommit = (run: () => Promise<void>) => void | Promise<void>;

export interface GroupcacheOptions extends Omit<HttpPoolOptions, 'self' | 'basePath'> {
  /** Whether anything is cached. `false`: methods just run, groups load at every get, no peers. Default true. */
  readonly enabled?: boolean;

  /**
   * The URL by which the other peers reach this process, as it stands in `peers`; or a function of the address that the
   * server (or `listen`) was bound to, for port 0 and pods. Needed once there are peers, but for a client.
   */
  readonly self?: string | ((address: AddressInfo) => string | Promise<string>);

  /** The URLs of all peers, `self` among them. `HttpPool.set` replaces them later. Default none: one process by itself. */
  readonly peers?: readonly string[];

  /** What groups get that do not say otherwise. */
  readonly defaults?: Omit<GroupSettings<any>, 'codec'>;

  /** Memory for all groups of this process together. Default none but their own `cacheBytes`. */
  readonly maxTotalBytes?: ByteSize;

  /**
   * What answers peers on the application's own HTTP server: `'controller'`, a route of the application, behind its guards
   * and middleware; or `'raw'`, before the whole pipeline, which is cheaper on Express, and where `auth` alone says who may
   * ask. Default `'controller'`.
   */
  readonly mount?: 'controller' | 'raw';

  /** A port of their own for peers, instead of the controller: away from the application's pipeline and public. */
  readonly listen?: ListenOptions;

  /** Peers' requests answered at a time; more get 503. Default 4,096. */
  readonly maxConcurrentRequests?: number;

  /**
   * How long a shutdown takes at most to hand over what is held here, for half of it, and to answer peers' requests and end
   * loads that are under way. Default `'5s'`.
   */
  readonly drainTimeout?: Duration;

  /** Bytes of keys and values that are handed over to other peers at a shutdown. 0: nothing. Default `'256MiB'`. */
  readonly handOverBytes?: ByteSize;

  /**
   * When `@CachePut` and `@CacheEvict` act, for writes that may stand in a transaction: called after each method that has
   * succeeded, within its async context. Who calls the method waits for what it returns, and for `run` if that has been
   * called by then, and is told of its failure; that of a later one is logged. Default at once.
   */
  readonly afterCommit?: AfterCommit;

  /** What lifetimes and the deadlines of loads are measured by; a `ManualClock` in tests. Default `systemClock`. */
  readonly clock?: Clock;
}

/** What is fixed before asynchronous options are known, because routes and modules are. */
export interface GroupcacheModuleExtras {
  /** Whether every module can inject `GroupService` and `HttpPool` without importing this one. Default true. */
  readonly isGlobal?: boolean;

  /** Path under which all peers serve, absolute whatever the global prefix. Default `/_groupcache/`, Go's. */
  readonly basePath?: string;

  /** Put on the peer controller, to let peers through global guards: `[Public(), SkipThrottle()]`. Default none. */
  readonly controllerDecorators?: readonly ClassDecorator[];
}

/** Makes the options, for `forRootAsync({ useClass })` and `useExisting`. */
export interface GroupcacheOptionsFactory {
  createGroupcacheOptions(): GroupcacheOptions | Promise<GroupcacheOptions>;
}

/** The options that the Nest face itself needs, with its defaults. */
export interface ResolvedGroupcacheOptions {
  readonly enabled: boolean;
  readonly self: string | ((address: AddressInfo) => string | Promise<string>) | undefined;
  readonly peers: readonly string[];
  readonly defaults: Omit<GroupSettings<any>, 'codec'>;
  readonly maxTotalBytes: number;
  readonly mount: 'controller' | 'raw';
  readonly listen: ListenOptions | undefined;
  readonly drainTimeoutMs: number;
  readonly clock: Clock | undefined;
  readonly afterCommit: AfterCommit | undefined;
}

/** Fills in the defaults. Throws an `InvalidOptionError` naming the first option that is not acceptable. */
export function resolveGroupcacheOptions(options: GroupcacheOptions): ResolvedGroupcacheOptions {
  const { enabled = true, self, peers = [], defaults = {}, mount = 'controller', listen, afterCommit } = options;
  if (typeof enabled !== 'boolean') throw new InvalidOptionError('enabled', enabled, 'expected true or false');
  if (!Array.isArray(peers)) throw new InvalidOptionError('peers', peers, 'expected a list of URLs');
  checkSelf(options, peers);
  if (listen !== undefined && !(Number.isInteger(listen.port) && listen.port >= 0 && listen.port < 65_536)) {
    throw new InvalidOptionError('listen.port', listen.port, 'expected a port number, 0 for any free one');
  }
  checkMount(mount, listen);
  checkTls(options);
  if (afterCommit !== undefined && typeof afterCommit !== 'function') {
    throw new InvalidOptionError('afterCommit', afterCommit, 'expected a function that has another one called');
  }
  checkDefaults(defaults);
  return {
    enabled,
    self,
    peers,
    defaults,
    mount,
    listen,
    afterCommit,
    clock: options.clock,
    maxTotalBytes:
      options.maxTotalBytes === undefined ? Number.POSITIVE_INFINITY : toBytes('maxTotalBytes', options.maxTotalBytes),
    drainTimeoutMs: toMilliseconds('drainTimeout', options.drainTimeout ?? '5s'),
  };
}

function checkSelf({ self, role, goPeers = false }: GroupcacheOptions, peers: readonly string[]): void {
  if (role === 'client') {
    if (self !== undefined) {
      throw new InvalidOptionError(
        'self',
        self,
        `a process of role 'client' owns nothing and has no URL; leave it out`,
      );
    }
    return;
  }
  if (self === undefined) {
    if (peers.length === 0) return;
    throw new InvalidOptionError(
      'self',
      self,
      `with peers, a process must know by which URL of the list the others reach it (or be of role 'client')`,
    );
  }
  if (typeof self === 'function') return;
  const url = parsePeerUrl('self', self, goPeers).url;
  if (peers.length > 0 && !peers.some((peer) => parsePeerUrl('peers', peer, goPeers).url === url)) {
    throw new InvalidOptionError('self', self, `it must be one of "peers", spelled alike: ${peers.join(', ')}`);
  }
}

function checkMount(mount: string, listen: ListenOptions | undefined): void {
  if (mount !== 'controller' && mount !== 'raw') {
    throw new InvalidOptionError('mount', mount, `expected 'controller' or 'raw'`);
  }
  if (mount === 'raw' && listen !== undefined) {
    throw new InvalidOptionError(
      'mount',
      mount,
      `peers have a port of their own by "listen", and nothing on the application's; leave out one of the two`,
    );
  }
}

/** Certificates that nobody is asked for protect nothing. */
function checkTls({ tls, listen, auth, role = 'peer' }: GroupcacheOptions): void {
  if (listen !== undefined || auth !== 'none' || role === 'client' || !isMutual(tls ?? {})) return;
  throw new InvalidOptionError(
    'listen',
    listen,
    `peers are asked for certificates on a port of their own alone, so that with auth: 'none' everybody could read the ` +
      `cache: add { port }, or an auth.secret, or say tls.mutual: false if something in front asks for certificates`,
  );
}

function checkDefaults(defaults: Omit<GroupSettings<any>, 'codec'>): void {
  try {
    resolveGroupOptions(defaults);
  } catch (error) {
    if (!(error instanceof InvalidOptionError)) throw error;
    const expected = error.message.slice(error.message.lastIndexOf('; ') + 2);
    throw new InvalidOptionError(`defaults.${error.option}`, error.value, expected);
  }
}
