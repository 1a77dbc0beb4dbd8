import type { ByteView } from '../core/byte-view.js';
import type { GetOptions, Group } from '../core/group.js';
import type { InvalidationOptions, InvalidationResult, SetResult } from '../core/invalidation-result.js';
import type { ArgsKey } from './args-key.js';

/**
 * A group that is asked by arguments instead of keys.
 *
 * A trailing `AbortSignal` ends this caller's wait and is no part of the key.
 */
export class TypedGroup<Args extends readonly unknown[], Value> {
  readonly #argsKey: ArgsKey;

  constructor(
    /** The group itself, which is asked by wire keys. */
    readonly group: Group<Value>,
    argsKey: ArgsKey,
  ) {
    this.#argsKey = argsKey;
  }

  get name(): string {
    return this.group.name;
  }

  /**
   * The value for these arguments, from memory or loaded; `undefined` if there is none. Rejects as `Group.get`, and with
   * an `UnencodableArgumentError`.
   */
  get(...args: [...Args, signal?: AbortSignal]): Promise<Value | undefined> {
    return this.getByArgs(args);
  }

  /**
   * As `get`, for arguments that are a list already, which it may change.
   *
   * @internal
   */
  getByArgs(args: unknown[]): Promise<Value | undefined> {
    const signal = isSignal(args[args.length - 1]) ? (args.pop() as AbortSignal) : undefined;
    let key: string;
    try {
      key = this.#argsKey.encode(args);
    } catch (error) {
      return Promise.reject(error);
    }
    return signal === undefined ? this.group.get(key) : this.group.get(key, { signal });
  }

  /** The values for several sets of arguments, in their order. Rejects as soon as one of them does. */
  async getMany(argsList: readonly Args[], options?: GetOptions): Promise<(Value | undefined)[]> {
    return this.group.getMany(
      argsList.map((args) => this.#argsKey.encode(args)),
      options,
    );
  }

  /** The value for these arguments if it is in this process's memory; asks nobody. Throws as `keyOf`. */
  peek(...args: Args): Value | undefined {
    return this.group.peek(this.#argsKey.encode(args));
  }

  /** As `get`, but the encoded bytes. */
  async getView(...args: [...Args, signal?: AbortSignal]): Promise<ByteView | undefined> {
    const signal = isSignal(args.at(-1)) ? (args.pop() as AbortSignal) : undefined;
    return this.group.getView(this.#argsKey.encode(args), { signal });
  }

  /** As `Group.set`, for these arguments. Rejects with an `UnencodableArgumentError` as well. */
  async set(args: Args, value: Value, options?: InvalidationOptions): Promise<SetResult> {
    return this.group.set(this.#argsKey.encode(args), value, options);
  }

  /**
   * As `Group.remove`, for these arguments. Rejects with an `UnencodableArgumentError` as well. With options:
   * `removeMany([args], options)`.
   */
  async remove(...args: Args): Promise<InvalidationResult> {
    return this.group.remove(this.#argsKey.encode(args));
  }

  /** As `remove`, for several sets of arguments at once. */
  async removeMany(argsList: readonly Args[], options?: InvalidationOptions): Promise<InvalidationResult> {
    return this.group.removeMany(
      argsList.map((args) => this.#argsKey.encode(args)),
      options,
    );
  }

  /** As `Group.removeByTag`. */
  removeByTag(tag: string, options?: InvalidationOptions): Promise<InvalidationResult> {
    return this.group.removeByTag(tag, options);
  }

  /** As `Group.clear`. */
  clear(options?: InvalidationOptions): Promise<InvalidationResult> {
    return this.group.clear(options);
  }

  /** Removes the value for these arguments everywhere and loads it anew. Rejects as `remove` and `get`. */
  async refresh(...args: Args): Promise<Value | undefined> {
    return this.group.refresh(this.#argsKey.encode(args));
  }

  /** The wire key of these arguments. Throws an `UnencodableArgumentError`. */
  keyOf(...args: Args): string {
    return this.#argsKey.encode(args);
  }

  /** As `get`, by wire key. */
  getByKey(key: string, options?: GetOptions): Promise<Value | undefined> {
    return this.group.get(key, options);
  }

  /** As `peek`, by wire key. */
  peekByKey(key: string): Value | undefined {
    return this.group.peek(key);
  }

  /** As `set`, by wire key. */
  setByKey(key: string, value: Value, options?: InvalidationOptions): Promise<SetResult> {
    return this.group.set(key, value, options);
  }

  /** As `remove`, by wire key. */
  removeByKey(key: string, options?: InvalidationOptions): Promise<InvalidationResult> {
    return this.group.remove(key, options);
  }

  /** As `removeMany`, by wire keys. */
  removeManyByKey(keys: readonly string[], options?: InvalidationOptions): Promise<InvalidationResult> {
    return this.group.removeMany(keys, options);
  }

  /** As `refresh`, by wire key. */
  refreshByKey(key: string, options?: InvalidationOptions): Promise<Value | undefined> {
    return this.group.refresh(key, options);
  }
}

/** Whether a last argument is a signal, and so no part of the key. */
export function isSignal(last: unknown): last is AbortSignal {
  return typeof last === 'object' && last instanceof AbortSignal;
}
