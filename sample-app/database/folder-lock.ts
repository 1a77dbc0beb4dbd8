import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasErrorCode } from './error-code.js';
import { isRunning, thisProcess, type ProcessIdentity } from './process-identity.js';

/** Thrown by `lockFolder` when another live process holds the lock. */
export class FolderInUseError extends Error {
  readonly code = 'ERR_FOLDER_IN_USE';

  constructor(
    readonly folder: string,
    readonly pid: number,
  ) {
    super(`${folder} is in use by process ${pid}: stop that one, or name another folder with --data or ATLAS_DATA`);
    this.name = 'FolderInUseError';
  }
}

/**
 * Takes the folder for this process, or throws a FolderInUseError; the result gives it back.
 *
 * The lock is a file `lock` that names its owner. It is written elsewhere and linked into place, so that it appears
 * whole and at most once. What a dead process left behind is moved away first.
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const path = join(folder, 'lock');
  const draft = join(folder, `lock.${randomUUID()}`);
  await writeFile(draft, JSON.stringify(await thisProcess()));
  try {
    for (;;) {
      if (await linkIfAbsent(draft, path)) return () => rm(path, { force: true });

      const owner = await readOwner(path);
      if (owner === undefined) continue;
      if (await isRunning(owner)) throw new FolderInUseError(folder, owner.pid);
      await discard(path, owner);
    }
  } finally {
    await rm(draft, { force: true });
  }
}

async function linkIfAbsent(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if (hasErrorCode(error, 'EEXIST')) return false;
    throw error;
  }
}

/** Moves a dead owner's lock away; two runs may find it at once, and the slower one must not take the faster's new lock. */
async function discard(path: string, dead: ProcessIdentity): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return;
    throw error;
  }
  const moved = await readOwner(aside);
  if (moved !== undefined && (moved.pid !== dead.pid || moved.started !== dead.started))
    await linkIfAbsent(aside, path);
  await rm(aside, { force: true });
}

async function readOwner(path: string): Promise<ProcessIdentity | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as ProcessIdentity;
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return undefined;
    throw new Error(`${path} cannot be read: delete it if no other run uses the folder`, { cause: error });
  }
}
