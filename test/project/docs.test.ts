import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Test } from '@nestjs/testing';
import * as library from 'nestjs-groupcache';
import { describe, expect, it } from 'vitest';

const root = new URL('../../', import.meta.url);
const read = (file: string): string => readFileSync(new URL(file, root), 'utf8');

describe('docs/errors.md', () => {
  it('lists every error class with its code', () => {
    const classes = Object.entries(library as Record<string, unknown>).filter(
      ([name, value]) =>
        typeof value === 'function' && value.prototype instanceof library.GroupcacheError && name !== 'GroupcacheError',
    );
    const codes = read('lib/core/errors.ts').matchAll(
      /export class (\w+) extends GroupcacheError \{\s+readonly code = '(\w+)'/g,
    );
    const expected = [...codes].map(([, name, code]) => `${code} ${name}`);
    const listed = [...read('docs/errors.md').matchAll(/^\| `(\w+)` +\| `(\w+)`/gm)].map(
      ([, code, name]) => `${code} ${name}`,
    );

    expect(expected).toHaveLength(classes.length);
    expect(listed.toSorted()).toEqual(expected.toSorted());
  });
});

describe('docs/options.md', () => {
  it.each([
    ['lib/nest/groupcache.options.ts', ['GroupcacheOptions', 'GroupcacheModuleExtras']],
    ['lib/peers/http-pool-options.ts', ['HttpPoolOptions']],
    ['lib/peers/peer-tls.ts', ['PeerTlsOptions']],
    ['lib/peers/tls-material.ts', ['TlsMaterial']],
    ['lib/core/group-options.ts', ['GroupSettings']],
    ['lib/core/lifetimes.ts', ['LifetimeSettings']],
    ['lib/nest/cached-options.ts', ['CachedOptions']],
  ])('has every option of %s', (file, interfaces) => {
    const documented = read('docs/options.md');
    const source = read(file);

    const missing = interfaces.flatMap((name) => {
      const body = new RegExp(`export interface ${name}[^{]*\\{([\\s\\S]*?)\\n\\}`).exec(source)![1]!;
      const options = [...body.matchAll(/^ {2}readonly (\w+)\??:/gm)].map((match) => match[1]!);
      expect(options.length).toBeGreaterThan(0);
      return options.filter((option) => !documented.includes(`| \`${option}\``));
    });

    expect(missing).toEqual([]);
  });
});

describe('README.md', () => {
  it('has an example that runs, and that caches', async () => {
    const example = /<!-- example:begin -->\s+```ts\n([\s\S]*?)```\s+<!-- example:end -->/.exec(read('README.md'))![1]!;
    const file = new URL('.build/readme/example.ts', root);
    mkdirSync(new URL('.', file), { recursive: true });
    writeFileSync(file, example);
    // Decorators are compiled as the nearest tsconfig.json says.
    writeFileSync(
      new URL('tsconfig.json', file),
      JSON.stringify({ extends: '../../tsconfig.json', include: ['.'], exclude: [] }),
    );

    const { AppModule, PriceController } = (await import(
      /* @vite-ignore */ pathToFileURL(fileURLToPath(file)).href
    )) as {
      AppModule: new () => object;
      PriceController: new (...args: never[]) => { quote(symbol: string): Promise<{ symbol: string; price: number }> };
    };
    const app = await Test.createTestingModule({ imports: [AppModule] }).compile();
    await app.init();
    const controller = app.get(PriceController);
    const first = await controller.quote('ACME');

    expect(first.symbol).toBe('ACME');
    expect(await controller.quote('ACME')).toEqual(first);
    expect((await controller.quote('OTHER')).price).not.toBe(first.price);
    await app.close();
  });

  it('links only to what is there', () => {
    const pages = [
      'README.md',
      ...readdirSync(new URL('docs', root), { recursive: true, encoding: 'utf8' }).map((file) => `docs/${file}`),
    ];
    const broken = pages
      .filter((page) => page.endsWith('.md'))
      .flatMap((page) =>
        [...read(page).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)]
          .map((match) => new URL(match[1]!, new URL(page, root)))
          .filter((target) => !exists(target))
          .map((target) => `${page}: ${fileURLToPath(target)}`),
      );

    expect(broken).toEqual([]);
  });
});

function exists(target: URL): boolean {
  try {
    readFileSync(target);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EISDIR';
  }
}
