export type { ByteSize } from './byte-size.js';
export { ByteView } from './byte-view.js';
export { bytesCodec } from './bytes-codec.js';
export { ENTRY_OVERHEAD_BYTES } from './cache-entry.js';
export { systemClock, type Clock } from './clock.js';
export type { Codec } from './codec.js';
export type { Duration } from './duration.js';
export type { CacheKind, CacheStats } from './entry-store.js';
export * from './errors.js';
export type { Getter, LoadContext } from './getter.js';
export { Group, type GetOptions, type LoadGauge } from './group.js';
export type { EvictionPolicy } from './group-cache.js';
export type { GroupOptions, GroupSettings, SharePolicy } from './group-options.js';
export { GroupRegistry, type GroupRegistryOptions } from './group-registry.js';
export type { GroupStats } from './group-stats.js';
export { HashRing, ringOptions, type HashRingOptions, type RingHash, type RingKind } from './hash-ring.js';
export {
  InvalidationLog,
  type Invalidation,
  type InvalidationKind,
  type InvalidationVector,
} from './invalidation-log.js';
export type { InvalidationOptions, InvalidationResult, SetResult } from './invalidation-result.js';
export { jsonCodec } from './json-codec.js';
export type { LifetimeSettings } from './lifetimes.js';
export { MemoryBudget } from './memory-budget.js';
export {
  noPeers,
  type PeerClient,
  type PeerNotFound,
  type PeerPicker,
  type PeerReply,
  type PeerEntry,
  type PeerRequest,
  type PeerSetRequest,
  type PeerValue,
} from './peer-picker.js';
export {
  promoteAlways,
  promoteByRate,
  promoteNever,
  promoteOneIn,
  type PromotionCandidate,
  type PromotionPolicy,
  type RatePromotionOptions,
} from './promotion.js';
export type { Flight } from './shared-flight.js';
export { SingleFlight } from './single-flight.js';
export { textCodec } from './text-codec.js';
