import { availableParallelism } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { ATTEMPT_TIMEOUT_MS } from './bars.js';
import type { Figure } from './chaos-case.js';
import type { Cluster } from './cluster.js';
import { nowMs } from './peer-process.js';
import { latenciesOf, loadsAKey, type Get, type Latencies, type Span } from './record.js';

/** What goes wrong, and what ends it. */
export interface Disturbance {
  /** Peers whose own callers are counted apart. */
  readonly victims: readonly number[];
  begin(cluster: Cluster): Promise<unknown>;
  end?(cluster: Cluster): Promise<unknown>;
  /** How long it lasts. Default 8 s, and 3 s where there is little time. */
  readonly lastsMs?: number;
  /** Of the keys that are asked for once it has begun. Default the same as before. */
  readonly prefix?: string;
}

/** A run that is disturbed: when what was, and what is asked of its record. */
export interface Course {
  readonly cluster: Cluster;
  readonly victims: readonly number[];
  /** Before anything is wrong. */
  readonly before: Span;
  /** From the disturbance's beginning. */
  readonly during: Span;
  /** From its end. */
  readonly after: Span;
  /** Of all cores, in the time before. */
  readonly cpuShare: number;
}

/** Drives a warm cluster, before, while and after it is disturbed. */
export async function disturb(cluster: Cluster, disturbance: Disturbance): Promise<Course> {
  const { isShort } = cluster.settings;
  const { victims, begin, end, lastsMs = isShort ? 3_000 : 8_000, prefix } = disturbance;
  await cluster.warm();
  await cluster.drive();
  await pause(isShort ? 1_000 : 2_000);
  const [before, cpuShare] = await timed(cluster, isShort ? 2_000 : 5_000);
  if (prefix !== undefined) await cluster.drive(prefix);
  const beganMs = nowMs();
  await begin(cluster);
  await pause(Math.max(0, beganMs + lastsMs - nowMs()));
  const endedMs = nowMs();
  await end?.(cluster);
  await pause(isShort ? 2_500 : 6_000);
  const overMs = nowMs();
  await cluster.rest();
  const during = { fromMs: beganMs, toMs: endedMs };
  return { cluster, victims, before, during, after: { fromMs: endedMs, toMs: overMs }, cpuShare };
}

async function timed(cluster: Cluster, ms: number): Promise<[Span, number]> {
  const cpuBeforeMs = await cluster.cpuMs();
  const fromMs = nowMs();
  await pause(ms);
  const toMs = nowMs();
  const cpuShare = ((await cluster.cpuMs()) - cpuBeforeMs) / (toMs - fromMs) / availableParallelism();
  return [{ fromMs, toMs }, cpuShare];
}

/** What every disturbed run prints. */
export function figuresOf(course: Course): Figure[] {
  const { cluster, victims, before, during, after } = course;
  const { record } = cluster;
  const disturbed = { fromMs: during.fromMs, toMs: after.toMs };
  const usual = latenciesOf(record.getsIn(before, victims));
  const all = latenciesOf(record.getsIn(disturbed, victims));
  const firstSecond = { fromMs: during.fromMs, toMs: during.fromMs + 1_000 };
  const later = { ...disturbed, fromMs: firstSecond.toMs };
  const own = record.getsIn(disturbed).filter(({ peer }) => victims.includes(peer));
  return [
    { name: 'gets', value: all.count, unit: '' },
    { name: 'errors', value: all.errors, unit: '' },
    { name: 'error rate', value: (100 * all.errors) / Math.max(1, all.count), unit: '%' },
    ...(victims.length === 0
      ? []
      : [{ name: 'errors of victims’ own callers', value: latenciesOf(own).errors, unit: '' as const }]),
    { name: 'p50 before', value: usual.p50, unit: 'ms' },
    { name: 'p99 before', value: usual.p99, unit: 'ms' },
    { name: 'p50', value: all.p50, unit: 'ms' },
    { name: 'p99', value: all.p99, unit: 'ms' },
    { name: 'longest', value: all.max, unit: 'ms' },
    { name: 'p99 of the first second', value: latenciesOf(record.getsIn(firstSecond, victims)).p99, unit: 'ms' },
    { name: 'p99 of the first second, of before', value: ratio(course, firstSecond, usual), unit: 'x' },
    { name: 'p99 then, of before', value: ratio(course, later, usual), unit: 'x' },
    { name: 'loads, of undisturbed', value: loadsOfUndisturbed(course), unit: 'x' },
    { name: 'time to recover', value: recoveryMs(course, usual) / 1_000, unit: 's' },
    { name: 'breakers open', value: breakersOpen(course).length, unit: '' },
    { name: 'CPU before', value: 100 * course.cpuShare, unit: '%' },
  ];
}

