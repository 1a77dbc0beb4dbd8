import { access, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { lockFolder } from './folder-lock.js';

/** Counted up when the schema, the import or the major version of PGlite's PostgreSQL (18) changes: older data is left alone. */
const dataVersion = 2;

const temporaryPrefix = 'importing-';

/** The folder of a complete database, this process's until `release`. */
export interface DataFolder {
  readonly path: string;
  release(): Promise<void>;
}

/**
 * Locks `root` and gives its database's folder, which `fill` made on the first run.
 *
 * `fill` works in a temporary folder that is renamed when it is done: a run that was killed half way leaves nothing
 * that the next one would take for a database.
 */
export async function openDataFolder(root: string, fill: (folder: string) => Promise<void>): Promise<DataFolder> {
  const folder = resolve(root);
  const path = join(folder, `cities-v${dataVersion}`);
  await mkdir(folder, { recursive: true });
  const release = await lockFolder(folder);
  try {
    await removeLeftovers(folder);
    if (!(await exists(path))) {
      const temporary = join(folder, `${temporaryPrefix}${process.pid}`);
      try {
        await fill(temporary);
        await rename(temporary, path);
      } finally {
        await rm(temporary, { recursive: true, force: true });
      }
    }
    return { path, release };
  } catch (error) {
    await release();
    throw error;
  }
}

/** Safe under the lock: whoever was filling these is gone. */
async function removeLeftovers(folder: string): Promise<void> {
  const names = await readdir(folder);
  const leftovers = names.filter((name) => name.startsWith(temporaryPrefix));
  await Promise.all(leftovers.map((name) => rm(join(folder, name), { recursive: true, force: true })));
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
