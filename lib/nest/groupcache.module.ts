import {
  Inject,
  Module,
  RequestMethod,
  type DynamicModule,
  type FactoryProvider,
  type MiddlewareConsumer,
  type ModuleMetadata,
  type NestModule,
} from '@nestjs/common';
import { ApplicationConfig, DiscoveryModule, DiscoveryService, HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import { InvalidOptionError } from '../core/errors.js';
import { GroupRegistry } from '../core/group-registry.js';
import { HttpPool } from '../peers/http-pool.js';
import { PeerServer } from '../peers/peer-server.js';
import { LISTEN_MAX_KEY_BYTES } from '../peers/wire.js';
import { CacheActionExplorer } from './cache-action.explorer.js';
import { CacheActionRunner } from './cache-action.runner.js';
import { CachedExplorer } from './cached.explorer.js';
import type { CachedOptions } from './cached-options.js';
import { Departure, DepartureModule } from './departure.module.js';
import { GroupBinder } from './group-binder.js';
import { groupName, type GroupHandle } from './group-handle.js';
import { GroupService, type GroupLoader } from './group.service.js';
import { GroupcacheLifecycle } from './groupcache.lifecycle.js';
import { ASYNC_OPTIONS_TYPE, ConfigurableModuleClass, OPTIONS_TYPE } from './groupcache.module-definition.js';
import {
  resolveGroupcacheOptions,
  type GroupcacheOptions,
  type ResolvedGroupcacheOptions,
} from './groupcache.options.js';
import { BASE_PATH, GROUPCACHE_OPTIONS, RESOLVED_OPTIONS } from './groupcache.tokens.js';
import { httpExceptionFailures } from './http-exception-failures.js';

/** A group without a decorated method: its loader is what `useFactory` makes of the injected providers. */
export interface GroupFeature<Args extends readonly unknown[] = any, Value = any>
  extends Pick<ModuleMetadata, 'imports'>, Pick<FactoryProvider, 'inject'> {
  readonly group: GroupHandle<Args, Value> | string;
  /** As those of `@Cached`. */
  readonly options?: CachedOptions<Args, Value>;
  readonly useFactory: (...injected: any[]) => GroupLoader<Args, Value> | Promise<GroupLoader<Args, Value>>;
}

/** The feature of a group that is given by handle, or by a bare name, whose loader takes a wire key. */
type FeatureOf<Group> =
  Group extends GroupHandle<infer Args, infer Value> ? GroupFeature<Args, Value> : GroupFeature<[key: string]>;

/** Injects the group of a `forFeature`, as a `TypedGroup`. */
export const InjectGroup = (group: GroupHandle | string): ParameterDecorator & PropertyDecorator =>
  Inject(getGroupToken(group));

/** The token under which `forFeature` provides a group. */
export function getGroupToken(group: GroupHandle | string): string {
  return `nestjs-groupcache:group:${groupName(group)}`;
}

@Module({
  imports: [DiscoveryModule, DepartureModule],
  providers: [
    {
      provide: RESOLVED_OPTIONS,
      inject: [GROUPCACHE_OPTIONS],
      useFactory: (options: GroupcacheOptions) => resolveGroupcacheOptions(options),
    },
    {
      provide: HttpPool,
      inject: [GROUPCACHE_OPTIONS, RESOLVED_OPTIONS, BASE_PATH],
      useFactory: createPool,
    },
    {
      provide: GroupRegistry,
      inject: [RESOLVED_OPTIONS, HttpPool],
      useFactory: ({ enabled, defaults, maxTotalBytes, clock }: ResolvedGroupcacheOptions, pool: HttpPool) =>
        enabled
          ? new GroupRegistry({ peers: pool, defaults, maxTotalBytes, clock })
          : new GroupRegistry({ defaults, maxTotalBytes: 0, clock }),
    },
    {
      provide: PeerServer,
      inject: [GROUPCACHE_OPTIONS, HttpPool, GroupRegistry],
      useFactory: (options: GroupcacheOptions, pool: HttpPool, groups: GroupRegistry) =>
        new PeerServer({
          pool,
          groups,
          maxConcurrentRequests: options.maxConcurrentRequests,
          handOverBytes: options.handOverBytes,
          failures: options.failures ?? httpExceptionFailures,
        }),
    },
    { provide: GroupBinder, inject: [GroupRegistry], useFactory: (groups: GroupRegistry) => new GroupBinder(groups) },
    CachedExplorer,
    CacheActionRunner,
    {
      provide: CacheActionExplorer,
      inject: [RESOLVED_OPTIONS, DiscoveryService, GroupBinder, CacheActionRunner],
      useFactory: (...dependencies: ConstructorParameters<typeof CacheActionExplorer>) =>
        new CacheActionExplorer(...dependencies),
    },
    GroupService,
    {
      provide: GroupcacheLifecycle,
      inject: [
        RESOLVED_OPTIONS,
        HttpPool,
        GroupRegistry,
        PeerServer,
        CachedExplorer,
        CacheActionExplorer,
        HttpAdapterHost,
        Departure,
      ],
      useFactory: (...dependencies: ConstructorParameters<typeof GroupcacheLifecycle>) =>
        new GroupcacheLifecycle(...dependencies),
    },
  ],
  exports: [GroupService, HttpPool, PeerServer, CacheActionRunner],
})
export class GroupcacheModule extends ConfigurableModuleClass implements NestModule {
  constructor(
    private readonly applicationConfig: ApplicationConfig,
    @Inject(BASE_PATH) private readonly basePath: string,
    @Inject(RESOLVED_OPTIONS) options: ResolvedGroupcacheOptions,
    explorer: CachedExplorer,
    modules: ModulesContainer,
  ) {
    super();
    if ([...modules.values()].filter((module) => module.metatype === GroupcacheModule).length > 1) {
      throw new InvalidOptionError(
        'imports',
        'GroupcacheModule.forRoot()',
        'it is imported more than once: import it once, in the root module; it is global',
      );
    }
    if (!options.enabled) explorer.leaveMethodsAlone();
  }

  /** A cache for the whole application; without options in this one process. Import it once. */
  static override forRoot(options: typeof OPTIONS_TYPE = {}): DynamicModule {
    return super.forRoot(options);
  }

  /** As `forRoot`, with options that are made by `useFactory`, `useClass` or `useExisting`. */
  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return super.forRootAsync(options);
  }

  /** Groups whose loaders need other providers but are no method of one; injected by `@InjectGroup`. */
  static forFeature<const Groups extends readonly (GroupHandle | string)[]>(features: {
    readonly [Index in keyof Groups]: FeatureOf<Groups[Index]> & { readonly group: Groups[Index] };
  }): DynamicModule;
  static forFeature(features: readonly GroupFeature[]): DynamicModule {
    const providers = features.map(({ group, options = {}, inject = [], useFactory }) => ({
      provide: getGroupToken(group),
      inject: [GroupService, ...inject],
      useFactory: async (groups: GroupService, ...injected: unknown[]) =>
        groups.define(group as GroupHandle, options, await useFactory(...injected)),
    }));
    return {
      module: GroupcacheFeatureModule,
      imports: features.flatMap((feature) => feature.imports ?? []),
      providers,
      exports: providers.map(({ provide }) => provide),
    };
  }

  /** Called before routes are made: takes the peers' path out of the global prefix. */
  configure(_consumer: MiddlewareConsumer): void {
    const prefix = this.applicationConfig.getGlobalPrefixOptions();
    const path = this.basePath.slice(0, -1);
    const pathRegex = new RegExp(`^${path.replaceAll('.', '\\.')}(?:/.*)?$`);
    this.applicationConfig.setGlobalPrefixOptions({
      ...prefix,
      exclude: [...(prefix.exclude ?? []), { path, requestMethod: RequestMethod.ALL, pathRegex }],
    });
  }
}

/** Holds the groups of one `forFeature`. */
@Module({})
export class GroupcacheFeatureModule {}

function createPool(options: GroupcacheOptions, resolved: ResolvedGroupcacheOptions, basePath: string): HttpPool {
  const pool = new HttpPool({
    ...options,
    self: options.self === undefined ? undefined : 'later',
    basePath,
    // Where nothing is cached, its files need not be there.
    tls: resolved.enabled ? options.tls : undefined,
    maxKeyBytes: options.maxKeyBytes ?? (resolved.listen === undefined ? undefined : LISTEN_MAX_KEY_BYTES),
    failures: options.failures ?? httpExceptionFailures,
  });
  // In force once this process is reachable, see GroupcacheLifecycle.
  if (resolved.enabled) pool.set(...resolved.peers);
  return pool;
}
