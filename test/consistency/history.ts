/**
 * What has happened to one group in a cluster, as it was seen from outside, and whether that keeps the promise:
 *
 * a get that begins at a peer after that peer has confirmed a removal does not come to a value whose load began before the
 * removal was called; and no process runs more than two loads of a key at a time.
 *
 * All times are of one clock. A peer is one process: whoever starts under the same URL is another one.
 */
export interface History {
  readonly loads: readonly LoadRecord[];
  readonly gets: readonly GetRecord[];
  readonly removals: readonly RemovalRecord[];
  /** The tag of a key, which it always has. */
  readonly tagOf: (key: string) => string;
}

export interface LoadRecord {
  /** What it has come to, and nothing else has. */
  readonly value: string;
  readonly key: string;
  readonly peer: string;
  readonly start: number;
  /** Absent: not known. */
  readonly end?: number;
  /** Whether it has found that there is no value. */
  readonly isNothing?: boolean;
}

export interface GetRecord {
  readonly key: string;
  readonly peer: string;
  readonly start: number;
  readonly end?: number;
  /** `null`: nothing. Absent: it has failed, or nobody knows. */
  readonly value?: string | null;
}

/** A removal; or a set, which is one of whatever was there before. */
export interface RemovalRecord {
  readonly kind: 'key' | 'tag' | 'all' | 'set';
  /** The key or tag. */
  readonly subject: string;
  /** Who has confirmed, the caller among them once it has ended. */
  readonly acknowledged: readonly string[];
  readonly start: number;
  /** Absent: nobody knows whether and when it has happened. */
  readonly end?: number;
  /** Of a set: what nothing else has come to. */
  readonly value?: string;
  /** Of a set: whether it is known to have been carried out as one. */
  readonly isStored?: boolean;
}

export type Violation =
  | {
      readonly kind: 'stale';
      readonly get: GetRecord;
      /** When the value can have come about at the latest, and the removal's time. */
      readonly bornBy: number;
      readonly removedAt: number;
    }
  | { readonly kind: 'third load'; readonly load: LoadRecord };

export function findViolations(history: History): Violation[] {
  return [...staleGets(history), ...thirdLoads(history.loads)];
}

/** At a peer: up to when removals that it has confirmed were called, by subject. */
type Floors = Map<string, number>;

function staleGets({ loads, gets, removals, tagOf }: History): Violation[] {
  const born = bornBy(loads, removals);
  const confirmed = removals
    .filter((removal): removal is RemovalRecord & { end: number } => removal.end !== undefined)
    .toSorted((one, other) => one.end - other.end);
  const floors = new Map<string, Floors>();
  const violations: Violation[] = [];
  let next = 0;
  for (const get of gets.toSorted((one, other) => one.start - other.start)) {
    for (; next < confirmed.length && confirmed[next]!.end < get.start; next++) raise(floors, confirmed[next]!);
    const own = floors.get(get.peer);
    if (get.value === undefined || own === undefined) continue;
    const subjects = [`key ${get.key}`, 'all'];
    // Nothing has no tags.
    if (get.value !== null) subjects.push(`tag ${tagOf(get.key)}`);
    const removedAt = Math.max(...subjects.map((subject) => own.get(subject) ?? Number.NEGATIVE_INFINITY));
    const bornAt =
      (get.value === null ? nothingFoundBy(get, loads) : born.get(get.value)?.(get)) ?? Number.NEGATIVE_INFINITY;
    if (bornAt < removedAt) violations.push({ kind: 'stale', get, bornBy: bornAt, removedAt });
  }
  return violations;
}

/** When the load began, at the latest, that can have found nothing for `get`. */
function nothingFoundBy({ key, end = Number.POSITIVE_INFINITY }: GetRecord, loads: readonly LoadRecord[]): number {
  const found = loads.filter((load) => load.isNothing === true && load.key === key && load.start < end);
  return Math.max(Number.NEGATIVE_INFINITY, ...found.map(({ start }) => start));
}

function raise(floors: Map<string, Floors>, { kind, subject, start, acknowledged }: RemovalRecord): void {
  const name = kind === 'all' ? 'all' : kind === 'tag' ? `tag ${subject}` : `key ${subject}`;
  for (const peer of acknowledged) {
    let own = floors.get(peer);
    if (own === undefined) floors.set(peer, (own = new Map()));
    own.set(name, Math.max(own.get(name) ?? start, start));
  }
}

/**
 * For each value, the time at which it can have come about at the latest, for a get: that of a set, which the owner may have
 * put after any removal that was called before it ended. One that was carried out as a removal may have been put before that,
 * but is not there any more where that has been confirmed.
 */
function bornBy(
  loads: readonly LoadRecord[],
  removals: readonly RemovalRecord[],
): Map<string, (get: GetRecord) => number> {
  const born = new Map(loads.map(({ value, start }) => [value, (_get: GetRecord) => start]));
  for (const { value, isStored, start, end = Number.POSITIVE_INFINITY, acknowledged } of removals) {
    if (value === undefined) continue;
    const isGone = (get: GetRecord): boolean => get.start > end && acknowledged.includes(get.peer);
    if (isStored === false) born.set(value, (get) => (isGone(get) ? start - 1 : Number.POSITIVE_INFINITY));
    else born.set(value, () => end);
  }
  return born;
}

function thirdLoads(loads: readonly LoadRecord[]): Violation[] {
  const running = new Map<string, number[]>();
  const violations: Violation[] = [];
  for (const load of loads.toSorted((one, other) => one.start - other.start)) {
    // How long one runs whose end is not known is not known either.
    if (load.end === undefined) continue;
    const place = `${load.peer} ${load.key}`;
    const others = (running.get(place) ?? []).filter((end) => end > load.start);
    if (others.length >= 2) violations.push({ kind: 'third load', load });
    running.set(place, [...others, load.end]);
  }
  return violations;
}
