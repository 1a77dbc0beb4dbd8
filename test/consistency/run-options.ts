import type { Violation } from './history.js';

/** Shares of all operations; the rest are gets. */
export interface OperationShares {
  readonly remove?: number;
  readonly set?: number;
  readonly tag?: number;
  readonly clear?: number;
}

export interface RunFaults {
  /** The share of `invalidations` frames that are lost. */
  readonly dropRate?: number;
  /** How long what is sent waits at most, in milliseconds. */
  readonly delayMs?: number;
  /** What happens once in a while; each kind as often as it stands here. */
  readonly events?: readonly FaultEvent[];
  readonly everyMs?: number;
}

/** `overflow`: a peer is away while more is removed than anybody remembers. `depart`: one hands over what it holds, and comes back. */
export type FaultEvent = 'overflow' | 'depart' | 'stop' | 'kill' | 'dispute' | 'leave' | 'reset' | 'cut';

export interface RunOptions {
  readonly seed: number;
  readonly operations: number;
  readonly peers: number;
  /** Operations at a time at each peer. */
  readonly width?: number;
  readonly keys?: number;
  readonly tags?: number;
  readonly shares?: OperationShares;
  readonly faults?: RunFaults;
  readonly auth?: 'none' | { readonly secret: string };
  /** What is wrong with the package in all peers: see `fixtures/mutants.mjs`. */
  readonly mutant?: string;
  readonly isRival?: boolean;
  /** Processes of role `client` beside the peers. */
  readonly clients?: number;
  /** So many of the peers have no links, by `link: false`. */
  readonly linkless?: number;
  /** Of each peer. */
  readonly cacheBytes?: string;
  /** A load takes up to so long. */
  readonly loadMs?: number;
}

export type ResolvedRunOptions = Required<Omit<RunOptions, 'mutant'>> & Pick<RunOptions, 'mutant'>;

export function resolveRunOptions(options: RunOptions): ResolvedRunOptions {
  return {
    width: 32,
    keys: 400,
    tags: 40,
    shares: { remove: 0.03 },
    faults: {},
    auth: { secret: 'sixteen bytes at least' },
    isRival: false,
    clients: 0,
    linkless: 0,
    cacheBytes: '64MiB',
    loadMs: 50,
    ...options,
  };
}

export interface RunReport {
  readonly seed: number;
  readonly operations: number;
  readonly seconds: number;
  readonly violations: readonly Violation[];
  readonly gets: number;
  readonly hits: number;
  readonly loads: number;
  readonly removals: number;
  readonly failed: number;
  readonly overlapping: number;
  readonly lagging: number;
  readonly disputed: number;
  readonly dropped: number;
  /** Milliseconds; `undefined` if nothing was lost. */
  readonly convergence: { readonly p50: number; readonly p99: number; readonly max: number } | undefined;
  /** How often a peer has dropped everything since it had missed what nobody remembers. */
  readonly overflows: number;
  readonly evictions: number;
  /** Entries that came from other peers' memories: by a peek, or by one that departed. */
  readonly moved: number;
  readonly events: Readonly<Record<string, number>>;
}
