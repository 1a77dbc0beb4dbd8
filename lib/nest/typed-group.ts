import type { ByteView } from '../core/byte-view.js';
import type { GetOptions, Group } from '../core/group.js';
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
    const last = args[args.length - 1];
    const signal = typeof last === 'object' && last instanceof AbortSignal ? (args.pop() as AbortSignal) : undefined;
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
    const signal = args.at(-1) instanceof AbortSignal ? (args.pop() as AbortSignal) : undefined;
    return this.group.getView(this.#argsKey.encode(args), { signal });
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
}
