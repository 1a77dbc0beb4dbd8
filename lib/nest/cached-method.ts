import 'reflect-metadata';
import type { CachedOptions } from './cached-options.js';
import { DecoratedMethods, type DecoratedMethod } from './decorated-method.js';
import type { GroupHandle } from './group-handle.js';
import type { TypedGroup } from './typed-group.js';

/** What `@Cached` knows of a method. */
export interface CachedMethod extends DecoratedMethod {
  readonly group: GroupHandle | string | ((instance: any) => string | GroupHandle);
  readonly options: CachedOptions;
  /** The group of each instance, while its application runs. */
  readonly bound: WeakMap<object, TypedGroup<unknown[], unknown>>;
}

const PARAM_TYPES = 'design:paramtypes';

export const cachedMethods = new DecoratedMethods<CachedMethod>('nestjs-groupcache:cached-methods');

/**
 * The decorated methods of an instance with this prototype, inherited ones too. Where a subclass decorates a method again,
 * its own decoration stands.
 */
export function cachedMethodsOf(prototype: unknown): CachedMethod[] {
  const found = new Map<string | symbol, CachedMethod>();
  for (const method of cachedMethods.of(prototype)) if (!found.has(method.name)) found.set(method.name, method);
  return [...found.values()];
}

/**
 * At which position the method takes an `AbortSignal` as its last parameter, by the types that TypeScript emits for
 * decorated methods; `undefined` if it takes none.
 */
export function signalPositionOf(prototype: object, name: string | symbol): number | undefined {
  const types = Reflect.getMetadata(PARAM_TYPES, prototype, name) as unknown[] | undefined;
  return types?.at(-1) === AbortSignal ? types.length - 1 : undefined;
}
