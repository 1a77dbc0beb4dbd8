import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './run.js';

/** The majors that package.json supports. */
export const nodeMajors = ['20', '22', '24'] as const;
export type NodeMajor = (typeof nodeMajors)[number];

/**
 * The newest `node` of a major: this process's own if it is one, or else from the npm package that holds the binary for
 * this machine (package `node` would fetch the same one in an install script, which npm may refuse to run).
 */
export async function nodeBinary(major: NodeMajor, folder: string): Promise<string> {
  if (process.versions.node.startsWith(`${major}.`)) return process.execPath;
  const name = `node-${process.platform}-${process.arch}`;
  const home = join(folder, `node-${major}`);
  await mkdir(home, { recursive: true });
  await run(home, [
    'npm',
    'install',
    '--prefix',
    '.',
    '--prefer-offline',
    '--no-audit',
    '--no-fund',
    `${name}@${major}`,
  ]);
  return join(home, 'node_modules', name, 'bin', 'node');
}
