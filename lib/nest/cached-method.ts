import 'reflect-metadata';
import type { CachedOptions } from './cached-options.js';
import type { GroupHandle } from './group-handle.js';
import type { TypedGroup } from './typed-group.js';

/** What `@Cached` knows of a method. Kept on the prototype, by name, so that other decorators may wrap the function. */
export interface CachedMethod {
  readonly name: string | symbol;
  /** `PriceService.quote`, for messages. */
  readonly label: string;
  /** The method as it was below the decorator. */
  readonly original: (this: unknown, ...args: unknown[]) => unknown;
  readonly group: GroupHandle | string | ((instance: any) => string | GroupHandle);
  readonly options: CachedOptions;
  /** The group of each instance, while its application runs. */
  readonly bound: WeakMap<object, TypedGroup<unknown[], unknown>>;
}

const CACHED_METHODS = 'nestjs-groupcache:cached-methods';
const PARAM_TYPES = 'design:paramtypes';

export function registerCachedMethod(prototype: object, method: CachedMethod): void {
  const methods = (Reflect.getOwnMetadata(CACHED_METHODS, prototype) ?? []) as CachedMethod[];
  Reflect.defineMetadata(CACHED_METHODS, [...methods, method], prototype);
}

/**
 * The decorated methods of an instance with this prototype, inherited ones too. Where a subclass decorates a method again,
 * its own decoration stands.
 */
export function cachedMethodsOf(prototype: unknown): CachedMethod[] {
  const found = new Map<string | symbol, CachedMethod>();
  for (let level = prototype; isObject(level); level = Object.getPrototypeOf(level)) {
    const methods = (Reflect.getOwnMetadata(CACHED_METHODS, level) ?? []) as CachedMethod[];
    for (const method of methods) if (!found.has(method.name)) found.set(method.name, method);
  }
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

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
