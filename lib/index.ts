export * from './core/index.js';
export * from './peers/index.js';
export type { ActionDecorator, ActionProblem, NotFitting, OfCall } from './nest/cache-action-types.js';
export { CacheEvict, type CacheEvictOptions } from './nest/cache-evict.decorator.js';
export { CachePut, type CachePutOptions } from './nest/cache-put.decorator.js';
export { Cached, type CachedDecorator, type NotCacheable } from './nest/cached.decorator.js';
export type { CachedOptions } from './nest/cached-options.js';
export type { CachedProblem, JsonProblem, KeyArgs } from './nest/cacheable-types.js';
export type { KeyCodec } from './nest/args-key.js';
export { defineGroup, type GroupHandle } from './nest/group-handle.js';
export { GroupService, type GroupLoader } from './nest/group.service.js';
export { GroupcacheModule, InjectGroup, getGroupToken, type GroupFeature } from './nest/groupcache.module.js';
export type {
  AfterCommit,
  GroupcacheModuleExtras,
  GroupcacheOptions,
  GroupcacheOptionsFactory,
} from './nest/groupcache.options.js';
export { httpExceptionFailures } from './nest/http-exception-failures.js';
export { TypedGroup } from './nest/typed-group.js';
