import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { isRunning, type ProcessIdentity } from '../../sample-app/database/process-identity.js';
import type { Command } from './command.js';

/** The peers' URLs, once they listen. */
export async function peerUrls(command: Command): Promise<string[]> {
  const [ready] = await command.matches(/^ready: (.+)$/, 1);
  return ready![1]!.split(' ');
}

/** A line of `npm start`'s live display, in figures. */
export interface LiveLine {
  readonly requests: number;
  readonly queries: number;
}

/** The first `count` live lines, when they have been written. */
export async function liveLines(command: Command, count: number): Promise<LiveLine[]> {
  const pattern = /^requests (\d+) \| hits main \d+ hot \d+ \| peer loads \d+ \| database queries (\d+)$/;
  const lines = await command.matches(pattern, count);
  return lines.map(([, requests, queries]) => ({ requests: Number(requests), queries: Number(queries) }));
}

/** The figures of `npm run demo`'s table, by their names. */
export function demoTable(command: Command): Record<string, string> {
  const rows = command.lines.map((line) => /^(\S.*?) {2,}([\d.,]+)$/.exec(line)).filter((row) => row !== null);
  return Object.fromEntries(rows.map(([, name, figure]) => [name, figure]));
}

/** What every demo must show, wherever the database is. */
export function expectOneReadAKey(command: Command): void {
  const table = demoTable(command);
  const figure = (name: string): number => Number(table[name]!.replace(',', ''));
  expect(table, command.output).toMatchObject({
    requests: '20,000',
    errors: '0',
    'old values after an acknowledged eviction': '0',
  });
  expect(figure('of these changes')).toBeGreaterThan(400);
  const versions = figure('distinct keys and versions asked');
  expect(versions).toBeGreaterThan(1_000);
  expect(versions).toBeLessThanOrEqual(5_000 + figure('of these changes'));
  expect(figure('SQL reads (counted by the database)')).toBe(versions);
  expect(figure('keys and versions read exactly once')).toBe(versions);
  expect(command.lines).toContain(
    'no request failed, each version of a city was read once, and none was seen after it was changed',
  );
}

/** The launcher, as the data folder's lock names it. */
export async function launcherOf(dataFolder: string): Promise<ProcessIdentity> {
  return JSON.parse(await readFile(join(dataFolder, 'lock'), 'utf8')) as ProcessIdentity;
}

/** The processes that this one has started and that still run. */
export async function childrenOf({ pid }: ProcessIdentity): Promise<ProcessIdentity[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const stats = await Promise.all(
    pids.map(async (candidate) => ({ pid: candidate, fields: await procStat(candidate) })),
  );
  // proc(5) counts from 1 and these from the state, which is 3: the parent is 4, the start 22.
  return stats
    .filter(({ fields }) => fields !== undefined && fields[0] !== 'Z' && Number(fields[1]) === pid)
    .map(({ pid: child, fields }) => ({ pid: child, started: fields![19] }));
}

async function procStat(pid: number): Promise<string[] | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

/**
 * For processes whose outputs are closed. Asks more than once, as a process that is not the tests' own child may still
 * be on its way out then, and tells nobody when it is gone.
 */
export async function expectGone(processes: readonly ProcessIdentity[]): Promise<void> {
  for (const one of processes) {
    await expect.poll(() => isRunning(one), { timeout: 5_000, message: `process ${one.pid}` }).toBe(false);
  }
}
