/** A group's counters since its start: Go's `Stats`, by the same meanings. They only grow. */
export interface GroupStats {
  /** Gets asked of this process, by its own code and by peers. */
  readonly gets: number;
  /** Gets answered from the main or the hot cache. */
  readonly cacheHits: number;
  /** Values (or "not found") that came from the peer that owns the key. */
  readonly peerLoads: number;
  /** Questions to a peer that failed: the peer's fault, after which the key was loaded here. */
  readonly peerErrors: number;
  /** Questions to a peer that were answered with the failure of its getter. Not in Go's. */
  readonly peerLoadErrs: number;
  /** Gets that were not answered from memory: `gets - cacheHits`. */
  readonly loads: number;
  /** Gets answered with a value past its `ttl`, at once or in the place of a load. Not in Go's. */
  readonly staleServed: number;
  /** Loads in the background, to renew what is held. Not in Go's. */
  readonly refreshes: number;
  /** Removals that have been applied here: by key, by tag, of everything; this process's own and others'. Not in Go's. */
  readonly invalidations: number;
  /** Loads after single-flight: those that were not answered by another one's flight, those in the background included. */
  readonly loadsDeduped: number;
  /** Runs of the getter that gave a value (or "not found"). */
  readonly localLoads: number;
  /** Runs of the getter that failed, timed out, or were abandoned. */
  readonly localLoadErrs: number;
  /** Loads before which another peer was asked for what it holds: one that owned the key before. Not in Go's. */
  readonly peeks: number;
  /** Loads that this has saved. */
  readonly peekHits: number;
  /** Questions to a peer that took so long that the next one was asked for a copy. Not in Go's. */
  readonly hedges: number;
  /** Those that this one has answered first. */
  readonly hedgeHits: number;
  /** Entries taken over from peers that were leaving. Not in Go's. */
  readonly takenOver: number;
  /**
   * Loads that were refused, here or by the owner of the key, since too many were under way: each failed with an
   * `OverloadedError`. In no other counter of loads' ends. Not in Go's.
   */
  readonly overloaded: number;
  /** Gets that came from peers. */
  readonly serverRequests: number;
}

/** The same, being counted. */
export type MutableGroupStats = { -readonly [Counter in keyof GroupStats]: number };

export function zeroStats(): MutableGroupStats {
  return {
    gets: 0,
    cacheHits: 0,
    peerLoads: 0,
    peerErrors: 0,
    peerLoadErrs: 0,
    loads: 0,
    staleServed: 0,
    refreshes: 0,
    invalidations: 0,
    loadsDeduped: 0,
    localLoads: 0,
    localLoadErrs: 0,
    peeks: 0,
    peekHits: 0,
    hedges: 0,
    hedgeHits: 0,
    takenOver: 0,
    overloaded: 0,
    serverRequests: 0,
  };
}
