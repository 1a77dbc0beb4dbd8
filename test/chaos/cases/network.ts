import type { Fault } from '../../support/faults.js';
import type { ChaosCase } from '../chaos-case.js';
import { breakerMs, disturb, figuresOf } from '../course.js';
import type { ClusterSettings } from '../cluster-settings.js';

/** What befalls all that one of 4 says and is told. */

function faulty(name: string, what: string, fault: Fault, settings: Partial<ClusterSettings> = {}): ChaosCase {
  return {
    name,
    what,
    settings,
    async run(cluster) {
      const course = await disturb(cluster, {
        victims: [3],
        begin: () => cluster.setFault(3, fault),
        end: () => cluster.setFault(3, undefined),
      });
      return [...figuresOf(course), { name: 'breakers open after', value: breakerMs(course), unit: 'ms' }];
    },
  };
}

export const refused = faulty('refused', 'connections to one of 4 are reset, and refused', { kind: 'refuse' });

export const blackHole = faulty('black-hole', 'packets to and from one of 4 vanish', { kind: 'blackHole' });

export const delayed = faulty('delayed', 'what one of 4 says takes 200 ms more', { kind: 'delay', ms: 200 });

export const reset = faulty('reset', 'three of ten pieces that one of 4 sends are cut by a reset', {
  kind: 'resetMidway',
  share: 0.3,
});

export const halfOpen = faulty('half-open', 'the connections of one of 4 are dead, and nobody is told', {
  kind: 'halfOpen',
});

export const garbage = faulty('garbage', 'what one of 4 sends is garbage', { kind: 'garbage' });

export const oversize = faulty(
  'oversize',
  'what one of 4 sends is a gigabyte long, where 256 KiB are allowed',
  { kind: 'oversize', bytes: 2 ** 30 },
  { pool: { maxResponseBytes: '256KiB' } },
);
