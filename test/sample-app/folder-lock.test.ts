import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { FolderInUseError, lockFolder } from '../../sample-app/database/folder-lock.js';
import { temporaryFolder } from './temporary-folder.js';

/** The pid of a process that has ended. */
async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
  await once(child, 'exit');
  return child.pid!;
}

/** The pid of another process that lives as long as the test. */
async function livePid(): Promise<number> {
  // It reads from a pipe that nobody writes to.
  const child = spawn('cat', { stdio: ['pipe', 'ignore', 'ignore'] });
  await once(child, 'spawn');
  onTestFinished(async () => {
    child.stdin.end();
    await once(child, 'exit');
  });
  return child.pid!;
}

describe('lockFolder', () => {
  it('names its process in the lock, and leaves nothing when it gives the folder back', async () => {
    const folder = await temporaryFolder();

    const release = await lockFolder(folder);

    expect(await readdir(folder)).toEqual(['lock']);
    expect(JSON.parse(await readFile(join(folder, 'lock'), 'utf8'))).toMatchObject({ pid: process.pid });
    await release();
    expect(await readdir(folder)).toEqual([]);
  });

  it('refuses a folder that a live process holds, and says which', async () => {
    const folder = await temporaryFolder();
    const pid = await livePid();
    await writeFile(join(folder, 'lock'), JSON.stringify({ pid }));

    const error = await lockFolder(folder).catch((reason: unknown) => reason);

    expect(error).toBeInstanceOf(FolderInUseError);
    expect(error).toMatchObject({ code: 'ERR_FOLDER_IN_USE', folder, pid });
    expect((error as Error).message).toContain('--data');
    expect(await readdir(folder)).toEqual(['lock']);
  });

  it('refuses a folder that its own process holds, until that is given back', async () => {
    const folder = await temporaryFolder();
    const release = await lockFolder(folder);

    await expect(lockFolder(folder)).rejects.toThrow(FolderInUseError);
    await release();

    await (
      await lockFolder(folder)
    )();
  });

  it('takes over from a process that died', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'lock'), JSON.stringify({ pid: await deadPid() }));

    const release = await lockFolder(folder);

    expect(JSON.parse(await readFile(join(folder, 'lock'), 'utf8'))).toMatchObject({ pid: process.pid });
    expect(await readdir(folder)).toEqual(['lock']);
    await release();
  });

  it.runIf(process.platform === 'linux')('takes over when the pid has gone to another process', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'lock'), JSON.stringify({ pid: await livePid(), started: '1' }));

    const release = await lockFolder(folder);

    expect(JSON.parse(await readFile(join(folder, 'lock'), 'utf8'))).toMatchObject({ pid: process.pid });
    await release();
  });

  it('lets one of many through that find a dead lock at the same time', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'lock'), JSON.stringify({ pid: await deadPid() }));

    const attempts = await Promise.allSettled(Array.from({ length: 20 }, () => lockFolder(folder)));

    const through = attempts.filter((attempt) => attempt.status === 'fulfilled');
    expect(through).toHaveLength(1);
    expect(attempts.filter((attempt) => attempt.status === 'rejected').map(({ reason }) => reason)).toEqual(
      Array.from({ length: 19 }, () => expect.any(FolderInUseError)),
    );
    expect(await readdir(folder)).toEqual(['lock']);
    await through[0]!.value();
  });

  it('names what a process has left that ended while it took a dead lock over', async () => {
    const folder = await temporaryFolder();
    const dead = JSON.stringify({ pid: await deadPid() });
    await writeFile(join(folder, 'lock'), dead);
    await writeFile(join(folder, 'lock.heir'), dead);

    await expect(lockFolder(folder)).rejects.toThrow(
      /lock\.heir was left behind by a process that has ended: delete it/,
    );
  });

  it('does not guess whose a lock is that it cannot read', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'lock'), 'no JSON');

    await expect(lockFolder(folder)).rejects.toThrow('cannot be read: delete it if no other run uses the folder');

    expect(await readdir(folder)).toEqual(['lock']);
  });
});
