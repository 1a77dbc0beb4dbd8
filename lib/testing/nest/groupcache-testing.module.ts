import { Injectable, Module, type DynamicModule } from '@nestjs/common';
import { GroupService } from '../../nest/group.service.js';
import { GroupcacheModule } from '../../nest/groupcache.module.js';
import type { GroupcacheOptions } from '../../nest/groupcache.options.js';

/** A test's hand on the cache of `GroupcacheTestingModule.inMemory()`. */
@Injectable()
export class GroupcacheTesting {
  constructor(private readonly groups: GroupService) {}

  /** Forgets everything that is cached, between tests. Let loads under way end first: they fill it again. */
  clearAll(): void {
    for (const group of this.groups.groups) group.dropMemory();
  }
}

/**
 * Stands for `GroupcacheModule.forRoot()` in a test: no sockets, no peers, nothing left open.
 *
 * `passThrough()`: `@Cached` methods just run, and groups load at every get. `inMemory()`: the real cache of one process,
 * emptied by `GroupcacheTesting.clearAll()`.
 */
@Module({})
export class GroupcacheTestingModule {
  static passThrough(): DynamicModule {
    return testingModule({ enabled: false });
  }

  static inMemory(
    options: Pick<GroupcacheOptions, 'afterCommit' | 'clock' | 'defaults' | 'maxTotalBytes'> = {},
  ): DynamicModule {
    const { afterCommit, clock, defaults, maxTotalBytes } = options;
    return testingModule({ afterCommit, clock, defaults, maxTotalBytes });
  }
}

function testingModule(options: GroupcacheOptions): DynamicModule {
  return {
    module: GroupcacheTestingModule,
    global: true,
    imports: [GroupcacheModule.forRoot(options)],
    providers: [GroupcacheTesting],
    exports: [GroupcacheTesting],
  };
}
