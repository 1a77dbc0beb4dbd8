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
 * whole and at most once. A dead owner's lock is replaced by whoever holds `lock.heir`, and by nobody else: two runs that
 * find it at once can't both take it.
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
      if (await inherit(path, draft, owner)) return () => rm(path, { force: true });
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

/** Replaces a dead owner's lock by `draft`; false if somebody else does, or has. */
async function inherit(path: string, draft: string, dead: ProcessIdentity): Promise<boolean> {
  const heir = `${path}.heir`;
  if (!(await linkIfAbsent(draft, heir))) {
    const other = await readOwner(heir);
    if (other === undefined || (await isRunning(other))) return false;
    throw new Error(`${heir} was left behind by a process that has ended: delete it if no other run uses the folder`);
  }
  const owner = await readOwner(path);
  if (owner?.pid === dead.pid && owner.started === dead.started) {
    await rename(heir, path);
    return true;
  }
  await rm(heir);
  return false;
}

async function readOwner(path: string): Promise<ProcessIdentity | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as ProcessIdentity;
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return undefined;
    throw new Error(`${path} cannot be read: delete it if no other run uses the folder`, { cause: error });
  }
}
