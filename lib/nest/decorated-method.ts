import 'reflect-metadata';
import { UncacheableMethodError } from '../core/errors.js';

export type AnyMethod = (this: any, ...args: any[]) => unknown;

/** What a decorator knows of the method that it stands on. */
export interface DecoratedMethod {
  readonly name: string | symbol;
  /** `PriceService.quote`, for messages. */
  readonly label: string;
  /** The method as it was below the decorator. */
  readonly original: AnyMethod;
}

/** The methods that a kind of decorator stands on. Kept on the prototype, so that other decorators may wrap the function. */
export class DecoratedMethods<Method extends DecoratedMethod> {
  readonly #metadataKey: string;

  constructor(metadataKey: string) {
    this.#metadataKey = metadataKey;
  }

  register(prototype: object, method: Method): void {
    Reflect.defineMetadata(this.#metadataKey, [...this.#ownOf(prototype), method], prototype);
  }

  /** Those of an instance with this prototype, its own class's first, then the inherited ones. */
  of(prototype: unknown): Method[] {
    const found: Method[] = [];
    for (let level = prototype; isObject(level); level = Object.getPrototypeOf(level))
      found.push(...this.#ownOf(level));
    return found;
  }

  #ownOf(prototype: object): readonly Method[] {
    return (Reflect.getOwnMetadata(this.#metadataKey, prototype) ?? []) as Method[];
  }
}

/**
 * The method that a decorator has been put on. Throws an `UncacheableMethodError` for anything but a method of an instance.
 * `decorator` is for the message: `@Cached`.
 */
export function decoratedMethod(
  decorator: string,
  target: object,
  name: string | symbol,
  descriptor: PropertyDescriptor,
): DecoratedMethod {
  const original: unknown = descriptor.value;
  const className = typeof target === 'function' ? target.name : target.constructor.name;
  const label = `${className}.${String(name)}`;
  if (typeof target === 'function') {
    throw new UncacheableMethodError(label, 'it is static; there is no instance that an application has', decorator);
  }
  if (typeof original !== 'function') {
    throw new UncacheableMethodError(label, 'it is an accessor, not a method', decorator);
  }
  return { name, label, original: original as AnyMethod };
}

/** Other decorators keep metadata on the function, and frameworks read its name and length. */
export function copyFunctionFace(from: AnyMethod, to: AnyMethod): void {
  for (const key of Reflect.getOwnMetadataKeys(from) as unknown[]) {
    Reflect.defineMetadata(key, Reflect.getOwnMetadata(key, from), to);
  }
  Object.defineProperty(to, 'name', { value: from.name, configurable: true });
  Object.defineProperty(to, 'length', { value: from.length, configurable: true });
}

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
