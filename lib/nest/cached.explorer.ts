import { Injectable, type OnModuleInit } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { DuplicateGroupError, UncacheableMethodError } from '../core/errors.js';
import { GroupRegistry } from '../core/group-registry.js';
import { cachedMethodsOf, signalPositionOf, type CachedMethod } from './cached-method.js';
import { isObject } from './decorated-method.js';
import { GroupBinder } from './group-binder.js';
import { groupName } from './group-handle.js';
import { labelOf, narrowScopeOf, prototypeOf, type ProviderWrapper } from './provider-wrapper.js';

/** Finds the `@Cached` methods of all providers at start, and makes and binds their groups. */
@Injectable()
export class CachedExplorer implements OnModuleInit {
  readonly #discovery: DiscoveryService;
  readonly #registry: GroupRegistry;
  readonly #binder: GroupBinder;
  /** Which method a group was made for, for messages. */
  readonly #owners = new Map<string, string>();
  readonly #bound: { readonly method: CachedMethod; readonly instance: object }[] = [];
  #isEnabled = true;

  constructor(discovery: DiscoveryService, registry: GroupRegistry, binder: GroupBinder) {
    this.#discovery = discovery;
    this.#registry = registry;
    this.#binder = binder;
  }

  /** Makes groups, so that they can be asked for, but leaves the methods as they are. */
  leaveMethodsAlone(): void {
    this.#isEnabled = false;
  }

  onModuleInit(): void {
    for (const wrapper of this.#discovery.getControllers()) this.#refuse(wrapper);
    const seen = new Set<object>();
    try {
      for (const wrapper of this.#discovery.getProviders()) this.#explore(wrapper, seen);
    } catch (error) {
      // An instance may be used again, by an application that starts.
      this.unbind();
      throw error;
    }
  }

  /** Gives the methods back to themselves. */
  unbind(): void {
    for (const { method, instance } of this.#bound.splice(0)) method.bound.delete(instance);
  }

  #refuse(wrapper: ProviderWrapper): void {
    const [method] = cachedMethodsOf(prototypeOf(wrapper));
    if (method === undefined) return;
    throw new UncacheableMethodError(
      method.label,
      'it is in a controller, and Nest has bound its routes before a cache could stand before them. Decorate the ' +
        "provider's method that the handler calls",
    );
  }

  #explore(wrapper: ProviderWrapper, seen: Set<object>): void {
    const prototype = prototypeOf(wrapper);
    const methods = cachedMethodsOf(prototype);
    if (methods.length === 0) return;
    const scope = narrowScopeOf(wrapper);
    if (scope !== undefined) {
      throw new UncacheableMethodError(
        methods[0]!.label,
        `its provider is ${scope} (or depends on one that is): a value ` +
          'loaded for one request would be served to all. Move the method to a provider of default scope',
      );
    }
    const instance: unknown = wrapper.instance;
    // One instance may stand under several tokens.
    if (!isObject(instance) || seen.has(instance)) return;
    seen.add(instance);
    for (const method of methods) this.#bind(method, instance, prototype as object);
  }

  #bind(method: CachedMethod, instance: object, prototype: object): void {
    const label = labelOf(method, prototype);
    const name = groupName(typeof method.group === 'function' ? method.group(instance) : method.group);
    const owner = this.#owners.get(name);
    if (owner !== undefined || this.#registry.find(name) !== undefined) {
      throw new DuplicateGroupError(name, `: by ${owner ?? 'forFeature or GroupService.define'} and by ${label}`);
    }
    if (method.bound.has(instance)) {
      throw new UncacheableMethodError(
        label,
        'this instance is already cached by another application in this process. Give each application an instance of its own',
      );
    }
    const signalAt = signalPositionOf(prototype, method.name);
    const typed = this.#binder.define<unknown>(name, label, method.options, (args, context) => {
      if (signalAt === undefined) return method.original.apply(instance, [...args]);
      const withSignal = [...args];
      withSignal[signalAt] = context.signal;
      return method.original.apply(instance, withSignal);
    });
    this.#owners.set(name, label);
    if (!this.#isEnabled) return;
    method.bound.set(instance, typed);
    this.#bound.push({ method, instance });
  }
}
