import { Injectable, type OnApplicationBootstrap, type OnModuleInit } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { UncacheableMethodError } from '../core/errors.js';
import { cacheActionMethods, type CacheActionMethod } from './cache-action.js';
import { CacheActionRunner } from './cache-action.runner.js';
import { isObject } from './decorated-method.js';
import { GroupBinder } from './group-binder.js';
import { groupName } from './group-handle.js';
import type { ResolvedGroupcacheOptions } from './groupcache.options.js';
import { canInject, labelOf, narrowScopeOf, prototypeOf, type ProviderWrapper } from './provider-wrapper.js';

interface FoundMethod {
  readonly method: CacheActionMethod;
  /** `undefined` where instances are made later. */
  readonly instance: object | undefined;
}

/** Finds the `@CachePut` and `@CacheEvict` methods of all providers and controllers at start, and has them act. */
@Injectable()
export class CacheActionExplorer implements OnModuleInit, OnApplicationBootstrap {
  readonly #found: FoundMethod[] = [];

  constructor(
    private readonly options: Pick<ResolvedGroupcacheOptions, 'enabled' | 'afterCommit'>,
    private readonly discovery: DiscoveryService,
    private readonly groups: GroupBinder,
    private readonly runner: CacheActionRunner,
  ) {}

  onModuleInit(): void {
    if (!this.options.enabled) return;
    this.runner.open(this.groups, this.options.afterCommit);
    this.#orUnbind(() => {
      for (const wrapper of this.discovery.getProviders()) this.#explore(wrapper);
      for (const wrapper of this.discovery.getControllers()) this.#explore(wrapper);
    });
  }

  /** By now the groups of all modules are made. Throws an `UnknownGroupError`: a write is too late to find out. */
  onApplicationBootstrap(): void {
    this.#orUnbind(() => {
      for (const { method, instance } of this.#found) {
        for (const { group } of method.actions) {
          if (typeof group !== 'function') this.groups.get(groupName(group));
          else if (instance !== undefined) this.groups.get(groupName(group(instance)));
        }
      }
    });
  }

  /** Gives the methods back to themselves. */
  unbind(): void {
    this.runner.close();
    for (const { method, instance } of this.#found.splice(0)) {
      if (instance !== undefined) method.bound.delete(instance);
    }
  }

  /** An instance may be used again, by an application that starts. */
  #orUnbind(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.unbind();
      throw error;
    }
  }

  #explore(wrapper: ProviderWrapper): void {
    const prototype = prototypeOf(wrapper);
    const methods = cacheActionMethods.of(prototype);
    if (methods.length === 0) return;
    const scope = narrowScopeOf(wrapper);
    if (scope !== undefined) {
      this.#checkInjection(wrapper, scope, methods[0]!);
      this.#found.push(...methods.map((method) => ({ method, instance: undefined })));
      return;
    }
    const instance: unknown = wrapper.instance;
    if (!isObject(instance)) return;
    for (const method of methods) this.#bind(method, instance, prototype as object);
  }

  /** Instances that are made later get the runner by injection. */
  #checkInjection(wrapper: ProviderWrapper, scope: string, { decorator, label }: CacheActionMethod): void {
    if (canInject(wrapper.host, CacheActionRunner)) return;
    throw new UncacheableMethodError(
      label,
      `its provider is ${scope}, and its module can't see the cache: have it import what GroupcacheModule.forRoot() has ` +
        'returned, or leave "isGlobal" true',
      decorator,
    );
  }

  #bind(method: CacheActionMethod, instance: object, prototype: object): void {
    const runner = method.bound.get(instance);
    // One instance may stand under several tokens.
    if (runner === this.runner) return;
    if (runner !== undefined) {
      throw new UncacheableMethodError(
        labelOf(method, prototype),
        'this instance belongs to another application in this process already. Give each application an instance of its own',
        method.decorator,
      );
    }
    method.bound.set(instance, this.runner);
    this.#found.push({ method, instance });
  }
}
