import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { setTimeout as pause } from 'node:timers/promises';
import type { ChaosCase } from '../chaos-case.js';
import type { Cluster } from '../cluster.js';
import { disturb, figuresOf } from '../course.js';
import { nowMs } from '../peer-process.js';
import { latenciesOf } from '../record.js';

/** A second, to one of the peers, past its proxy. */
const RATE = 1_000;

/** Sends `count` hostile requests from a process of its own: how many were answered with a value. */
async function attack(cluster: Cluster, count: number): Promise<number> {
  const script = fileURLToPath(new URL('../fixtures/attacker.mjs', import.meta.url));
  const attacker = fork(script, [JSON.stringify({ port: cluster.process(3).port, rate: RATE, count })]);
  const [served] = (await once(attacker, 'message')) as [number];
  if (attacker.exitCode === null) await once(attacker, 'exit');
  return served;
}

const heapOf = async (cluster: Cluster): Promise<number> =>
  (await cluster.usage()).reduce((sum, { heapBytes }) => sum + heapBytes, 0) / 1e6;

export const hostile: ChaosCase = {
  name: 'hostile',
  what: '100,000 hostile requests (unsigned, malformed, endless, half-sent, of wrong methods, groups and upgrades) at 1,000/s to one of 4; heap without what is cached',
  limitMs: 300_000,
  async run(cluster) {
    const { isShort } = cluster.settings;
    const count = isShort ? 5_000 : 100_000;
    let served = 0;
    let heapBeforeMb = 0;
    const attacked = { fromMs: 0, toMs: 0 };
    const course = await disturb(cluster, {
      victims: [],
      async begin() {
        heapBeforeMb = await heapOf(cluster);
        // What waits for the collection is not the attack's fault.
        await pause(500);
        attacked.fromMs = nowMs();
        served = await attack(cluster, count);
        attacked.toMs = nowMs();
      },
    });
    const { record } = cluster;
    const usual = latenciesOf(record.getsIn(course.before)).p99;
    const heapMb = await heapOf(cluster);
    const ended = cluster.members.filter((peer) => cluster.process(peer).hasEnded).length;
    return [
      ...figuresOf(course),
      {
        name: 'p99 of honest traffic, of before',
        value: latenciesOf(record.getsIn(attacked)).p99 / usual,
        unit: 'x',
      },
      { name: 'processes that ended', value: ended, unit: '' },
      { name: 'hostile requests served', value: served, unit: '' },
      { name: 'heap before', value: heapBeforeMb, unit: 'MB' },
      { name: 'heap grown by', value: 100 * (heapMb / heapBeforeMb - 1), unit: '%' },
    ];
  },
};
