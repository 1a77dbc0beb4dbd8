import { describe, expect, it } from 'vitest';
import { demoReport } from '../../sample-app/cluster/demo-report.js';
import type { LoadResult } from '../../sample-app/cluster/load.js';
import type { PeerStats } from '../../sample-app/stats/peer-stats.js';

const seen = new Set(['7', '8', '9']);
const stats: PeerStats = {
  requests: 4,
  gets: 6,
  mainHits: 1,
  hotHits: 2,
  peerLoads: 2,
  peerErrors: 0,
  localLoads: 3,
};
const once = [
  { key: '7', reads: 1 },
  { key: '8', reads: 1 },
  { key: '9', reads: 1 },
];

function loaded(...errors: string[]): LoadResult {
  return { errors, writes: 1, oldValues: 0, seen, latencies: Float64Array.of(1, 2, 3, 1234.56) };
}

/** The figures of a report's table, as they stand there. */
function figures(table: string): Record<string, string | undefined> {
  return Object.fromEntries(table.split('\n').map((row) => row.split(/ {2,}/)));
}

describe('demoReport', () => {
  it('finds no fault when nothing failed and each key was read once', () => {
    const report = demoReport(loaded(), once, 3, stats);

    expect(report.faults).toEqual([]);
    expect(figures(report.table)).toEqual({
      requests: '4',
      'of these changes': '1',
      errors: '0',
      'old values after an acknowledged eviction': '0',
      'distinct keys and versions asked': '3',
      'SQL reads (counted by the database)': '3',
      'keys and versions read exactly once': '3',
      'hits, main cache': '1',
      'hits, hot cache': '2',
      'loads from peers': '2',
      'p50 (ms)': '3.0',
      'p99 (ms)': '1,234.6',
    });
  });

  it('finds a key that was read twice', () => {
    const reads = [once[0]!, { key: '8', reads: 2 }, once[2]!];

    const report = demoReport(loaded(), reads, 4, stats);

    expect(report.faults).toEqual([
      '1 versions were read more than once',
      '4 statements for 2 versions that were read once',
    ]);
    expect(figures(report.table)).toMatchObject({
      'distinct keys and versions asked': '3',
      'keys and versions read exactly once': '2',
    });
  });

  it('is not deceived by a key read twice that makes up for one never read', () => {
    const reads = [once[0]!, { key: '8', reads: 2 }];

    const { faults } = demoReport(loaded(), reads, 3, stats);

    expect(faults).toEqual([
      '1 versions were read more than once',
      '1 versions were never read',
      '3 statements for 1 versions that were read once',
    ]);
  });

  it('finds a key that was read and not asked for', () => {
    const reads = [once[0]!, once[1]!, { key: '10', reads: 1 }];

    const { faults } = demoReport(loaded(), reads, 3, stats);

    expect(faults).toEqual([
      '1 versions were read that nobody was answered with',
      '1 versions were never read',
      '3 statements for 2 versions that were read once',
    ]);
  });

  it('finds a statement that no key accounts for', () => {
    const { faults } = demoReport(loaded(), once, 4, stats);

    expect(faults).toEqual(['4 statements for 3 versions that were read once']);
  });

  it('finds answers that were old after the change had been acknowledged', () => {
    const report = demoReport({ ...loaded(), oldValues: 2 }, once, 3, stats);

    expect(report.faults).toEqual(['2 answers were old after an acknowledged eviction']);
    expect(figures(report.table)).toMatchObject({ 'old values after an acknowledged eviction': '2' });
  });

  it('counts requests that failed, and quotes the first', () => {
    const report = demoReport(loaded('city 8 was answered 500', 'connect ECONNREFUSED'), once, 3, stats);

    expect(report.faults).toEqual(['2 requests failed, the first with: city 8 was answered 500']);
    expect(figures(report.table)['errors']).toBe('2');
  });
});
