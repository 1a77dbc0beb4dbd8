import type { PeerAuthOptions } from 'nestjs-groupcache/peers';
import type { PeerOptions } from './peer-process.js';

/** What a cluster is, and what is asked of it. */
export interface ClusterSettings {
  /** Default 4. */
  readonly peers: number;
  /** Whether it does as Go does. Default false. */
  readonly isControl: boolean;
  /** Whether there is little time. Default false. */
  readonly isShort: boolean;
  /** What all chances come from. Default 1. */
  readonly seed: number;
  /** Gets a second over all peers. Default 600. */
  readonly rate: number;
  /** That are asked for, by Zipf. Default 20,000. */
  readonly keys: number;
  /** Of Zipf. Default 0.9. */
  readonly exponent: number;
  /** Of those, the most frequent ones, that have been read once before. Default 10,000: one get in ten is of another. */
  readonly warmKeys: number;
  /** Default 200. */
  readonly valueBytes: number;
  /** What a load takes. Default 5. */
  readonly sourceMs: number;
  /** Default a secret. */
  readonly auth: PeerAuthOptions;
  /** Else as they are by default. */
  readonly pool: Omit<PeerOptions['pool'], 'auth'>;
  /** Default a `loadTimeout` of 5 s, so that no run takes long. */
  readonly group: PeerOptions['group'];
  /** Default the machine's. */
  readonly maxDescriptors?: number;
}

/** After so many milliseconds a load, and so a get, has failed. */
export const LOAD_TIMEOUT_MS = 5_000;

/** Fills in the defaults. */
export function settingsOf(settings: Partial<ClusterSettings>): ClusterSettings {
  return {
    peers: 4,
    isControl: false,
    isShort: false,
    seed: 1,
    rate: 600,
    keys: 20_000,
    exponent: 0.9,
    warmKeys: 10_000,
    valueBytes: 200,
    sourceMs: 5,
    auth: { secret: 'a secret of the peers' },
    pool: {},
    ...settings,
    group: { loadTimeout: LOAD_TIMEOUT_MS, ...settings.group },
  };
}
