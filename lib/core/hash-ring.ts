import { crc32 } from './crc32.js';
import { InvalidOptionError } from './errors.js';
import { mixedHash } from './mixed-hash.js';

/** A hash of a string to a 32-bit number, read as unsigned. Must be the same function at every peer. */
export type RingHash = (text: string) => number;

export interface HashRingOptions {
  /** Points a peer has on the ring, 1 or more. Default 50, as Go's HTTPPool. */
  readonly replicas?: number;
  /** Default CRC-32 (IEEE), as Go's. */
  readonly hash?: RingHash;
}

/**
 * The two kinds of ring that a cluster can agree on: `golang` is Go's own, which Go peers need; `balanced` gives each
 * of our own peers a share within a few percent of the others', where CRC-32 gives some half as much again.
 */
export type RingKind = 'golang' | 'balanced';

/** What `new HashRing` takes for a ring of `kind`. */
export function ringOptions(kind: RingKind): Required<HashRingOptions> {
  return kind === 'golang' ? { replicas: 50, hash: crc32 } : { replicas: 2048, hash: mixedHash };
}

/** A point's order and hash share one double, so that points sort natively. */
const MAX_POINTS = 2 ** 21;

/**
 * Which peer owns which key: Go's `consistenthash.Map`, immutable.
 *
 * A peer has `replicas` points, at the hashes of `"0" + peer`, `"1" + peer`, ...; a key belongs to the peer of the first
 * point at or after the key's hash, round the ring. Where two peers share a point, the one listed last has it.
 */
export class HashRing {
  readonly peers: readonly string[];
  readonly replicas: number;
  readonly #hash: RingHash;
  /** Hashes of the points, ascending, without duplicates. */
  readonly #points: Uint32Array;
  /** The peer of each point, as an index into `peers`. */
  readonly #owners: Uint16Array | Uint32Array;
  /** For each of the hash space's equal buckets, the first point in it or after it. */
  readonly #bucketStarts: Uint32Array;
  readonly #bucketShift: number;

  /** Throws an `InvalidOptionError` if `replicas` is not a positive integer or the ring would pass 2^21 points. */
  constructor(peers: readonly string[], options: HashRingOptions = {}) {
    const { replicas = 50, hash = crc32 } = options;
    if (!Number.isInteger(replicas) || replicas < 1) {
      throw new InvalidOptionError('replicas', replicas, 'expected a whole number of 1 or more');
    }
    if (peers.length * replicas > MAX_POINTS) {
      throw new InvalidOptionError('replicas', replicas, `${peers.length} peers would have more than 2^21 points`);
    }
    this.peers = Object.freeze([...peers]);
    this.replicas = replicas;
    this.#hash = hash;
    ({ points: this.#points, owners: this.#owners } = placePoints(this.peers, replicas, hash));
    const bucketBits = Math.max(4, Math.ceil(Math.log2(this.#points.length + 1)));
    this.#bucketShift = 32 - bucketBits;
    this.#bucketStarts = indexBuckets(this.#points, bucketBits);
  }

  get isEmpty(): boolean {
    return this.peers.length === 0;
  }

  /** The peer that owns `key`; `undefined` if there are no peers. Allocates nothing. */
  ownerOf(key: string): string | undefined {
    return this.peers.length === 0 ? undefined : this.peers[this.#owners[this.#pointAfter(this.#hash(key))]!];
  }

  /**
   * Up to `count` distinct peers in the order in which they would own `key`: the owner, who would own it if the owner
   * were not there, and so on round the ring.
   */
  ownersOf(key: string, count: number): string[] {
    const found = new Set<string>();
    const length = this.#points.length;
    const wanted = Math.min(count, this.peers.length);
    if (wanted <= 0) return [];
    const first = this.#pointAfter(this.#hash(key));
    for (let step = 0; step < length && found.size < wanted; step++) {
      found.add(this.peers[this.#owners[(first + step) % length]!]!);
    }
    return [...found];
  }

  /** Index of the first point whose hash is at least `hash`; past the last one, the first. */
  #pointAfter(signedHash: number): number {
    const points = this.#points;
    const hash = signedHash >>> 0;
    let index = this.#bucketStarts[hash >>> this.#bucketShift]!;
    while (index < points.length && points[index]! < hash) index++;
    return index === points.length ? 0 : index;
  }
}

function placePoints(
  peers: readonly string[],
  replicas: number,
  hash: RingHash,
): { points: Uint32Array; owners: Uint16Array | Uint32Array } {
  const total = peers.length * replicas;
  const sorted = new Float64Array(total);
  for (let order = 0; order < total; order++) {
    const peer = peers[Math.floor(order / replicas)]!;
    sorted[order] = (hash(String(order % replicas) + peer) >>> 0) * MAX_POINTS + order;
  }
  sorted.sort();

  const points = new Uint32Array(total);
  const owners = peers.length <= 0xffff ? new Uint16Array(total) : new Uint32Array(total);
  let count = 0;
  for (const entry of sorted) {
    const point = Math.floor(entry / MAX_POINTS);
    const order = entry % MAX_POINTS;
    if (count > 0 && points[count - 1] === point) count--; // added later: has the point
    points[count] = point;
    owners[count] = Math.floor(order / replicas);
    count++;
  }
  return { points: points.subarray(0, count), owners: owners.subarray(0, count) };
}

function indexBuckets(points: Uint32Array, bits: number): Uint32Array {
  const starts = new Uint32Array(2 ** bits);
  let index = 0;
  for (let bucket = 0; bucket < starts.length; bucket++) {
    const low = bucket * 2 ** (32 - bits);
    while (index < points.length && points[index]! < low) index++;
    starts[bucket] = index;
  }
  return starts;
}
