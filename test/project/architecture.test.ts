import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const lib = fileURLToPath(new URL('../../lib/', import.meta.url));

/** Which rooms each room may import, and which packages. */
const rules: Readonly<Record<string, { readonly rooms: readonly string[]; readonly packages: readonly string[] }>> = {
  core: { rooms: ['core'], packages: ['lru-cache'] },
  codecs: {
    rooms: ['codecs', 'core'],
    packages: ['@bufbuild/protobuf', 'class-transformer', 'devalue'],
  },
  peers: { rooms: ['peers', 'core'], packages: ['undici', 'ws'] },
  nest: { rooms: ['nest', 'peers', 'core'], packages: ['@nestjs/common', '@nestjs/core', 'reflect-metadata', 'rxjs'] },
  testing: { rooms: ['testing', 'peers', 'core'], packages: [] },
  'testing/nest': {
    rooms: ['testing/nest', 'testing', 'nest', 'peers', 'core'],
    packages: ['@nestjs/common', '@nestjs/core'],
  },
};

const files = readdirSync(lib, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));

describe('lib', () => {
  it.each(Object.keys(rules))('lets %s import only what it may', (room) => {
    const { rooms, packages } = rules[room]!;
    const own = files.filter((file) => roomOf(file) === room);

    const wrong = own.flatMap((file) =>
      importsOf(file).filter((target) => {
        if (target.startsWith('node:')) return false;
        if (!target.startsWith('.')) return !packages.includes(packageOf(target));
        return !rooms.includes(roomOf(relative(lib, resolve(lib, dirname(file), target))));
      }),
    );

    expect(own.length).toBeGreaterThan(0);
    expect(wrong).toEqual([]);
  });

  it('has no room without a rule', () => {
    expect([...new Set(files.map(roomOf))].toSorted()).toEqual(['', ...Object.keys(rules)].toSorted());
  });

  it('leaves no file at its top but index.ts', () => {
    expect(files.filter((file) => roomOf(file) === '')).toEqual(
      ['index.ts', 'tsconfig.json'].filter((file) => file.endsWith('.ts')),
    );
  });
});

function roomOf(file: string): string {
  const folder = dirname(file);
  if (folder === '.') return '';
  return folder === join('testing', 'nest') ? 'testing/nest' : folder.split('/')[0]!;
}

function importsOf(file: string): string[] {
  const source = readFileSync(join(lib, file), 'utf8');
  return [...source.matchAll(/^(?:import|export)\b[^;]*?from '([^']+)'|^import '([^']+)'/gm)].map(
    (match) => (match[1] ?? match[2])!,
  );
}

function packageOf(target: string): string {
  return target
    .split('/')
    .slice(0, target.startsWith('@') ? 2 : 1)
    .join('/');
}
