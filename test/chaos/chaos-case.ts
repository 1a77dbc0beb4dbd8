import { Cluster } from './cluster.js';
import type { ClusterSettings } from './cluster-settings.js';

/** What a case has come to, in one number. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: 'ms' | 's' | 'x' | '%' | 'MB' | '';
}

/** One thing that goes wrong. To add one, write one of these and list it in `cases/index.ts`; its bars are in `bars.ts`. */
export interface ChaosCase {
  /** By which it is chosen. */
  readonly name: string;
  /** For a reader of the table. */
  readonly what: string;
  /** Where they are not the usual ones. */
  readonly settings?: Partial<ClusterSettings> | ((isShort: boolean) => Partial<ClusterSettings>);
  /** Whether nothing is to be learned from doing as Go does. */
  readonly hasNoControl?: boolean;
  /** After so long it has failed. Default two minutes. */
  readonly limitMs?: number;
  /** Is given a cluster that has been started and knows no key. */
  run(cluster: Cluster): Promise<readonly Figure[]>;
}

export interface RunOptions {
  readonly isControl?: boolean;
  readonly isShort?: boolean;
  readonly seed?: number;
}

const LIMIT_MS = 120_000;

/** Runs a case on a cluster of its own. */
export async function runCase(
  { name, settings = {}, limitMs = LIMIT_MS, run }: ChaosCase,
  { isControl = false, isShort = false, seed = 1 }: RunOptions = {},
): Promise<readonly Figure[]> {
  const own = typeof settings === 'function' ? settings(isShort) : settings;
  const cluster = new Cluster({ ...own, isControl, isShort, seed });
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${name} was not over within ${limitMs} ms`)), limitMs);
  });
  try {
    await Promise.race([cluster.start(), over]);
    return await Promise.race([run(cluster), over]);
  } finally {
    clearTimeout(timer);
    await cluster.close();
  }
}
