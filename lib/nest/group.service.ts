import { Injectable } from '@nestjs/common';
import type { ByteView } from '../core/byte-view.js';
import type { GetOptions, Group } from '../core/group.js';
import type { InvalidationOptions, InvalidationResult, SetResult } from '../core/invalidation-result.js';
import { GroupRegistry } from '../core/group-registry.js';
import type { LoadContext } from '../core/getter.js';
import type { CachedOptions } from './cached-options.js';
import { GroupBinder } from './group-binder.js';
import { groupName, type GroupHandle } from './group-handle.js';
import type { TypedGroup } from './typed-group.js';

/**
 * Loads a value by arguments. `undefined` means "not found".
 *
 * The arguments come as one list, because the context would take the place of an optional one that is not given.
 */
export type GroupLoader<Args extends readonly unknown[], Value> = (
  args: Args,
  context: LoadContext,
) => Value | undefined | Promise<Value | undefined>;

/**
 * The groups of this application: by handle and arguments (`of`), or by name and wire key.
 *
 * Groups of `@Cached` methods are there from the module's `onModuleInit` on, before that of any other module.
 */
@Injectable()
export class GroupService {
  readonly #registry: GroupRegistry;
  readonly #binder: GroupBinder;

  constructor(registry: GroupRegistry, binder: GroupBinder) {
    this.#registry = registry;
    this.#binder = binder;
  }

  /** The group of `handle`, to be asked by arguments. Throws an `UnknownGroupError`. */
  of<Args extends readonly unknown[], Value>(handle: GroupHandle<Args, Value> | string): TypedGroup<Args, Value> {
    return this.#binder.get(groupName(handle)) as TypedGroup<Args, Value>;
  }

  /** The value of a wire key; `undefined` if there is none. Rejects as `Group.get`, and with an `UnknownGroupError`. */
  async get<Value = unknown>(group: string, key: string, options?: GetOptions): Promise<Value | undefined> {
    return this.group<Value>(group).get(key, options);
  }

  /** The values of several wire keys, in their order. Rejects as soon as one of them does. */
  async getMany<Value = unknown>(
    group: string,
    keys: readonly string[],
    options?: GetOptions,
  ): Promise<(Value | undefined)[]> {
    return this.group<Value>(group).getMany(keys, options);
  }

  /** The encoded bytes of a wire key's value. */
  async getView(group: string, key: string, options?: GetOptions): Promise<ByteView | undefined> {
    return this.group(group).getView(key, options);
  }

  /** The value of a wire key if it is in this process's memory. Throws an `UnknownGroupError`. */
  peek<Value = unknown>(group: string, key: string): Value | undefined {
    return this.group<Value>(group).peek(key);
  }

  /** Gives a wire key a new value everywhere. Rejects as `Group.set`, and with an `UnknownGroupError`. */
  async set(group: string, key: string, value: unknown, options?: InvalidationOptions): Promise<SetResult> {
    return this.group(group).set(key, value, options);
  }

  /** Removes the value of a wire key everywhere. Rejects as `Group.remove`, and with an `UnknownGroupError`. */
  async remove(group: string, key: string, options?: InvalidationOptions): Promise<InvalidationResult> {
    return this.group(group).remove(key, options);
  }

  /** As `remove`, for several wire keys at once. */
  async removeMany(group: string, keys: readonly string[], options?: InvalidationOptions): Promise<InvalidationResult> {
    return this.group(group).removeMany(keys, options);
  }

  /** As `remove`, for all values that have this tag. */
  async removeByTag(group: string, tag: string, options?: InvalidationOptions): Promise<InvalidationResult> {
    return this.group(group).removeByTag(tag, options);
  }

  /** As `remove`, for everything in the group. */
  async clear(group: string, options?: InvalidationOptions): Promise<InvalidationResult> {
    return this.group(group).clear(options);
  }

  /** Removes the value of a wire key everywhere and loads it anew. Rejects as `remove` and `get`. */
  async refresh<Value = unknown>(
    group: string,
    key: string,
    options?: InvalidationOptions,
  ): Promise<Value | undefined> {
    return this.group<Value>(group).refresh(key, options);
  }

  /** The group called `name`. Throws an `UnknownGroupError`. */
  group<Value = unknown>(name: string): Group<Value> {
    return this.#registry.get<Value>(name);
  }

  /** All groups, in the order in which they were defined. */
  get groups(): readonly Group<unknown>[] {
    return this.#registry.groups;
  }

  /**
   * Makes a group whose values `load` loads. Throws a `DuplicateGroupError` if the name is taken, an `InvalidOptionError`
   * if an option is not acceptable. Every peer must define the same groups.
   */
  define<Args extends readonly unknown[], Value>(
    group: GroupHandle<Args, Value>,
    options: CachedOptions<Args, Value>,
    load: GroupLoader<Args, Value>,
  ): TypedGroup<Args, Value>;
  define<Value = unknown>(
    group: string,
    options: CachedOptions<[key: string], Value>,
    load: GroupLoader<[key: string], Value>,
  ): TypedGroup<[key: string], Value>;
  define(group: GroupHandle | string, options: CachedOptions, load: GroupLoader<any, any>): TypedGroup<any, any> {
    const name = groupName(group);
    // By a bare name, keys are wire keys, whatever they look like.
    const key = typeof group === 'string' ? (options.key ?? wireKeys) : options.key;
    return this.#binder.define(name, `the loader of "${name}"`, { ...options, key }, load);
  }
}

const wireKeys = { encode: (key: string) => key, decode: (key: string) => [key] };
