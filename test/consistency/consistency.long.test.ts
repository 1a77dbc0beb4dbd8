import { describe, expect, it } from 'vitest';
import { ClusterRun, runCluster } from './run.js';
import type { RunFaults, RunOptions, RunReport } from './run-options.js';

/*
 * What is promised of removals, checked on processes of the built package that are killed, stopped, cut off and told
 * different lists, while single messages between them are lost; from their history alone, by `history.ts`.
 */

/** Of the run with all faults; `npm run check:consistency` has a million. */
const operations = Number(process.env['CONSISTENCY_OPERATIONS'] ?? 60_000);

/** A seed is what a run is made of, but for the times at which things happen. */
const seed = Number(process.env['CONSISTENCY_SEED'] ?? Date.now() % 1_000_000);

const everything: Partial<RunOptions> = {
  width: 96,
  shares: { remove: 0.025, set: 0.005, tag: 0.004, clear: 0.0002 },
};

const some = { dropRate: 0.1, delayMs: 3, everyMs: 500 };
const many = { ...some, events: ['kill', 'dispute', 'cut', 'stop'] } satisfies RunFaults;

/** Prints what a run came to, so that a failed one can be run again. */
function print(what: string, { violations, ...report }: RunReport): void {
  console.log(`${what}: ${JSON.stringify({ violations: violations.length, ...report })}`);
  for (const violation of violations.slice(0, 5)) console.log(JSON.stringify(violation));
}

describe('a cluster of processes', () => {
  it.each(['one secret', 'no secret'] as const)(
    'keeps its promise under faults, with %s',
    { timeout: 120_000 + 5 * operations },
    async (kind) => {
      const share = kind === 'one secret' ? 0.6 : 0.4;
      const report = await runCluster({
        ...everything,
        seed,
        operations: Math.ceil(operations * share),
        peers: 4,
        auth: kind === 'one secret' ? { secret: 'sixteen bytes at least' } : 'none',
        faults: {
          dropRate: 0.2,
          delayMs: 3,
          everyMs: 400,
          events: ['stop', 'kill', 'depart', 'depart', 'dispute', 'dispute', 'leave', 'reset', 'reset', 'cut'],
        },
      });
      print(kind, report);

      expect(report.violations).toEqual([]);
      const least = Math.min(1_000, report.operations / 500);
      // A short run has cold caches for more of its time: at its start, after each clear and each kill.
      expect(report.hits / report.gets).toBeGreaterThan(operations < 500_000 ? 0.4 : 0.5);
      expect(report.overlapping).toBeGreaterThan(least);
      expect(report.lagging).toBeGreaterThan(least);
      expect(report.disputed).toBeGreaterThan(least);
      expect(report.dropped).toBeGreaterThan(least);
      expect(report.moved).toBeGreaterThan(least);
      // A peer that has missed something finds out by the next question, or when it is repeated, once it can be reached.
      expect(report.convergence!.p50).toBeLessThan(500);
    },
  );

  it.each<[what: string, options: Partial<RunOptions>, hasHappened: (report: RunReport) => boolean]>([
    [
      'where peers have missed what nobody remembers',
      { faults: { ...some, events: ['overflow', 'reset'] } },
      ({ overflows }) => overflows > 0,
    ],
    [
      'where next to nothing fits into memory',
      { cacheBytes: '32KiB', faults: { ...some, events: ['reset', 'stop'] } },
      ({ evictions }) => evictions > 1_000,
    ],
    ['with clients', { peers: 3, clients: 2, faults: many }, ({ lagging }) => lagging > 10],
    ['with a peer without links', { linkless: 1, faults: many }, ({ lagging }) => lagging > 10],
    ['without links', { linkless: 4, faults: many }, ({ lagging }) => lagging > 10],
    [
      'with all of that at once',
      { clients: 1, linkless: 1, cacheBytes: '64KiB', faults: { ...many, events: [...many.events, 'overflow'] } },
      ({ evictions }) => evictions > 100,
    ],
  ])('keeps its promise %s', { timeout: 120_000 + 5 * operations }, async (what, options, hasHappened) => {
    const report = await runCluster({
      ...everything,
      seed,
      operations: Math.ceil(operations / 5),
      peers: 4,
      ...options,
    });
    print(what, report);

    expect(report.violations).toEqual([]);
    expect(report).toSatisfy(hasHappened);
  });

  it('loads nothing but what has been removed', async () => {
    const run = new ClusterRun({ seed, operations: 0, peers: 4, keys: 200 });
    try {
      await run.start();
      await run.readAll();
      expect(await run.readAll()).toBe(0);

      await run.removeOne('k7');

      expect(await run.readAll()).toBe(1);
    } finally {
      await run.close();
    }
  });

  it('loads at most half as much again where three messages of ten are lost', async () => {
    // Without clears: each makes all keys be loaded again, and how many there are is a matter of chance.
    const options = { ...everything, shares: { ...everything.shares, clear: 0 }, seed, operations: 20_000, peers: 4 };
    const undisturbed = await runCluster(options);
    const disturbed = await runCluster({ ...options, faults: { dropRate: 0.3 } });
    print('undisturbed', undisturbed);
    print('three of ten lost', disturbed);

    expect([...undisturbed.violations, ...disturbed.violations]).toEqual([]);
    expect(disturbed.dropped).toBeGreaterThan(100);
    expect(disturbed.loads).toBeLessThan(1.5 * undisturbed.loads);
  });
});

describe('the check', () => {
  const faults: RunFaults = { dropRate: 0.1 };
  const needed: Readonly<Record<string, RunFaults>> = {
    unknownKept: { events: ['overflow'] },
    handedUnchecked: { dropRate: 0.9, everyMs: 100, events: ['depart'] },
  };

  it.each([
    ['untold', { remove: 0.03 }],
    ['supersededKept', { remove: 0.03 }],
    ['notSuperseded', { remove: 0.03 }],
    ['gapIgnored', { remove: 0.03 }],
    ['answersBehind', { remove: 0.03 }],
    ['unknownKept', { remove: 0.03 }],
    ['notDoubted', { tag: 0.06 }],
    ['handedUnchecked', { remove: 0.1 }],
  ] as const)('finds what is wrong with %s', async (mutant, shares) => {
    const report = await runCluster({
      seed,
      // What they need happens now and then.
      operations: mutant in needed ? 40_000 : 12_000,
      peers: 4,
      width: 96,
      shares,
      faults: needed[mutant] ?? faults,
      mutant,
    });
    console.log(`${mutant}: ${report.violations.length} violations`);

    expect(report.violations.length).toBeGreaterThan(0);
  });

  it('finds what is wrong where the owner is told first, then everyone, as far as that works', async () => {
    const report = await runCluster({ seed, operations: 12_000, peers: 4, width: 96, isRival: true });
    console.log(`owner first: ${report.violations.length} violations`);

    expect(report.violations.length).toBeGreaterThan(0);
  });
});
