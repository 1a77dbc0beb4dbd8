import type { ChaosCase } from '../chaos-case.js';
import { disturb, figuresOf } from '../course.js';
import { nowMs } from '../peer-process.js';
import { latencyFigures, loadsByKey } from '../record.js';

/** Who belongs to the cluster changes, or is not agreed upon. */

export const listsDiffer: ChaosCase = {
  name: 'lists-differ',
  what: 'two of 4 know of three peers, the other two of three others, for 20 s',
  async run(cluster) {
    const [one, two, three, four] = cluster.members as [number, number, number, number];
    const course = await disturb(cluster, {
      victims: [],
      async begin() {
        await Promise.all([one, two].map((peer) => cluster.tell(peer, [one, two, three])));
        await Promise.all([three, four].map((peer) => cluster.tell(peer, [two, three, four])));
      },
      end: () => cluster.tellAll(),
      lastsMs: cluster.settings.isShort ? 4_000 : 20_000,
    });
    const counts = loadsByKey(cluster.record.loads);
    return [...figuresOf(course), { name: 'most loads of a key', value: Math.max(...counts.values()), unit: '' }];
  },
};

export const scale: ChaosCase = {
  name: 'scale',
  what: '2 peers become 4 and 2 again, all keys are read after each step; loads in % of the keys',
  settings: { peers: 2, rate: 200, keys: 10_000 },
  async run(cluster) {
    await cluster.warm();
    const fromMs = nowMs();
    await cluster.drive();
    const loadsOf = async (change: () => Promise<unknown>): Promise<number> => {
      const before = cluster.record.loads.length;
      await change();
      const errors = await cluster.readAll();
      if (errors > 0) throw new Error(`${errors} of the keys could not be read`);
      return (100 * (cluster.record.loads.length - before)) / cluster.settings.warmKeys;
    };
    const newcomers: number[] = [];
    const grown = await loadsOf(async () => {
      for (let count = 0; count < 2; count++) newcomers.push(await cluster.addUrl());
      await Promise.all(newcomers.map((peer) => cluster.startPeer(peer)));
      await cluster.tellAll([...cluster.members, ...newcomers]);
      await cluster.drive();
    });
    const shrunk = await loadsOf(async () => {
      for (const peer of newcomers) {
        const goodbye = cluster.leave(peer);
        await cluster.tellAll(cluster.members.filter((member) => member !== peer));
        await goodbye;
      }
    });
    await cluster.rest();
    return [
      { name: 'loads, 2 to 4', value: grown, unit: '%' },
      { name: 'loads, 4 to 2', value: shrunk, unit: '%' },
      ...latencyFigures(cluster.record.getsIn({ fromMs, toMs: nowMs() })),
    ];
  },
};
