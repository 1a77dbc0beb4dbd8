import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openDataFolder } from '../../sample-app/database/data-folder.js';
import { FolderInUseError } from '../../sample-app/database/folder-lock.js';
import { temporaryFolder } from './temporary-folder.js';

async function fill(folder: string): Promise<void> {
  await mkdir(folder);
  await writeFile(join(folder, 'data'), 'cities');
}

async function refuseToFill(): Promise<never> {
  throw new Error('filled again');
}

describe('openDataFolder', () => {
  it('fills the folder on the first run, and finds it filled on the next', async () => {
    const root = join(await temporaryFolder(), 'not', 'there', 'yet');

    const first = await openDataFolder(root, fill);
    await first.release();
    const second = await openDataFolder(root, refuseToFill);
    await second.release();

    expect(second.path).toBe(first.path);
    expect(await readFile(join(first.path, 'data'), 'utf8')).toBe('cities');
    expect(await readdir(root)).toEqual(['cities-v2']);
  });

  it('shows the folder under its name only when it is filled', async () => {
    const root = await temporaryFolder();
    let namesMeanwhile: string[] = [];

    const folder = await openDataFolder(root, async (temporary) => {
      await fill(temporary);
      namesMeanwhile = await readdir(root);
    });

    expect(namesMeanwhile.toSorted()).toEqual([`importing-${process.pid}`, 'lock']);
    expect((await readdir(root)).toSorted()).toEqual(['cities-v2', 'lock']);
    await folder.release();
  });

  it('leaves nothing of a run that failed, and tries again on the next', async () => {
    const root = await temporaryFolder();
    const failure = new Error('the disk is full');

    const attempt = openDataFolder(root, async (temporary) => {
      await fill(temporary);
      throw failure;
    });

    await expect(attempt).rejects.toBe(failure);
    expect(await readdir(root)).toEqual([]);
    const folder = await openDataFolder(root, fill);
    expect(await readdir(folder.path)).toEqual(['data']);
    await folder.release();
  });

  it('removes what a killed run was filling, and nothing else', async () => {
    const root = await temporaryFolder();
    await fill(join(root, 'importing-123'));
    await fill(join(root, 'importing-456'));
    await writeFile(join(root, 'notes.txt'), "somebody's");

    const folder = await openDataFolder(root, fill);

    expect((await readdir(root)).toSorted()).toEqual(['cities-v2', 'lock', 'notes.txt']);
    await folder.release();
  });

  it('belongs to one run at a time', async () => {
    const root = await temporaryFolder();
    const folder = await openDataFolder(root, fill);

    await expect(openDataFolder(root, refuseToFill)).rejects.toThrow(FolderInUseError);

    await folder.release();
  });
});
