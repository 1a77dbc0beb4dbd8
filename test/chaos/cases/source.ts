import type { ChaosCase } from '../chaos-case.js';
import type { SourceBehaviour } from '../peer-process.js';
import { disturb, figuresOf } from '../course.js';
import type { ClusterSettings } from '../cluster-settings.js';

/** Nobody knows any key, and the source does what it likes. */

function source(
  name: string,
  what: string,
  how: SourceBehaviour,
  lastsMs: number,
  settings: Partial<ClusterSettings> = {},
): ChaosCase {
  return {
    name,
    what,
    settings,
    async run(cluster) {
      const course = await disturb(cluster, {
        victims: [],
        begin: () => cluster.setSource(how),
        end: () => cluster.setSource({ kind: 'well', ms: cluster.settings.sourceMs }),
        lastsMs,
        prefix: 'other',
      });
      return figuresOf(course);
    },
  };
}

/** With the default time for a load, since it would not be a hanging source but a failing one otherwise. */
export const sourceHangs = source('source-hangs', 'the source hangs for 10 s', { kind: 'hanging', ms: 5 }, 10_000, {
  group: { loadTimeout: '30s' },
});

export const sourceFails = source('source-fails', 'the source fails', { kind: 'failing', ms: 5 }, 3_000);

export const sourceSlow = source(
  'source-slow',
  'the source takes 2 s for each key',
  { kind: 'well', ms: 2_000 },
  4_000,
);
