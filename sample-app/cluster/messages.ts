import type { PeerStats } from '../stats/peer-stats.js';

/** From the launcher to a peer. */
export interface StatsRequest {
  readonly type: 'stats';
}

/** From a peer to the launcher. */
export type PeerMessage = { readonly type: 'ready' } | { readonly type: 'stats'; readonly stats: PeerStats };
