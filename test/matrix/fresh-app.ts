import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { markedBlock } from './markdown.js';
import { run } from './run.js';

export type NestMajor = 11 | 12;

const repository = fileURLToPath(new URL('../..', import.meta.url));
const install = ['npm', 'install', '--prefer-offline', '--no-audit', '--no-fund'] as const;

/** Starts the module of docs/testing.md whose peers the environment names. */
const clusterMain = `
import { NestFactory } from '@nestjs/core';
import { HttpPool } from 'nestjs-groupcache';
import { ClusterModule } from './cluster.module';

async function bootstrap() {
  const app = await NestFactory.create(ClusterModule);
  app.enableShutdownHooks();
  const pool = app.get(HttpPool);
  app.getHttpAdapter().get('/ready', (_request: unknown, response: { end(): void }) => {
    void pool.ready.then(() => response.end());
  });
  await app.listen(process.env.PORT ?? 3000);
}
void bootstrap();
`;

/** Builds the library and packs it as npm would publish it. Resolves to the tarball's path. */
export async function packLibrary(folder: string): Promise<string> {
  await run(repository, ['npm', 'run', 'build:lib']);
  await run(repository, ['npm', 'pack', '--ignore-scripts', '--pack-destination', folder]);
  const tarball = (await readdir(folder)).find((file) => file.endsWith('.tgz'));
  if (tarball === undefined) throw new Error('npm pack wrote no tarball');
  return join(folder, tarball);
}

/**
 * What `nest new` of that major makes by default (11: CommonJS and Jest; 12: ESM and vitest), with the tarball, README's
 * example as `prices.ts` in its AppModule, and the recipes of docs/testing.md among its tests; installed and built.
 */
export async function freshApp(major: NestMajor, tarball: string, folder: string): Promise<string> {
  const packages = await nestCli(major, folder);
  // Named, or Nest 11's command line would take the schematics of whatever node_modules is above the temporary folder.
  const collection = major === 11 ? ['-c', join(packages, '@nestjs/schematics')] : [];
  const options = ['--skip-install', '--skip-git', '-p', 'npm', ...collection];
  await run(folder, [join(packages, '.bin/nest'), 'new', 'app', ...options]);
  const app = join(folder, 'app');
  const write = (file: string, text: string): Promise<void> => {
    // What is imported is named with its extension in ESM only.
    return writeFile(join(app, file), major === 11 ? text : text.replaceAll(/ from '(\.[^']*)'/g, " from '$1.js'"));
  };
  await write('src/prices.ts', markedBlock('README.md', 'example:begin'));
  await write('src/cluster.module.ts', markedBlock('docs/testing.md', 'recipe:cluster'));
  await write('src/cluster.ts', clusterMain);
  await write('src/prices.alone.spec.ts', markedBlock('docs/testing.md', 'recipe:alone'));
  await write('src/prices.cached.spec.ts', markedBlock('docs/testing.md', 'recipe:cached'));
  await write('src/cluster.spec.ts', markedBlock('docs/testing.md', 'recipe:override'));
  await write('test/prices.e2e-spec.ts', markedBlock('docs/testing.md', 'recipe:e2e'));
  await importExample(join(app, 'src/app.module.ts'), major);
  if (major === 11) await configureJest(app);

  await run(app, [...install, tarball]);
  await run(app, ['npm', 'run', 'build']);
  return app;
}

/** The node_modules with Nest's command line of that major: ours, or one from the registry. */
async function nestCli(major: NestMajor, folder: string): Promise<string> {
  if (major === 12) return join(repository, 'node_modules');
  const home = join(folder, 'cli');
  await mkdir(home, { recursive: true });
  await run(home, [...install, '--prefix', '.', '@nestjs/cli@11']);
  return join(home, 'node_modules');
}

async function importExample(file: string, major: NestMajor): Promise<void> {
  const generated = await readFile(file, 'utf8');
  const line = `import { AppModule as PricesModule } from './prices${major === 11 ? '' : '.js'}';`;
  const edited = `${line}\n${generated.replace('imports: []', 'imports: [PricesModule]')}`;
  if (!edited.includes('[PricesModule]')) throw new Error(`nest new no longer writes "imports: []":\n${generated}`);
  await writeFile(file, edited);
}

/** The line of docs/testing.md, in both of Jest's configurations that `nest new` makes. */
async function configureJest(app: string): Promise<void> {
  const line = JSON.parse(`{${markedBlock('docs/testing.md', 'jest:line')}}`) as object;
  const manifest = await json(join(app, 'package.json'));
  const e2e = await json(join(app, 'test/jest-e2e.json'));
  Object.assign(manifest['jest'] as object, line);
  await writeFile(join(app, 'package.json'), JSON.stringify(manifest, null, 2));
  await writeFile(join(app, 'test/jest-e2e.json'), JSON.stringify({ ...e2e, ...line }, null, 2));
}

async function json(file: string): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
}
