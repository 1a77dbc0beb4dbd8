/** What one peer has seen since it started, over all its groups. */
export interface PeerStats {
  readonly requests: number;
  readonly gets: number;
  readonly mainHits: number;
  readonly hotHits: number;
  /** Values that came from the peers that own them. */
  readonly peerLoads: number;
  readonly peerErrors: number;
  /** Runs of the decorated methods. */
  readonly localLoads: number;
}

/** Several peers as one. */
export function sumOfStats(all: readonly PeerStats[]): PeerStats {
  const sum = (field: keyof PeerStats): number => all.reduce((total, stats) => total + stats[field], 0);
  return {
    requests: sum('requests'),
    gets: sum('gets'),
    mainHits: sum('mainHits'),
    hotHits: sum('hotHits'),
    peerLoads: sum('peerLoads'),
    peerErrors: sum('peerErrors'),
    localLoads: sum('localLoads'),
  };
}
