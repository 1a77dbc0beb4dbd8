import { readFile } from 'node:fs/promises';
import { hasErrorCode } from './error-code.js';

/** One run of one process. A pid alone is not one: after a crash the system gives it to somebody else. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When the process started, in the kernel's clock ticks; absent where /proc is not there to tell. */
  readonly started?: string | undefined;
}

/** The process that runs this. */
export async function thisProcess(): Promise<ProcessIdentity> {
  return { pid: process.pid, started: (await procStat(process.pid))?.started };
}

/** Whether that very process still runs. Where /proc is missing, any process of the same pid counts. */
export async function isRunning({ pid, started }: ProcessIdentity): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it is there, and belongs to somebody else.
    if (!hasErrorCode(error, 'EPERM')) return false;
  }
  const now = await procStat(pid);
  if (now === undefined) return true;
  return now.state !== 'Z' && (started === undefined || started === now.started);
}

async function procStat(pid: number): Promise<{ state: string; started: string } | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // "pid (name) state ...": the name may hold anything, parentheses too. proc(5) numbers state 3, starttime 22.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', started: fields[19] ?? '' };
  } catch {
    return undefined;
  }
}
