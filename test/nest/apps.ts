import type {
  INestApplication,
  INestApplicationContext,
  LoggerService,
  ModuleMetadata,
  NestApplicationOptions,
  Type,
} from '@nestjs/common';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { GroupcacheModule, HttpPool, type GroupcacheModuleExtras, type GroupcacheOptions } from 'nestjs-groupcache';

export const secret = 'a secret that peers share';

/** The frameworks that the peer controller runs on. */
export const platforms = [
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter()],
] as const;

/** Where on an application's own server peers are answered, on each of them. */
export const mounts = platforms.flatMap(([platform, adapter]) =>
  (['controller', 'raw'] as const).map((mount) => [mount, platform, adapter] as const),
);

const open = new Set<{ close(): Promise<void> }>();
const messages: { readonly level: string; readonly message: string }[] = [];

/** What all applications have logged since `closeApps`. */
export function logged(level: 'log' | 'warn' | 'error'): string[] {
  return messages.filter((entry) => entry.level === level).map((entry) => entry.message);
}

/** Closes what a test has started. */
export async function closeApps(): Promise<void> {
  await Promise.all([...open].map((app) => app.close()));
  open.clear();
  messages.length = 0;
}

/** Has `app` closed after the test. */
export function closeLater<App extends { close(): Promise<void> }>(app: App): App {
  open.add(app);
  return app;
}

/** A module of an application, without a class of its own to name. */
export function moduleOf(metadata: ModuleMetadata): Type {
  class TestModule {}
  Module(metadata)(TestModule);
  return TestModule;
}

export interface AppSetUp extends ModuleMetadata {
  readonly groupcache?: GroupcacheOptions & GroupcacheModuleExtras;
  readonly adapter?: () => ExpressAdapter | FastifyAdapter;
  readonly httpsOptions?: NestApplicationOptions['httpsOptions'];
  /** Called before the application listens. */
  readonly configure?: (app: INestApplication) => void;
}

/** An application that is made and not started. Rejects with what Nest's start rejects with. */
export async function createApp({
  groupcache,
  adapter,
  httpsOptions,
  configure,
  ...metadata
}: AppSetUp): Promise<INestApplication> {
  const imports = groupcache === undefined ? [] : [GroupcacheModule.forRoot(groupcache)];
  const root = moduleOf({ ...metadata, imports: [...imports, ...(metadata.imports ?? [])] });
  const app = await NestFactory.create(root, adapter?.() ?? new ExpressAdapter(), { ...nestOptions, httpsOptions });
  configure?.(app);
  return closeLater(app);
}

/** As `createApp`, but listening on a free port. */
export async function startApp(setUp: AppSetUp): Promise<INestApplication> {
  const app = await createApp(setUp);
  await app.listen(0, '127.0.0.1');
  return app;
}

/** An application without an HTTP server, started. */
export async function startContext({ groupcache, ...metadata }: AppSetUp): Promise<INestApplicationContext> {
  const root = moduleOf({
    ...metadata,
    imports: [GroupcacheModule.forRoot(groupcache ?? {}), ...(metadata.imports ?? [])],
  });
  return closeLater(await NestFactory.createApplicationContext(root, nestOptions));
}

/** Options of a peer on loopback that finds its own URL once it listens. */
export const peer = {
  self: ({ port }) => `http://127.0.0.1:${port}`,
  auth: { secret },
} satisfies GroupcacheOptions;

/** Starts `count` applications, each with providers of its own, that are peers of each other. */
export async function startCluster(count: number, setUp: AppSetUp): Promise<INestApplication[]> {
  const apps: INestApplication[] = [];
  while (apps.length < count) {
    apps.push(await startApp({ ...setUp, groupcache: { ...peer, ...setUp.groupcache } }));
  }
  introduce(apps);
  return apps;
}

/** Tells the pools of `apps` about each other. */
export function introduce(apps: readonly INestApplicationContext[]): void {
  const pools = apps.map((app) => app.get(HttpPool));
  for (const pool of pools) pool.set(...pools.map(({ self }) => self!));
}

/** The owner of `key` among `apps`, and another one of them. */
export function ownerAndOther<App extends INestApplicationContext>(apps: readonly App[], key: string): [App, App] {
  const owner = apps.find((app) => app.get(HttpPool).self === app.get(HttpPool).ownerOf(key))!;
  return [owner, apps.find((app) => app !== owner)!];
}

/** A key that begins with `prefix` and that `app` owns. */
export function keyOwnedBy(app: INestApplicationContext, prefix = 'key'): string {
  const pool = app.get(HttpPool);
  for (let number = 0; number < 10_000; number++) {
    const key = `${prefix}${number}`;
    if (pool.ownerOf(key) === pool.self) return key;
  }
  throw new Error(`${pool.self} owns nothing`);
}

const record =
  (level: string) =>
  (message: unknown): void => {
    messages.push({ level, message: String(message) });
  };
const logger: LoggerService = { log: record('log'), warn: record('warn'), error: record('error') };
const nestOptions = { logger, abortOnError: false } as const;
