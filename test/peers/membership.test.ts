import { HashRing } from 'nestjs-groupcache/core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FormerOwners, type FormerMember } from '../../lib/peers/former-owners.js';
import { Membership } from '../../lib/peers/membership.js';

const [A, B, C] = ['http://10.0.0.1', 'http://10.0.0.2', 'http://10.0.0.3'] as const;
const options = { replicas: 50 };
const keys = Array.from({ length: 500 }, (_, number) => `key ${number}`);

/** Another peer, as a test sees it. */
interface Peer extends FormerMember {
  url: string;
  isAway: boolean;
  isLinked: boolean;
  isLeaving: boolean;
  servingMs: number;
}

function peerAt(url: string, more: Partial<Peer> = {}): Peer {
  const peer: Peer = {
    url,
    isAway: false,
    isLinked: true,
    isLeaving: false,
    servingMs: Number.POSITIVE_INFINITY,
    takes: () => !peer.isAway,
    wasServingBefore: (timeMs) => peer.servingMs < timeMs,
    ...more,
  };
  return peer;
}

/** What `self` knows of all of `urls`; `peers` are the others. */
function membershipOf(urls: readonly string[], self: string | undefined, peers: readonly Peer[], own = true) {
  const clients = new Map(peers.filter(({ url }) => urls.includes(url)).map((peer) => [peer.url, peer]));
  return new Membership(urls, clients, self, { takes: () => own }, options);
}

const ring = new HashRing([A, B, C], options);
const without = (url: string): HashRing =>
  new HashRing(
    ring.peers.filter((peer) => peer !== url),
    options,
  );

const at = (timeMs: number): unknown => vi.spyOn(performance, 'now').mockReturnValue(timeMs);

afterEach(() => {
  vi.restoreAllMocks();
});

describe('Membership.pick', () => {
  it('is the owner of a key, and nobody for those of this process', () => {
    const members = membershipOf([A, B, C], A, [peerAt(B), peerAt(C)]);

    for (const key of keys) expect(members.pick(key)?.url ?? A).toBe(ring.ownerOf(key));
  });

  it('is for a key of a peer that is away who would own it without that one, and all agree on it', () => {
    const [a, b, c] = [peerAt(A), peerAt(B, { isAway: true }), peerAt(C)];
    const ofA = membershipOf([A, B, C], A, [b, c]);
    const ofC = membershipOf([A, B, C], C, [a, b]);

    for (const key of keys) {
      const [byA, byC] = [ofA.pick(key)?.url ?? A, ofC.pick(key)?.url ?? C];
      expect([byA, byC]).toEqual(Array(2).fill(without(B).ownerOf(key)));
    }
  });

  it('is the next one for what this process does not take of its own', () => {
    const members = membershipOf([A, B, C], A, [peerAt(B), peerAt(C)], false);

    for (const key of keys.filter((one) => ring.ownerOf(one) === A)) {
      expect(members.pick(key)?.url).toBe(without(A).ownerOf(key));
    }
  });

  it('is nobody where all others are away, so that this process loads', () => {
    const members = membershipOf([A, B, C], A, [peerAt(B, { isAway: true }), peerAt(C, { isAway: true })]);

    expect(keys.map((key) => members.pick(key))).toEqual(keys.map(() => undefined));
  });

  it('is a peer for a process that is not in the list', () => {
    const members = membershipOf([A, B], undefined, [peerAt(A, { isAway: true }), peerAt(B)]);

    for (const key of keys) expect(members.pick(key)?.url).toBe(B);
  });
});

describe('Membership.next', () => {
  it('leaves out those who have been passed', () => {
    const members = membershipOf([A, B, C], undefined, [peerAt(A), peerAt(B), peerAt(C)]);

    for (const key of keys) {
      const [first, second, third] = ring.ownersOf(key, 3) as [string, string, string];
      expect(members.next(key, [first])?.url).toBe(second);
      expect(members.next(key, [first, second])?.url).toBe(third);
      expect(members.next(key, [first, second, third])).toBeUndefined();
    }
  });
});

describe('FormerOwners.pick', () => {
  it('is nobody while nothing has changed', () => {
    const members = membershipOf([A, B], A, [peerAt(B)]);

    expect(keys.map((key) => new FormerOwners<Peer>(60_000).pick(key, members)[0])).toEqual(keys.map(() => undefined));
  });

  it('is the owner by the list before, until the time is over', () => {
    const [b, c] = [peerAt(B), peerAt(C)];
    const before = membershipOf([B, C], A, [b, c]);
    const now = membershipOf([A, B, C], A, [b, c]);
    const owners = new FormerOwners<Peer>(1_000);
    at(5_000);
    owners.listChanged(before);

    const mine = keys.filter((key) => ring.ownerOf(key) === A);
    at(6_000);
    for (const key of mine) expect(owners.pick(key, now)[0]?.url).toBe(before.ring.ownerOf(key));
    at(6_001);
    for (const key of mine) expect(owners.pick(key, now)[0]).toBeUndefined();
  });

  it('is not one that can not be asked', () => {
    const [b, c] = [peerAt(B, { isLinked: false }), peerAt(C, { isLinked: false })];
    const owners = new FormerOwners<Peer>(1_000);
    at(5_000);
    owners.listChanged(membershipOf([B, C], A, [b, c]));

    expect(keys.map((key) => owners.pick(key, membershipOf([A, B, C], A, [b, c]))[0])).toEqual(
      keys.map(() => undefined),
    );
  });

  it('is who stood for a process that has just come, if that one was serving before it', () => {
    const [b, c] = [peerAt(B, { servingMs: 3_999 }), peerAt(C, { servingMs: 4_000 })];
    const now = membershipOf([A, B, C], A, [b, c]);
    const owners = new FormerOwners<Peer>(1_000);
    at(5_000);
    owners.arrived(4_000);

    expect([owners.isSenior(b), owners.isSenior(c)]).toEqual([true, false]);
    for (const key of keys.filter((one) => ring.ownerOf(one) === A)) expect(owners.pick(key, now)[0]?.url).toBe(B);
  });

  it('is the owner that is leaving, for who takes its place', () => {
    const [b, c] = [peerAt(B, { isAway: true, isLeaving: true }), peerAt(C)];
    const owners = new FormerOwners<Peer>(1_000);
    at(5_000);
    owners.stir();

    for (const key of keys.filter((one) => ring.ownerOf(one) === B)) {
      expect(owners.pick(key, membershipOf([A, B, C], A, [b, c]))[0]?.url).toBe(B);
    }
  });

  it('is never anybody with a time of 0', () => {
    const owners = new FormerOwners<Peer>(0);
    at(5_000);
    owners.arrived(4_000);
    at(5_000.1);

    expect(owners.pick('key', membershipOf([A, B], A, [peerAt(B, { servingMs: 0 })]))[0]).toBeUndefined();
  });
});
