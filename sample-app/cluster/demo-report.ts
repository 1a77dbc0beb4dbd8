import type { KeyReads } from '../database/statement-counter.js';
import type { PeerStats } from '../stats/peer-stats.js';
import type { LoadResult } from './load.js';

/** What a demo run showed. */
export interface DemoReport {
  readonly table: string;
  /** Why the run is not what it should be; empty when no request failed and each key was read exactly once. */
  readonly faults: readonly string[];
}

/** Compares what was asked with what the database wrote down, key by key. */
export function demoReport(
  asked: readonly number[],
  load: LoadResult,
  reads: readonly KeyReads[],
  statements: number,
  stats: PeerStats,
): DemoReport {
  const distinct = new Set(asked.map(String));
  const readOnce = reads.filter((read) => distinct.has(read.key) && read.reads === 1).length;
  const readOften = reads.filter((read) => read.reads > 1);
  const readUnasked = reads.filter((read) => !distinct.has(read.key));
  const neverRead = distinct.size - reads.length + readUnasked.length;

  const faults = [
    ...(load.errors.length > 0 ? [`${load.errors.length} requests failed, the first with: ${load.errors[0]}`] : []),
    ...(readOften.length > 0 ? [`${readOften.length} keys were read more than once`] : []),
    ...(readUnasked.length > 0 ? [`${readUnasked.length} keys were read that nobody asked for`] : []),
    ...(neverRead > 0 ? [`${neverRead} keys were never read`] : []),
    ...(statements !== readOnce ? [`${statements} statements for ${readOnce} keys that were read once`] : []),
  ];
  const table = [
    row('requests', asked.length),
    row('errors', load.errors.length),
    row('distinct keys asked', distinct.size),
    row('SQL statements (counted by the database)', statements),
    row('keys read exactly once', readOnce),
    row('hits, main cache', stats.mainHits),
    row('hits, hot cache', stats.hotHits),
    row('loads from peers', stats.peerLoads),
    row('p50 (ms)', percentile(load.latencies, 0.5), 1),
    row('p99 (ms)', percentile(load.latencies, 0.99), 1),
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
