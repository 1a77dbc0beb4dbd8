import type { ByteView } from './byte-view.js';
import { PartialRemovalError } from './errors.js';
import { goPeersError } from './group-options.js';
import type { GroupParts } from './group-parts.js';
import type { Invalidation, InvalidationListener } from './invalidation-log.js';
import {
  checkResult,
  noPeersResult,
  type InvalidationResult,
  type ResolvedInvalidationOptions,
  type SetResult,
} from './invalidation-result.js';
import type { OwnLoads } from './own-loads.js';
import type { PeerLoads } from './peer-loads.js';
import type { PeerPicker } from './peer-picker.js';
import type { SingleFlight } from './single-flight.js';

/** Takes values out of a group everywhere, and applies what this and other processes have taken out. */
export class GroupInvalidations<Value> implements InvalidationListener {
  readonly #parts: GroupParts<Value>;
  readonly #peers: PeerPicker;
  readonly #ownLoads: OwnLoads<Value>;
  /** All loads that are under way. */
  readonly #flights: readonly Pick<SingleFlight<unknown>, 'supersede' | 'supersedeAll' | 'doubtAll'>[];
  readonly #stopListening: () => void;

  constructor(parts: GroupParts<Value>, ownLoads: OwnLoads<Value>, peerLoads: PeerLoads<Value>) {
    this.#parts = parts;
    this.#peers = parts.options.peers;
    this.#ownLoads = ownLoads;
    this.#flights = [ownLoads.flights, peerLoads.flights];
    this.#stopListening = parts.invalidations.listen(parts.name, this);
  }

  /** Nothing is applied to the group any more. */
  close(): void {
    this.#stopListening();
  }

  /** Applies each of `invalidations` here at once, and has them confirmed by the peers. */
  async invalidate(
    invalidations: readonly Pick<Invalidation, 'kind' | 'subject'>[],
    options: ResolvedInvalidationOptions,
  ): Promise<InvalidationResult> {
    const { name, options: groupOptions, outsideRequests } = this.#parts;
    if (!groupOptions.mayRemove) throw goPeersError(undefined);
    if (invalidations.length === 0) return noPeersResult;
    const seq = this.#append(invalidations);
    if (options.afterMs > 0) {
      const again = (): void => void this.#append(invalidations);
      outsideRequests(() => groupOptions.clock.after(options.afterMs, again));
    }
    return checkResult(name, await this.#confirm(seq, options.timeoutMs), options);
  }

  /** Has the owner of `key` take `value` in the place of what it has; a removal where that can't be. */
  async set(key: string, value: ByteView, options: ResolvedInvalidationOptions): Promise<SetResult> {
    const { name, options: groupOptions } = this.#parts;
    if (!groupOptions.mayRemove) throw goPeersError(undefined);
    if (this.owns(key)) return checkResult(name, await this.setHere(key, value, options.timeoutMs), options);
    try {
      const { timeoutMs } = options;
      // Who stands for an owner that is away carries it out as a removal.
      const result = await this.#peers.pickPeer(key)?.set?.({ group: name, key, value, timeoutMs });
      if (result !== undefined) return checkResult(name, result, options);
    } catch (error) {
      if (error instanceof PartialRemovalError) throw error;
      // The peer's failure: whether it has taken the value is not known.
    }
    return { ...(await this.invalidate([{ kind: 'key', subject: key }], options)), stored: false };
  }

  /** Whether sets of `key` have their order here. */
  owns(key: string): boolean {
    return this.#peers.pickPeer(key) === undefined && this.#peers.owns?.(key) !== false;
  }

  /** As `set`, in the process that owns `key`: sets and removals that come here have the order in which they do. */
  async setHere(key: string, value: ByteView, timeoutMs: number): Promise<SetResult> {
    // What it comes to for this group may throw: before anything has changed.
    const keep = this.#ownLoads.prepare(key, value);
    const seq = this.#append([{ kind: 'key', subject: key }]);
    keep();
    return { ...(await this.#confirm(seq, timeoutMs)), stored: true };
  }

  onInvalidation({ kind, subject }: Invalidation): void {
    const { cache, counters, invalidations, tagMarks } = this.#parts;
    counters.invalidations++;
    switch (kind) {
      case 'key':
        for (const flights of this.#flights) flights.supersede(subject);
        cache.delete(subject);
        return;
      case 'tag':
        // Whether a load has this tag is known once it has ended.
        for (const flights of this.#flights) flights.doubtAll();
        tagMarks.invalidate(subject, invalidations.position);
        return;
      case 'all':
        this.onUnknown();
    }
  }

  onUnknown(): void {
    for (const flights of this.#flights) flights.supersedeAll();
    this.#parts.cache.clear();
  }

  /** The number of the last one. */
  #append(invalidations: readonly Pick<Invalidation, 'kind' | 'subject'>[]): number {
    const { invalidations: log, name } = this.#parts;
    let seq = 0;
    for (const { kind, subject } of invalidations) seq = log.append({ group: name, kind, subject });
    return seq;
  }

  #confirm(seq: number, timeoutMs: number): Promise<InvalidationResult> {
    return this.#peers.confirm?.(seq, timeoutMs) ?? Promise.resolve(noPeersResult);
  }
}
