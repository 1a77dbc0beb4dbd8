import { InvalidationLog, type Invalidation } from 'nestjs-groupcache/core';
import { describe, expect, it } from 'vitest';
import { frameTypes } from '../../../lib/peers/link/frames.js';
import { LinkInvalidations } from '../../../lib/peers/link/link-invalidations.js';

const removal = (subject: string): Invalidation => ({ group: 'prices', kind: 'key', subject });

interface End {
  readonly log: InvalidationLog;
  readonly link: LinkInvalidations;
  /** What this end has applied. */
  readonly applied: string[];
  /** Frames that this end has sent, by type. */
  readonly sent: number[];
}

interface Pair {
  readonly one: End;
  readonly other: End;
  /** Frames on their way are delivered, and what comes of them, until nothing is left. */
  deliver(loses?: (type: number) => boolean): void;
}

/** Both ends of a link between two processes, whose frames wait until they are delivered. */
function createPair(logs = [new InvalidationLog('one'), new InvalidationLog('other')] as const): Pair {
  const frames: { readonly to: End; readonly type: number; readonly id: number; readonly content: string }[] = [];
  const ends: End[] = logs.map((log, index) => {
    const sent: number[] = [];
    const applied: string[] = [];
    log.listen('prices', {
      onInvalidation: ({ subject }) => applied.push(subject),
      onUnknown: () => applied.push('everything'),
    });
    const write = (type: number, id: number, content: string): void => {
      sent.push(type);
      frames.push({ to: ends[1 - index]!, type, id, content });
    };
    const link = new LinkInvalidations({ log, write, onHeard: () => undefined });
    log.watch(() => link.logChanged());
    return { log, link, applied, sent };
  });
  const deliver: Pair['deliver'] = (loses = () => false) => {
    for (let frame = frames.shift(); frame !== undefined; frame = frames.shift()) {
      if (!loses(frame.type)) frame.to.link.read(frame.type, frame.id, frame.content);
    }
  };
  return { one: ends[0]!, other: ends[1]!, deliver };
}

describe('LinkInvalidations.mayBeOld', () => {
  const entry = { group: 'prices', key: 'ACME', tags: ['nyse'] };

  it.each<[string, Invalidation, boolean]>([
    ['its key', { group: 'prices', kind: 'key', subject: 'ACME' }, true],
    ['one of its tags', { group: 'prices', kind: 'tag', subject: 'nyse' }, true],
    ['everything', { group: 'prices', kind: 'all', subject: '' }, true],
    ['another key', { group: 'prices', kind: 'key', subject: 'OTHER' }, false],
    ['another tag', { group: 'prices', kind: 'tag', subject: 'ACME' }, false],
    ['the key of another group', { group: 'cities', kind: 'key', subject: 'ACME' }, false],
  ])('says whether the other side may hold what is gone here, by %s', (_what, invalidation, isOld) => {
    const { one, deliver } = createPair();

    one.log.append(invalidation);
    expect(one.link.mayBeOld(entry)).toBe(isOld);
    one.link.tell();
    deliver();

    // The other side has said that it has applied it.
    expect(one.link.mayBeOld(entry)).toBe(false);
  });

  it('counts what a third process has removed', () => {
    const { one } = createPair();

    one.log.receive('third', 1, [removal('ACME')]);

    expect(one.link.mayBeOld(entry)).toBe(true);
  });

  it('does not mind what the other side alone has applied', () => {
    const { one, other, deliver } = createPair();

    other.log.append(removal('ACME'));
    other.link.tell();
    deliver((type) => type === frameTypes.invalidations);

    expect(one.link.mayBeOld(entry)).toBe(false);
  });

  it('is true where what was removed is not remembered any more', () => {
    const { one } = createPair();

    one.log.giveUp('third', 3);

    expect(one.link.mayBeOld(entry)).toBe(true);
  });
});