/** The 99th percentile of the first second without the time of one attempt at a peer that does not answer. */
export function beyondAnAttempt({ cluster, victims, before, during }: Course): Figure {
  const { record } = cluster;
  const first = latenciesOf(record.getsIn({ fromMs: during.fromMs, toMs: during.fromMs + 1_000 }, victims));
  const usual = latenciesOf(record.getsIn(before, victims));
  const value = Math.max(0, first.p99 - ATTEMPT_TIMEOUT_MS) / usual.p99;
  return { name: 'p99 of the first second, beyond an attempt', value, unit: 'x' };
}

/** Loads for each key of the victims' that was known before and had to be loaded since. */
export function loadsAKeyOfVictims({ cluster, victims, during, after }: Course): number {
  const { record } = cluster;
  const ownerOf = cluster.ownerOf();
  const known = new Set(record.loads.filter(({ atMs }) => atMs < during.fromMs).map(({ key }) => key));
  const again = record.loadsIn({ fromMs: during.fromMs, toMs: after.toMs });
  return loadsAKey(again.filter(({ key }) => known.has(key) && victims.includes(ownerOf(key))));
}

/**
 * Milliseconds until every peer that could has found out about every victim: endless if one has not. What a peer had found
 * out before does not count.
 */
export function breakerMs(course: Course): number {
  const { cluster, victims, during } = course;
  const others = cluster.members.filter((peer) => !victims.includes(peer));
  const found = others.flatMap((peer) =>
    victims.map((victim) => {
      const opened = breakersOpen(course).find((event) => event.peer === peer && event.about === cluster.urlOf(victim));
      return opened === undefined ? Number.POSITIVE_INFINITY : opened.atMs - during.fromMs;
    }),
  );
  return Math.max(...found);
}

function breakersOpen({ cluster, victims, during, after }: Course): typeof cluster.record.events {
  return cluster.record.events.filter(
    ({ name, peer, atMs }) =>
      name === 'peerFailing' && atMs >= during.fromMs && atMs < after.toMs && !victims.includes(peer),
  );
}

function ratio({ cluster, victims }: Course, span: Span, usual: Latencies): number {
  return latenciesOf(cluster.record.getsIn(span, victims)).p99 / usual.p99;
}

/** Loads since it began, of what the same gets would have loaded had nothing been wrong: one for each key not known before. */
function loadsOfUndisturbed({ cluster, during }: Course): number {
  const { record } = cluster;
  const known = new Set(record.loads.filter(({ atMs }) => atMs < during.fromMs).map(({ key }) => key));
  const asked = new Set(record.getsIn({ fromMs: during.fromMs, toMs: Number.POSITIVE_INFINITY }).map(({ key }) => key));
  const cold = [...asked].filter((key) => !known.has(key)).length;
  return record.loadsIn({ fromMs: during.fromMs, toMs: Number.POSITIVE_INFINITY }).length / Math.max(1, cold);
}

const WINDOW_MS = 500;

/** From the beginning to the end of the last half-second with an error, or a p99 over 1.5 times what it was and 10 ms. */
function recoveryMs({ cluster, victims, during, after }: Course, usual: Latencies): number {
  let recoveredMs = 0;
  for (let fromMs = during.fromMs; fromMs + WINDOW_MS <= after.toMs; fromMs += WINDOW_MS) {
    const gets: Get[] = cluster.record.getsIn({ fromMs, toMs: fromMs + WINDOW_MS }, victims);
    const { errors, p99 } = latenciesOf(gets);
    if (errors > 0 || p99 > Math.max(1.5 * usual.p99, 10)) recoveredMs = fromMs + WINDOW_MS - during.fromMs;
  }
  return recoveredMs;
}
