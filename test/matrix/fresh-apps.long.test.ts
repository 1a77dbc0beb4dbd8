import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePorts, startApp } from './app-process.js';
import { freshApp, packLibrary, type NestMajor } from './fresh-app.js';
import { nodeBinary, nodeMajors, type NodeMajor } from './node-binaries.js';
import { run } from './run.js';

const nodes = new Map<NodeMajor, string>();
let folder: string;
let tarball: string;

const missing = await missingRegistry();
if (missing !== undefined) console.warn(`skipped: fresh Nest applications, ${missing}`);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fresh-apps-'));
  tarball = await packLibrary(folder);
  for (const major of nodeMajors) nodes.set(major, await nodeBinary(major, folder));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

describe.skipIf(missing !== undefined).each<[NestMajor, string]>([
  [11, 'CommonJS, Jest'],
  [12, 'ESM, vitest'],
])('A fresh Nest %s application (%s) with the tarball and the example', (major) => {
  let app: string;

  beforeAll(async () => {
    const home = join(folder, `nest-${major}`);
    await mkdir(home);
    app = await freshApp(major, tarball, home);
  });

  it.each(nodeMajors)('answers the same price twice on Node %s, and complains of nothing', async (node) => {
    const [port] = await freePorts(1);
    const alone = await startApp(nodes.get(node)!, app, 'dist/main.js', port!);

    const first = await alone.price('ACME');

    expect(await alone.price('ACME')).toBe(first);
    expect(await alone.price('OTHER')).not.toBe(first);
    expect(alone.complaints()).toBe('');
  });

  it.each(nodeMajors)('loads a key once in two processes on Node %s', async (node) => {
    const ports = await freePorts(2);
    const urls = ports.map((port) => `http://127.0.0.1:${port}`);
    const env = (self: string) => ({
      SELF_URL: self,
      PEER_URLS: urls.join(','),
      GROUPCACHE_SECRET: 'a secret that these two share',
    });
    const peers = await Promise.all(
      ports.map((port, index) => startApp(nodes.get(node)!, app, 'dist/cluster.js', port, env(urls[index]!))),
    );
    const symbols = Array.from({ length: 20 }, (_, index) => `SYMBOL-${index}`);

    const [ofFirst, ofSecond] = await Promise.all(
      peers.map((peer) => Promise.all(symbols.map((symbol) => peer.price(symbol)))),
    );

    // Every load makes another price.
    expect(ofFirst).toEqual(ofSecond);
    expect(new Set(ofFirst).size).toBe(symbols.length);
    expect(peers.map((peer) => peer.complaints())).toEqual(['', '']);
  });

  it.each(nodeMajors)('passes its own tests and the recipes of docs/testing.md on Node %s', async (node) => {
    const unit = await run(app, ['npm', 'test'], nodes.get(node));
    const e2e = await run(app, ['npm', 'run', 'test:e2e'], nodes.get(node));

    expect(unit).toMatch(/Tests:? +6 passed/);
    expect(e2e).toMatch(/Tests:? +2 passed/);
  });

  if (major === 11) {
    it('finds the types as older templates look for them, by "moduleResolution": "node10"', async () => {
      const compilerOptions = {
        module: 'commonjs',
        moduleResolution: 'node10',
        resolvePackageJsonExports: null,
        incremental: false,
        noEmit: true,
      };
      const config = { extends: './tsconfig.json', compilerOptions, include: ['src'] };
      await writeFile(join(app, 'tsconfig.node10.json'), JSON.stringify(config));

      await run(app, ['npx', '--no-install', 'tsc', '-p', 'tsconfig.node10.json']);
    });
  }
});

/** What is missing when no npm registry answers; an error in CI, where nothing may be skipped. */
async function missingRegistry(): Promise<string | undefined> {
  try {
    await run(tmpdir(), ['npm', 'view', '@nestjs/cli@11', 'version', '--fetch-retries=0', '--fetch-timeout=20000']);
    return undefined;
  } catch (error) {
    if (process.env['CI']) throw error;
    return 'because no npm registry answers';
  }
}
