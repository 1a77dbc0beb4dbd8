import type { InjectionToken } from '@nestjs/common';
import type { DiscoveryService } from '@nestjs/core';
import { isObject, type DecoratedMethod } from './decorated-method.js';

/** What Nest knows of a provider or controller. */
export type ProviderWrapper = ReturnType<DiscoveryService['getProviders']>[number];

/** Of the instance where there is one, so that a factory's class is found; else of the class. */
export function prototypeOf(wrapper: ProviderWrapper): unknown {
  const instance: unknown = wrapper.instance;
  if (isObject(instance)) return Object.getPrototypeOf(instance);
  return typeof wrapper.metatype === 'function' ? (wrapper.metatype as { prototype?: unknown }).prototype : undefined;
}

/** `undefined` for one instance that serves all, `'transient'`, or `'request-scoped'`, which what depends on it is as well. */
export function narrowScopeOf(wrapper: ProviderWrapper): 'transient' | 'request-scoped' | undefined {
  if (wrapper.isTransient) return 'transient';
  return wrapper.isDependencyTreeStatic() ? undefined : 'request-scoped';
}

/** `PriceService.quote`, by the class of the instance: two subclasses share an inherited method. */
export function labelOf({ name, label }: DecoratedMethod, prototype: object): string {
  const className = (prototype as { constructor?: { name?: string } }).constructor?.name;
  const own = `${className}.${String(name)}`;
  return own === label ? label : `${own} (inherited as ${label})`;
}

type ModuleOfProviders = ProviderWrapper['host'];

/** Whether what `module` imports, a global module too, exports `token` to it: itself, or by exporting what does. */
export function canInject(module: ModuleOfProviders, token: InjectionToken): boolean {
  const seen = new Set<ModuleOfProviders>();
  const isIn = (imports: ReadonlySet<ModuleOfProviders>): boolean => [...imports].some(exporting);
  const exporting = (imported: ModuleOfProviders): boolean => {
    if (imported === undefined || seen.has(imported)) return false;
    seen.add(imported);
    if (imported.exports.has(token)) return true;
    return isIn(new Set([...imported.imports].filter(({ metatype }) => imported.exports.has(metatype))));
  };
  return module !== undefined && isIn(module.imports);
}
