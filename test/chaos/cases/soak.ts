import { setTimeout as pause } from 'node:timers/promises';
import type { ChaosCase } from '../chaos-case.js';
import type { Cluster } from '../cluster.js';
import { nowMs, type Usage } from '../peer-process.js';
import { latencyFigures } from '../record.js';

const TENTHS = 10;

const sumOf = (usages: readonly Usage[], figure: 'heapBytes' | 'handles'): number =>
  usages.reduce((sum, usage) => sum + usage[figure], 0);

/** Connections that nobody uses are closed after 4 to 5 s. */
const IDLE_MS = 6_000;

/** Handles once nobody asks and idle connections have been closed. */
async function handlesAtRest(cluster: Cluster): Promise<number> {
  await cluster.rest();
  await pause(IDLE_MS);
  return sumOf(await cluster.usage(), 'handles');
}

export const soak: ChaosCase = {
  name: 'soak',
  what: 'traffic for three minutes (`CHAOS_SOAK_S` for longer), all keys known, while the connections of a peer are reset twice in each tenth; heap without what is cached',
  settings: { keys: 10_000 },
  limitMs: 60_000 + 2_000 * Number(process.env['CHAOS_SOAK_S'] ?? 180),
  async run(cluster) {
    const seconds = cluster.settings.isShort ? 15 : Number(process.env['CHAOS_SOAK_S'] ?? 180);
    const tenthMs = (1_000 * seconds) / TENTHS;
    await cluster.warm();
    await cluster.drive();
    await pause(2_000);
    const handlesBefore = await handlesAtRest(cluster);
    const fromMs = nowMs();
    await cluster.drive();
    const heaps: number[] = [];
    for (let tenth = 0; tenth < TENTHS; tenth++) {
      for (let half = 0; half < 2; half++) {
        cluster.reset(tenth % cluster.members.length);
        await pause(tenthMs / 2);
      }
      heaps.push(sumOf(await cluster.usage(), 'heapBytes') / 1e6);
    }
    const toMs = nowMs();
    const handlesAfter = await handlesAtRest(cluster);
    return [
      ...latencyFigures(cluster.record.getsIn({ fromMs, toMs })),
      { name: 'handles before', value: handlesBefore, unit: '' },
      { name: 'handles left over', value: Math.max(0, handlesAfter - handlesBefore), unit: '' },
      { name: 'heap of the first tenth', value: heaps[0]!, unit: 'MB' },
      { name: 'heap of the last tenth, of the first', value: heaps.at(-1)! / heaps[0]!, unit: 'x' },
    ];
  },
};
