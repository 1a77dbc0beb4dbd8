import type { GroupRegistry } from '../core/group-registry.js';
import type { Getter, LoadContext } from '../core/getter.js';
import { customArgsKey, jsonArgsKey, type ArgsKey } from './args-key.js';
import type { CachedOptions } from './cached-options.js';
import { TypedGroup } from './typed-group.js';

/** Loads a value by arguments; the context comes after them. */
export type ArgsLoader<Value> = (
  args: readonly unknown[],
  context: LoadContext,
) => Value | undefined | Promise<Value | undefined>;

/** Defines groups whose keys stand for arguments, and finds them again by name. One an application. */
export class GroupBinder {
  readonly #registry: GroupRegistry;
  readonly #typed = new Map<string, TypedGroup<any, any>>();

  constructor(registry: GroupRegistry) {
    this.#registry = registry;
  }

  /** Makes the group `name`. `label` names the method or loader in messages. Throws as `GroupRegistry.define`. */
  define<Value>(
    name: string,
    label: string,
    { key, ttl, tags, ...settings }: CachedOptions<any, Value>,
    load: ArgsLoader<Value>,
  ): TypedGroup<any, Value> {
    const argsKey: ArgsKey = key === undefined ? jsonArgsKey(name, label) : customArgsKey(name, label, key);
    const byArgs =
      <Result>(decide: (value: Value, ...args: any) => Result) =>
      (value: Value, wireKey: string): Result =>
        decide(value, ...argsKey.decode(wireKey));
    const getter: Getter<Value> = (wireKey, context) => load(argsKey.decode(wireKey), context);
    const group = this.#registry.define<Value>(name, getter, {
      ...settings,
      ttl: typeof ttl === 'function' ? byArgs(ttl) : ttl,
      tags: typeof tags === 'function' ? byArgs(tags) : tags,
    });
    const typed = new TypedGroup<any, Value>(group, argsKey);
    this.#typed.set(name, typed);
    return typed;
  }

  /** The group called `name`, to be asked by arguments. Throws an `UnknownGroupError`. */
  get(name: string): TypedGroup<any, any> {
    return this.#typed.get(name) ?? new TypedGroup(this.#registry.get(name), jsonArgsKey(name, name));
  }
}
