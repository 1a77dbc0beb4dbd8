import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { DuplicateGroupError, UnknownGroupError } from './errors.js';
import type { Getter } from './getter.js';
import { Group } from './group.js';
import { checkGroupName } from './group-name.js';
import { mergeSettings, type GroupSettings } from './group-options.js';
import type { Clock } from './clock.js';
import { InvalidationLog } from './invalidation-log.js';
import { MemoryBudget } from './memory-budget.js';
import type { PeerPicker } from './peer-picker.js';

export interface GroupRegistryOptions {
  /** Given to every group that is defined. Default `noPeers`. */
  readonly peers?: PeerPicker;
  /** For groups that do not say otherwise. */
  readonly defaults?: Omit<GroupSettings<any>, 'codec'>;
  /** Bytes that all groups together may take. Default no bound but their own ones. */
  readonly maxTotalBytes?: number;
  /** Default `systemClock`. */
  readonly clock?: Clock;
}

/** The groups of one application, by name. What is global in Go is one of these here. */
export class GroupRegistry {
  readonly #groups = new Map<string, Group<any>>();
  readonly #options: GroupRegistryOptions;
  readonly #budget: MemoryBudget;
  readonly #invalidations: InvalidationLog;
  /** Taken when the registry is made, at the application's start: a group may be defined within a request. */
  readonly #outsideRequests = AsyncLocalStorage.snapshot();

  constructor(options: GroupRegistryOptions = {}) {
    this.#options = options;
    this.#invalidations = options.peers?.invalidations ?? new InvalidationLog(randomUUID());
    this.#budget = new MemoryBudget(options.maxTotalBytes ?? Number.POSITIVE_INFINITY);
  }

  /**
   * Makes a group: Go's `NewGroup`. Throws a `DuplicateGroupError` if the name is taken, an `InvalidOptionError` if an
   * option is not acceptable.
   */
  define<Value>(name: string, getter: Getter<Value>, settings: GroupSettings<Value> = {}): Group<Value> {
    checkGroupName(name);
    if (this.#groups.has(name)) throw new DuplicateGroupError(name);
    const { peers, clock, defaults } = this.#options;
    const group = new Group<Value>(name, getter, {
      ...mergeSettings(defaults, settings),
      peers,
      clock,
      processBudget: this.#budget,
      invalidations: this.#invalidations,
      outsideRequests: this.#outsideRequests,
    });
    this.#groups.set(name, group);
    return group;
  }

  /** The group called `name`; throws an `UnknownGroupError` if there is none. */
  get<Value = unknown>(name: string): Group<Value> {
    const group = this.#groups.get(name);
    if (group === undefined) throw new UnknownGroupError(name, [...this.#groups.keys()]);
    return group as Group<Value>;
  }

  /** The group called `name`, or `undefined`: Go's `GetGroup`. */
  find(name: string): Group<unknown> | undefined {
    return this.#groups.get(name);
  }

  /** All groups, in the order in which they were defined. */
  get groups(): readonly Group<unknown>[] {
    return [...this.#groups.values()];
  }

  /** Bytes of memory that all groups take. */
  get footprint(): number {
    return this.#budget.footprint;
  }

  /** Takes the group out and drops its memory. */
  remove(name: string): void {
    this.#groups.get(name)?.close();
    this.#groups.delete(name);
  }

  /** Takes all groups out. */
  close(): void {
    for (const name of this.#groups.keys()) this.remove(name);
  }
}
