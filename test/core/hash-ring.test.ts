import { createHash } from 'node:crypto';
import { HashRing, InvalidOptionError, ringOptions } from '../../lib/core/index.js';
import { describe, expect, it } from 'vitest';

const tenPeers = Array.from({ length: 10 }, (_, index) => `http://10.0.0.${index + 1}:3000`);

function uuid(n: number): string {
  return createHash('md5')
    .update(String(n))
    .digest('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

describe('HashRing', () => {
  it('TestHashing: gives a key to the first point at or after it, round the ring', () => {
    const hash = Number;
    const before = new HashRing(['6', '4', '2'], { replicas: 3, hash });
    const after = new HashRing(['6', '4', '2', '8'], { replicas: 3, hash });

    expect(['2', '11', '23', '27'].map((key) => before.ownerOf(key))).toEqual(['2', '2', '4', '2']);
    expect(['2', '11', '23', '27'].map((key) => after.ownerOf(key))).toEqual(['2', '2', '4', '8']);
  });

  it('TestConsistency: does not depend on the order of the peers, nor do direct matches on who else is there', () => {
    const one = new HashRing(['Bill', 'Bob', 'Bonny'], { replicas: 1 });
    const other = new HashRing(['Bob', 'Bonny', 'Bill'], { replicas: 1 });
    const larger = new HashRing(['Bob', 'Bonny', 'Bill', 'Becky', 'Ben', 'Bobby'], { replicas: 1 });

    expect(one.ownerOf('Ben')).toBe(other.ownerOf('Ben'));
    for (const key of ['Ben', 'Bob', 'Bonny']) expect(larger.ownerOf(key)).toBe(one.ownerOf(key));
  });

  it('is empty without peers, and then owns nothing', () => {
    const ring = new HashRing([]);

    expect(ring.isEmpty).toBe(true);
    expect(ring.ownerOf('key')).toBeUndefined();
    expect(ring.ownersOf('key', 3)).toEqual([]);
    expect(new HashRing(['a']).isEmpty).toBe(false);
  });

  it('is immutable: the list that it was made from may change', () => {
    const peers = ['a', 'b'];
    const ring = new HashRing(peers);

    peers.push('c');

    expect(ring.peers).toEqual(['a', 'b']);
    expect(Object.isFrozen(ring.peers)).toBe(true);
    expect(ring.replicas).toBe(50);
  });

  it('gives a tied point to the peer listed last, as Go does', () => {
    expect(new HashRing(['a', 'b'], { replicas: 3, hash: () => 7 }).ownerOf('key')).toBe('b');
    expect(new HashRing(['b', 'a'], { replicas: 3, hash: () => 7 }).ownerOf('key')).toBe('a');
  });

  it('reads hashes as unsigned, also those of a function that gives signed ones', () => {
    // Once placed points by the unsigned value and looked them up by the signed one.
    const unsigned = new HashRing(['5', '3000000000'], { replicas: 1, hash: (text) => Number(text) >>> 0 });
    const signed = new HashRing(['5', '3000000000'], { replicas: 1, hash: (text) => Number(text) | 0 });

    for (const key of ['0', '6', '2999999999', '3000000000', '3000000001', '4000000000']) {
      expect(signed.ownerOf(key)).toBe(unsigned.ownerOf(key));
    }
    expect(signed.ownerOf('3000000001')).toBe('5');
  });

  it('lists distinct owners round the ring, the owner first', () => {
    const ring = new HashRing(tenPeers);

    for (const key of ['a', 'b', 'c', 'd']) {
      const owners = ring.ownersOf(key, 10);

      expect(owners[0]).toBe(ring.ownerOf(key));
      expect([...owners].toSorted()).toEqual([...tenPeers].toSorted());
      expect(ring.ownersOf(key, 3)).toEqual(owners.slice(0, 3));
      expect(ring.ownersOf(key, 99)).toEqual(owners);
      expect(ring.ownersOf(key, 0)).toEqual([]);
    }
  });

  it('names as second owner who would own the key if the first were not there', () => {
    const ring = new HashRing(tenPeers);

    for (let n = 0; n < 200; n++) {
      const [first, second] = ring.ownersOf(`key-${n}`, 2);
      const without = new HashRing(tenPeers.filter((peer) => peer !== first));

      expect(without.ownerOf(`key-${n}`)).toBe(second);
    }
  });

  it('lists a peer once that was given twice', () => {
    expect([...new HashRing(['a', 'b', 'a']).ownersOf('key', 3)].toSorted()).toEqual(['a', 'b']);
  });

  it('moves only the keys of a peer that leaves', () => {
    const before = new HashRing(tenPeers);
    const after = new HashRing(tenPeers.slice(1));

    for (let n = 0; n < 1000; n++) {
      const owner = before.ownerOf(`key-${n}`);
      if (owner !== tenPeers[0]) expect(after.ownerOf(`key-${n}`)).toBe(owner);
    }
  });

  it('finds what a search from the start finds, at 1,000 peers and at one point', () => {
    for (const [peers, replicas] of [
      [Array.from({ length: 1000 }, (_, index) => `peer-${index}`), 50],
      [['only'], 1],
      [tenPeers, 7],
    ] as const) {
      const { hash } = ringOptions('golang');
      const points = peers
        .flatMap((peer) => Array.from({ length: replicas }, (_, index) => ({ at: hash(`${index}${peer}`), peer })))
        .toSorted((left, right) => left.at - right.at);
      const ring = new HashRing(peers, { replicas });

      for (let n = 0; n < 200; n++) {
        const keyAt = hash(`key-${n}`);
        const at = (points.find((point) => point.at >= keyAt) ?? points[0]!).at;
        expect(ring.ownerOf(`key-${n}`)).toBe(points.findLast((point) => point.at === at)?.peer);
      }
    }
  });

  it('takes more peers than 16 bits count', () => {
    const ring = new HashRing(
      Array.from({ length: 70_000 }, (_, index) => String(index)),
      { replicas: 1, hash: (text) => Number(text.slice(-5)) },
    );

    // "0" before "69999" makes 069999.
    expect(ring.ownerOf('69999')).toBe('69999');
  });

  it.each([0, -1, 1.5, Number.NaN])('refuses %d replicas', (replicas) => {
    expect(() => new HashRing(['a'], { replicas })).toThrow(InvalidOptionError);
  });

  it('refuses more points than it can place', () => {
    expect(() => new HashRing(['a', 'b'], { replicas: 2 ** 20 + 1 })).toThrow(
      '2 peers would have more than 2^21 points',
    );
  });

  describe('balanced', () => {
    it.each<[string, (n: number) => string]>([
      ['sequential', (n) => String(n)],
      ['zero-padded', (n) => String(n).padStart(12, '0')],
      ['prefixed', (n) => `tenant:7:user:${n}`],
      ['uuid', uuid],
      ['JSON', (n) => `["user",${n}]`],
    ])('gives the busiest of 10 peers at most 1.10 of the mean of %s keys', (_what, keyOf) => {
      const keys = 100_000;
      const ring = new HashRing(tenPeers, ringOptions('balanced'));
      const load = new Map<string, number>();

      for (let n = 0; n < keys; n++) {
        const owner = ring.ownerOf(keyOf(n))!;
        load.set(owner, (load.get(owner) ?? 0) + 1);
      }

      expect(Math.max(...load.values()) / (keys / 10)).toBeLessThanOrEqual(1.1);
      expect(Math.min(...load.values()) / (keys / 10)).toBeGreaterThanOrEqual(0.9);
    });

    it('takes 1,000 peers', () => {
      const ring = new HashRing(
        Array.from({ length: 1000 }, (_, index) => `peer-${index}`),
        ringOptions('balanced'),
      );

      expect(ring.ownerOf('key')).toMatch(/^peer-\d+$/);
    });
  });
});