describe('LinkInvalidations', () => {
  it('brings the other side what is invalidated here, and its confirmation back', () => {
    const { one, other, deliver } = createPair();

    one.log.append(removal('a'));
    one.log.append(removal('b'));
    one.link.tell();
    deliver();

    expect(other.applied).toEqual(['a', 'b']);
    expect(one.link.heardOf('one')).toBe(2);
    expect([one.link.isBehind, other.link.isBehind]).toEqual([false, false]);
    one.link.tell();
    one.link.repeat();
    deliver();
    expect(one.sent.filter((type) => type === frameTypes.invalidations)).toHaveLength(1);
  });

  it('brings what a third process has invalidated to who has missed it', () => {
    const { one, other, deliver } = createPair();
    one.log.receive('third', 1, [removal('a'), removal('b')]);

    one.link.tell();
    deliver();

    expect(other.applied).toEqual(['a', 'b']);
    expect(other.log.seqOf('third')).toBe(2);
    expect(one.link.heardOf('third')).toBe(2);
  });

  it('is behind from when it hears of something until it has it, and tells who waits', () => {
    const { one, other, deliver } = createPair();
    one.log.receive('third', 1, [removal('a')]);
    one.link.tell();
    let caughtUp = 0;
    deliver((type) => type === frameTypes.missing);
    expect(other.link.isBehind).toBe(true);
    const callOff = other.link.whenCaughtUp(() => (caughtUp += 100));
    other.link.whenCaughtUp(() => caughtUp++);
    callOff();

    // It comes from elsewhere.
    other.log.receive('third', 1, [removal('a')]);

    expect(other.link.isBehind).toBe(false);
    expect(caughtUp).toBe(1);
    other.link.whenCaughtUp(() => caughtUp++);
    expect(caughtUp).toBe(2);
  });

  it.each([frameTypes.invalidations, frameTypes.seen, frameTypes.missing])(
    'makes good for lost frames of type %d when it repeats',
    (lost) => {
      const { one, other, deliver } = createPair();
      one.log.append(removal('a'));
      one.link.tell();
      deliver((type) => type === lost);
      one.log.append(removal('b'));
      one.link.tell();
      deliver((type) => type === lost);

      for (let round = 0; round < 3; round++) {
        one.link.repeat();
        other.link.repeat();
        deliver();
      }

      expect(other.applied).toEqual(['a', 'b']);
      expect([one.link.heardOf('one'), other.link.isBehind]).toEqual([2, false]);
    },
  );

  it('has everything dropped by who has missed what nobody remembers', () => {
    const { one, other, deliver } = createPair();
    for (let count = 0; count < 10_000; count++) one.log.append(removal(`k${count}`));

    one.link.tell();
    deliver();

    expect(other.applied[0]).toBe('everything');
    expect(other.log.seqOf('one')).toBe(10_000);
    expect(other.link.isBehind).toBe(false);
  });

  it('brings a long backlog in several frames, none of them large', () => {
    const logs = [new InvalidationLog('one'), new InvalidationLog('other')] as const;
    for (let count = 0; count < 5_000; count++) logs[0].append(removal('k'.repeat(100) + count));
    // The link is younger than the backlog.
    const { one, other, deliver } = createPair(logs);

    one.link.tell();
    deliver();

    expect(other.applied).toHaveLength(5_000);
    expect(one.sent.filter((type) => type === frameTypes.invalidations).length).toBeGreaterThan(4);
  });

  it.each([
    [frameTypes.seen, '[]garbage'],
    [frameTypes.seen, 'null'],
    [frameTypes.seen, '{"third":-1}'],
    [frameTypes.seen, '{"third":"1"}'],
    [frameTypes.seen, '{"third":1.5}'],
    [frameTypes.missing, '7'],
    [frameTypes.invalidations, '{}'],
    [frameTypes.invalidations, 'null'],
    [frameTypes.invalidations, '{"origin":"third","from":1,"lines":[["key"]]}'],
    [frameTypes.invalidations, '{"origin":"third","from":1,"lines":[["drop","g","k"]]}'],
    [frameTypes.invalidations, '{"origin":"third","from":1,"lines":[null]}'],
  ])('refuses a frame of type %d that holds %s', (type, content) => {
    const { one } = createPair();

    expect(() => one.link.read(type, 0, content)).toThrow();
    expect(one.applied).toEqual([]);
    expect(one.log.position).toBe(0);
  });

  // Who forgot one of more origins than a log has asked for it, and forgot the next one by that, for ever.
  it('comes to rest where there have been more origins than a log remembers', () => {
    const { one, other, deliver } = createPair();
    for (let index = 1; index <= 1_500; index++) {
      one.log.receive(`boot ${index}`, 1, [removal('k')]);
      other.log.receive(`boot ${1_501 - index}`, 1, [removal('k')]);
    }

    for (const { link } of [one, other]) link.tell();
    deliver();
    for (const { link } of [one, other]) link.repeat();
    deliver();
    const sent = one.sent.length + other.sent.length;
    for (const { link } of [one, other]) link.repeat();

    expect([one.link.isBehind, other.link.isBehind]).toEqual([false, false]);
    expect(one.sent.length + other.sent.length).toBe(sent);
  });

  it('hears of further origins, however many there have been', () => {
    const { one } = createPair();
    const many = Array.from({ length: 5_000 }, (_, index) => [`boot ${index}`, 1] as const);
    one.link.read(frameTypes.seen, 0, JSON.stringify(Object.fromEntries(many)));

    one.link.read(frameTypes.seen, 0, JSON.stringify({ other: 7 }));
    one.link.read(frameTypes.seen, 0, JSON.stringify({ other: 8 }));

    expect(one.link.heardOf('other')).toBe(8);
  });
});
