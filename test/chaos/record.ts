import type { Figure } from './chaos-case.js';
import type { PeerReport } from './peer-process.js';

/** A get of a peer. */
export interface Get {
  readonly peer: number;
  readonly intendedMs: number;
  readonly latencyMs: number;
  readonly key: string;
  readonly code: string | 0;
}

export interface Load {
  readonly peer: number;
  readonly key: string;
  readonly atMs: number;
}

export interface HealthEvent {
  /** Who says it. */
  readonly peer: number;
  readonly name: 'peerFailing' | 'peerRecovered';
  /** Of whom. */
  readonly about: string;
  readonly atMs: number;
}

/** A time by `nowMs`, from its beginning up to its end. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** All that has happened in a cluster. */
export class Record {
  readonly gets: Get[] = [];
  readonly loads: Load[] = [];
  readonly events: HealthEvent[] = [];

  add(peer: number, { gets, loads, events }: PeerReport): void {
    for (const [intendedMs, latencyMs, key, code] of gets) {
      this.gets.push({ peer, intendedMs, latencyMs, key, code });
    }
    for (const [key, atMs] of loads) this.loads.push({ peer, key, atMs });
    for (const [name, about, atMs] of events) this.events.push({ peer, name, about, atMs });
  }

  /** Gets meant to begin in a time, of peers other than those of `but`. */
  getsIn({ fromMs, toMs }: Span, but: readonly number[] = []): Get[] {
    return this.gets.filter(({ peer, intendedMs }) => intendedMs >= fromMs && intendedMs < toMs && !but.includes(peer));
  }

  loadsIn({ fromMs, toMs }: Span): Load[] {
    return this.loads.filter(({ atMs }) => atMs >= fromMs && atMs < toMs);
  }
}

export interface Latencies {
  readonly count: number;
  readonly errors: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Milliseconds of what was answered and of what failed alike. */
export function latenciesOf(gets: readonly Get[]): Latencies {
  const sorted = Float64Array.from(gets, ({ latencyMs }) => latencyMs).toSorted();
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  const errors = gets.filter(({ code }) => code !== 0).length;
  return { count: gets.length, errors, p50: at(0.5), p99: at(0.99), max: at(1) };
}

/** As figures of a case. */
export function latencyFigures(gets: readonly Get[]): Figure[] {
  const { count, errors, p50, p99, max } = latenciesOf(gets);
  return [
    { name: 'gets', value: count, unit: '' },
    { name: 'errors', value: errors, unit: '' },
    { name: 'error rate', value: (100 * errors) / Math.max(1, count), unit: '%' },
    { name: 'p50', value: p50, unit: 'ms' },
    { name: 'p99', value: p99, unit: 'ms' },
    { name: 'longest', value: max, unit: 'ms' },
  ];
}

/** How often each key has been loaded. */
export function loadsByKey(loads: readonly Load[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { key } of loads) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}

/** Loads for each key that was loaded at all; 0 if none was. */
export function loadsAKey(loads: readonly Load[]): number {
  const keys = loadsByKey(loads).size;
  return keys === 0 ? 0 : loads.length / keys;
}
