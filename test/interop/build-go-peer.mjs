import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const buildDir = fileURLToPath(new URL('../../.build/', import.meta.url));

/**
 * Builds the Go peer of the interop tests: see `buildGo`.
 */
export function buildGoPeer() {
  return buildGo(new URL('go-peer/', import.meta.url), 'go-peer');
}

/**
 * Builds a Go program with groupcache into `.build/`, once for each content of its sources.
 *
 * Debian's packages are in the GOPATH /usr/share/gocode; the environment variable GOPATH overrides it.
 *
 * @param {URL} folder of its sources
 * @param {string} name of the binary
 * @returns {Promise<string | undefined>} the binary's path, or undefined where there is no `go` or no groupcache in GOPATH
 */
export async function buildGo(folder, name) {
  const sourceDir = fileURLToPath(folder);
  const goPath = process.env.GOPATH || '/usr/share/gocode';
  const hasGroupcache = goPath
    .split(delimiter)
    .some((path) => existsSync(join(path, 'src/github.com/golang/groupcache/http.go')));
  if (!hasGroupcache) return undefined;

  const binary = join(buildDir, `${name}-${await digestOf(sourceDir)}`);
  if (existsSync(binary)) return binary;

  // Under a name of its own first: test workers may build at the same time.
  await mkdir(buildDir, { recursive: true });
  const unfinished = `${binary}.${process.pid}`;
  try {
    await run('go', ['build', '-o', unfinished, '.'], {
      cwd: sourceDir,
      env: {
        ...process.env,
        GOPATH: goPath,
        GO111MODULE: 'off',
        GOFLAGS: '',
        GOCACHE: process.env.GOCACHE || join(buildDir, 'go-cache'),
      },
    });
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
  await rename(unfinished, binary);
  return binary;
}

async function digestOf(sourceDir) {
  const hash = createHash('sha256');
  for (const name of (await readdir(sourceDir)).filter((file) => file.endsWith('.go')).toSorted()) {
    hash.update(`${name}\0`).update(await readFile(join(sourceDir, name)));
  }
  return hash.digest('hex').slice(0, 16);
}
