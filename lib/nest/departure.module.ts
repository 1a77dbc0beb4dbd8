import { Injectable, Module, type OnModuleDestroy } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';

/** Tells that the application is being closed, before any provider of it is taken down. */
@Injectable()
export class Departure implements OnModuleDestroy {
  #leave: (() => Promise<void>) | undefined;

  /** `leave` is called once, and waited for, when the application is closed. */
  before(leave: () => Promise<void>): void {
    this.#leave = leave;
  }

  async onModuleDestroy(): Promise<void> {
    await this.#leave?.();
  }
}

/**
 * Not global: global modules are taken down last, when the application's database clients are closed already.
 */
@Module({ providers: [Departure], exports: [Departure] })
export class DepartureModule {
  constructor(modules: ModulesContainer) {
    // Nest takes modules down by their distance from the root, which has 1: this one is to be the first of all.
    for (const module of modules.values()) if (module.metatype === DepartureModule) module.distance = 0;
  }
}
