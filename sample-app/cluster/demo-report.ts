import type { KeyReads } from '../database/statement-counter.js';
import type { PeerStats } from '../stats/peer-stats.js';
import type { LoadResult } from './load.js';

/** What a demo run showed. */
export interface DemoReport {
  readonly table: string;
  /**
   * Why the run is not what it should be; empty when no request failed, each version of each key was read exactly once, and
   * no old one was seen after its change had been acknowledged.
   */
  readonly faults: readonly string[];
}

/** Compares what was answered with what the database wrote down, version by version of each key. */
export function demoReport(
  load: LoadResult,
  reads: readonly KeyReads[],
  statements: number,
  stats: PeerStats,
): DemoReport {
  const { errors, latencies, oldValues, seen, writes } = load;
  const readOnce = reads.filter((read) => seen.has(read.key) && read.reads === 1).length;
  const readOften = reads.filter((read) => read.reads > 1);
  const readUnasked = reads.filter((read) => !seen.has(read.key));
  const neverRead = seen.size - reads.length + readUnasked.length;

  const faults = [
    ...(errors.length > 0 ? [`${errors.length} requests failed, the first with: ${errors[0]}`] : []),
    ...(oldValues > 0 ? [`${oldValues} answers were old after an acknowledged eviction`] : []),
    ...(readOften.length > 0 ? [`${readOften.length} versions were read more than once`] : []),
    ...(readUnasked.length > 0 ? [`${readUnasked.length} versions were read that nobody was answered with`] : []),
    ...(neverRead > 0 ? [`${neverRead} versions were never read`] : []),
    ...(statements !== readOnce ? [`${statements} statements for ${readOnce} versions that were read once`] : []),
  ];
  const table = [
    row('requests', latencies.length),
    row('of these changes', writes),
    row('errors', errors.length),
    row('old values after an acknowledged eviction', oldValues),
    row('distinct keys and versions asked', seen.size),
    row('SQL reads (counted by the database)', statements),
    row('keys and versions read exactly once', readOnce),
    row('hits, main cache', stats.mainHits),
    row('hits, hot cache', stats.hotHits),
    row('loads from peers', stats.peerLoads),
    row('p50 (ms)', percentile(latencies, 0.5), 1),
    row('p99 (ms)', percentile(latencies, 0.99), 1),
  ].join('\n');
  return { table, faults };
}

function row(name: string, value: number, digits = 0): string {
  const figure = value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return `${name.padEnd(42)}${figure.padStart(12)}`;
}

/** Of numbers in ascending order. */
function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}
