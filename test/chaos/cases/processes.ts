import type { ChaosCase } from '../chaos-case.js';
import { beyondAnAttempt, breakerMs, disturb, figuresOf, loadsAKeyOfVictims, type Disturbance } from '../course.js';

/** Peers that end, or stand still. */

function killed(name: string, what: string, victims: readonly number[]): ChaosCase {
  return {
    name,
    what,
    async run(cluster) {
      const course = await disturb(cluster, {
        victims,
        begin: () => Promise.all(victims.map((peer) => cluster.kill(peer))),
        end: () => Promise.all(victims.map((peer) => cluster.restart(peer))),
      });
      return [
        ...figuresOf(course),
        { name: 'loads a key of the victims’', value: loadsAKeyOfVictims(course), unit: 'x' },
        { name: 'breakers open after', value: breakerMs(course), unit: 'ms' },
      ];
    },
  };
}

export const oneKilled = killed('killed', 'one of 4 is killed (SIGKILL) under load, and comes back', [3]);

export const twoKilled = killed('two-killed', 'two of 4 are killed at once, and come back', [2, 3]);

function still(name: string, what: string, disturbance: Omit<Disturbance, 'victims'>): ChaosCase {
  return {
    name,
    what,
    async run(cluster) {
      const course = await disturb(cluster, { victims: [3], ...disturbance });
      return [
        ...figuresOf(course),
        beyondAnAttempt(course),
        { name: 'breakers open after', value: breakerMs(course), unit: 'ms' },
      ];
    },
  };
}

export const stopped = still('stopped', 'one of 4 is stopped (SIGSTOP), and goes on (SIGCONT)', {
  begin: async (cluster) => cluster.process(3).signal('SIGSTOP'),
  end: async (cluster) => cluster.process(3).signal('SIGCONT'),
});

export const blocked = still('blocked', 'the event loop of one of 4 is blocked for 2 s', {
  begin: (cluster) => cluster.process(3).call('block', 2_000),
  lastsMs: 2_000,
});

export const descriptors: ChaosCase = {
  ...still('descriptors', 'the connections of one of 4 are reset, and it has no file descriptor left for others', {
    async begin(cluster) {
      cluster.reset(3);
      await cluster.process(3).call('exhaust');
    },
    end: (cluster) => cluster.process(3).call('release'),
  }),
  settings: { maxDescriptors: 512 },
};

export const clock = still('clock', 'the wall clock of one of 4 is an hour wrong, and its connections are reset', {
  async begin(cluster) {
    await cluster.process(3).call('skew', 3_600_000);
    cluster.reset(3);
  },
  end: (cluster) => cluster.process(3).call('skew', 0),
});

export const wrongSecret = still(
  'wrong-secret',
  'one of 4 comes back with another secret, and then with the right one',
  {
    async begin(cluster) {
      await cluster.kill(3);
      await cluster.restart(3, { pool: { ...cluster.settings.pool, auth: { secret: 'another secret than theirs' } } });
    },
    async end(cluster) {
      await cluster.kill(3);
      await cluster.restart(3);
    },
  },
);
