import { ConfigurableModuleBuilder } from '@nestjs/common';
import { resolveBasePath } from '../peers/http-pool-options.js';
import { createGroupcacheController } from './groupcache.controller.js';
import type { GroupcacheModuleExtras, GroupcacheOptions, GroupcacheOptionsFactory } from './groupcache.options.js';
import { BASE_PATH, GROUPCACHE_OPTIONS } from './groupcache.tokens.js';

export const { ConfigurableModuleClass, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<GroupcacheOptions>({
    optionsInjectionToken: GROUPCACHE_OPTIONS,
  })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createGroupcacheOptions' satisfies keyof GroupcacheOptionsFactory)
    .setExtras<GroupcacheModuleExtras>({}, (definition, { isGlobal = true, basePath, controllerDecorators = [] }) => {
      const path = resolveBasePath(basePath);
      return {
        ...definition,
        global: isGlobal,
        controllers: [createGroupcacheController(path, controllerDecorators)],
        providers: [...(definition.providers ?? []), { provide: BASE_PATH, useValue: path }],
      };
    })
    .build();
