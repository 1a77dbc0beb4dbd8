import { Inject, Optional } from '@nestjs/common';
import { checkFunction } from './action-options.js';
import { CacheActionRunner } from './cache-action.runner.js';
import {
  copyFunctionFace,
  decoratedMethod,
  DecoratedMethods,
  type AnyMethod,
  type DecoratedMethod,
} from './decorated-method.js';
import type { GroupHandle } from './group-handle.js';
import type { TypedGroup } from './typed-group.js';

/** The group that a decorator names: by handle, by name, or by a function of the instance. */
export type GroupChoice<Args extends readonly unknown[] = any, Value = any> =
  GroupHandle<Args, Value> | string | ((instance: any) => string | GroupHandle);

/** What is to be done to a group once a method has succeeded. */
export interface CacheAction {
  readonly group: GroupChoice;
  readonly when: ((result: any, ...args: any[]) => boolean) | undefined;
  /** Decides by the call, once the method has succeeded, and before its transaction is committed; the function returned acts. */
  plan(result: unknown, args: readonly unknown[]): (group: TypedGroup<any, any>) => Promise<unknown>;
}

/** What `@CachePut` and `@CacheEvict` know of a method. */
export interface CacheActionMethod extends DecoratedMethod {
  /** `@CachePut`, for messages. */
  readonly decorator: string;
  readonly wrapper: AnyMethod;
  /** Of all decorators that stand on the method without another one between them. */
  readonly actions: CacheAction[];
  /** What carries them out for each instance, while its application runs. */
  readonly bound: WeakMap<object, CacheActionRunner>;
}

export const cacheActionMethods = new DecoratedMethods<CacheActionMethod>('nestjs-groupcache:cache-actions');

/**
 * Where Nest puts an instance's runner as it makes one: for those that can't be found at start, since they are made for a
 * request.
 */
export const RUNNER = Symbol('nestjs-groupcache:cache-action-runner');

type WithRunner = { readonly [RUNNER]?: CacheActionRunner } | undefined;

/** A decorator that has `action` done after each call of the method that has succeeded. */
export function actAfter(
  decorator: string,
  action: CacheAction,
): (target: object, name: string | symbol, descriptor: TypedPropertyDescriptor<any>) => any {
  checkFunction('when', action.when);
  return (target, name, descriptor) => {
    const method = decoratedMethod(decorator, target, name, descriptor);
    const { original } = method;
    const known = cacheActionMethods.of(target);
    const below = known.find(({ wrapper }) => wrapper === original);
    if (below !== undefined) {
      below.actions.push(action);
      return;
    }
    if (known.length === 0) {
      Inject(CacheActionRunner)(target, RUNNER);
      Optional()(target, RUNNER);
    }

    const bound = new WeakMap<object, CacheActionRunner>();
    const actions = [action];
    const wrapper: AnyMethod = function (...args) {
      const runner = bound.get(this as object) ?? (this as WithRunner)?.[RUNNER];
      // The method may change what it is called with.
      const given = [...args];
      const outcome = original.apply(this, args);
      return runner?.isOpen === true ? runner.follow(outcome, { actions, instance: this, args: given }) : outcome;
    };
    copyFunctionFace(original, wrapper);
    cacheActionMethods.register(target, { ...method, decorator, wrapper, actions, bound });
    descriptor.value = wrapper;
  };
}
