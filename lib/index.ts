export * from './core/index.js';
export * from './peers/index.js';
export { Cached, type CachedDecorator, type CachedOptions } from './nest/cached.decorator.js';
export type { CachedMethodCheck, JsonProblem, KeyArgs } from './nest/cacheable-types.js';
export type { KeyCodec } from './nest/args-key.js';
export { defineGroup, type GroupHandle } from './nest/group-handle.js';
export { GroupService, type GroupLoader } from './nest/group.service.js';
export { GroupcacheModule, InjectGroup, getGroupToken, type GroupFeature } from './nest/groupcache.module.js';
export type {
  GroupcacheModuleExtras,
  GroupcacheOptions,
  GroupcacheOptionsFactory,
} from './nest/groupcache.options.js';
export { TypedGroup } from './nest/typed-group.js';
