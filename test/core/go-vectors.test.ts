import { readFileSync } from 'node:fs';
import { HashRing, ringOptions, type RingHash } from '../../lib/core/index.js';
import { describe, expect, it } from 'vitest';

interface NamedRing {
  readonly name: string;
  readonly hash: 'crc32' | 'atoi';
  readonly replicas: number;
  readonly peers: string[];
  readonly keys: string[];
  readonly owners: number[];
}

interface RingVectors {
  readonly keys: string[];
  readonly rings: readonly { readonly peers: number; readonly replicas: number; readonly owners: number[] }[];
  readonly named: readonly NamedRing[];
}

const vectors = JSON.parse(readFileSync(new URL('../vectors/go-ring.json', import.meta.url), 'utf8')) as RingVectors;

const hashes: Readonly<Record<NamedRing['hash'], RingHash>> = {
  crc32: ringOptions('golang').hash,
  atoi: (text) => Number(text) >>> 0,
};

function ownersIn(ring: HashRing, keys: readonly string[]): number[] {
  return keys.map((key) => ring.peers.indexOf(ring.ownerOf(key)!));
}

describe("Go's consistenthash, by what it computed", () => {
  it('has vectors for 1 to 100 peers at several replica counts', () => {
    expect(new Set(vectors.rings.map((ring) => ring.peers)).size).toBe(100);
    expect(new Set(vectors.rings.map((ring) => ring.replicas)).size).toBeGreaterThan(3);
    expect(vectors.named.length).toBeGreaterThan(10);
  });

  it('has the same owner for every key in every ring of URLs', () => {
    for (const { peers, replicas, owners } of vectors.rings) {
      const urls = Array.from({ length: peers }, (_, index) => `http://10.0.0.${index + 1}:8080`);

      const ring = new HashRing(urls, { replicas });

      expect(ownersIn(ring, vectors.keys), `${peers} peers, ${replicas} replicas`).toEqual(owners);
    }
  });

  it.each(vectors.named.map((ring, index) => [`${ring.name} (${index})`, ring] as const))(
    'has the same owners: %s',
    (_name, { hash, replicas, peers, keys, owners }) => {
      const ring = new HashRing(peers, { replicas, hash: hashes[hash] });

      expect(ownersIn(ring, keys)).toEqual(owners);
    },
  );
});
