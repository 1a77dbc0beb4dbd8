import type { ChaosCase, Figure } from '../chaos-case.js';
import type { Cluster } from '../cluster.js';
import type { ClusterSettings } from '../cluster-settings.js';
import { nowMs } from '../peer-process.js';
import { latencyFigures } from '../record.js';

/** All peers are replaced, one after the other, by a new process: first at new URLs, then at those. */

const VALUE_BYTES = 1_000;

/** What an entry takes beside its value: its key, and what a group counts for it. */
const BESIDE_VALUE_BYTES = 256;

function keysOf(isShort: boolean): number {
  return isShort ? 8_000 : 100_000;
}

/** Of one peer of four, for memory of `times` what all keys need. */
function settings(times: number): (isShort: boolean) => Partial<ClusterSettings> {
  return (isShort) => {
    const keys = keysOf(isShort);
    const cacheBytes = Math.ceil((times * keys * (VALUE_BYTES + BESIDE_VALUE_BYTES)) / 4);
    // Shares of Go's ring differ by half as much again: four of them do not fit into half of the memory.
    const pool = { ring: 'balanced' } as const;
    return { pool, keys, warmKeys: keys, valueBytes: VALUE_BYTES, rate: 200, sourceMs: 1, group: { cacheBytes } };
  };
}

/** Loads of what all keys read once more need. */
interface Rolled {
  /** By step. */
  readonly steps: readonly number[];
  readonly longestGoodbyeMs: number;
}

/** A process at a new URL takes a peer's place before that leaves. */
async function replace(cluster: Cluster, peer: number): Promise<number> {
  const newcomer = await cluster.addUrl();
  await cluster.startPeer(newcomer);
  await cluster.tellAll([...cluster.members, newcomer]);
  await cluster.drive();
  await cluster.ready(newcomer);
  const goodbye = cluster.leave(peer);
  await cluster.tellAll(cluster.members.filter((member) => member !== peer));
  return goodbye;
}

async function restart(cluster: Cluster, peer: number): Promise<number> {
  const goodbyeMs = await cluster.leave(peer);
  await cluster.restart(peer);
  await cluster.drive();
  await cluster.ready(peer);
  return goodbyeMs;
}

async function roll(cluster: Cluster, step: typeof replace): Promise<Rolled> {
  const steps: number[] = [];
  let longestGoodbyeMs = 0;
  for (const peer of cluster.members) {
    const before = cluster.record.loads.length;
    longestGoodbyeMs = Math.max(longestGoodbyeMs, await step(cluster, peer));
    await readAll(cluster);
    steps.push(cluster.record.loads.length - before);
  }
  return { steps, longestGoodbyeMs };
}

async function readAll(cluster: Cluster): Promise<void> {
  const errors = await cluster.readAll();
  if (errors > 0) throw new Error(`${errors} of the keys could not be read`);
}

async function rollTwice(
  cluster: Cluster,
): Promise<{ renamed: Rolled; same: Rolled; undisturbed: number; figures: Figure[] }> {
  await cluster.warm();
  const before = cluster.record.loads.length;
  await cluster.readAll();
  const undisturbed = cluster.record.loads.length - before;
  const fromMs = nowMs();
  await cluster.drive();
  const renamed = await roll(cluster, replace);
  const same = await roll(cluster, restart);
  await cluster.rest();
  const figures: Figure[] = [
    ...latencyFigures(cluster.record.getsIn({ fromMs, toMs: nowMs() })),
    { name: 'longest goodbye, new URLs', value: renamed.longestGoodbyeMs, unit: 'ms' },
    { name: 'longest goodbye, same URLs', value: same.longestGoodbyeMs, unit: 'ms' },
  ];
  return { renamed, same, undisturbed, figures };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

/** Of all four steps, in percent of the keys. */
function shareOfKeys(name: string, { steps }: Rolled, keys: number): Figure[] {
  return [
    { name, value: (100 * sum(steps)) / keys, unit: '%' },
    { name: `${name}, worst step`, value: (100 * Math.max(...steps)) / keys, unit: '%' },
  ];
}

export const rolling: ChaosCase = {
  name: 'rolling',
  what: '100,000 keys of 1 KB, memory for twice as many; all 4 peers are replaced in turn, at new URLs and then at the same ones, and all keys read after each step; loads of all steps, in % of the keys',
  settings: settings(2),
  limitMs: 420_000,
  async run(cluster) {
    const { renamed, same, figures } = await rollTwice(cluster);
    const { keys } = cluster.settings;
    return [
      ...shareOfKeys('loads under new URLs', renamed, keys),
      ...shareOfKeys('loads under the same URLs', same, keys),
      ...figures,
    ];
  },
};

export const rollingSmall: ChaosCase = {
  name: 'rolling-small',
  what: 'the same with memory for half of the keys; loads beyond those of reading all keys where nothing happens, in % of the gets',
  settings: settings(0.5),
  limitMs: 420_000,
  async run(cluster) {
    const { renamed, same, undisturbed, figures } = await rollTwice(cluster);
    const { keys } = cluster.settings;
    const more = ({ steps }: Rolled): number =>
      (100 * (sum(steps) - steps.length * undisturbed)) / (steps.length * keys);
    return [
      { name: 'more loads under new URLs', value: more(renamed), unit: '%' },
      { name: 'more loads under the same URLs', value: more(same), unit: '%' },
      { name: 'loads where nothing happens', value: (100 * undisturbed) / keys, unit: '%' },
      ...figures,
    ];
  },
};
