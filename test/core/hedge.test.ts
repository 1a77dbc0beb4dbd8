import { ByteView, Group, InvalidationLog, textCodec, type PeerReply, type PeerRequest } from 'nestjs-groupcache/core';
import { ManualClock } from 'nestjs-groupcache/testing';
import { describe, expect, it } from 'vitest';
import { Hedge } from '../../lib/core/hedge.js';

const reactions = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const valueOf = (text: string): PeerReply => ({ outcome: 'value', value: ByteView.from(text), minuteQps: 0 });

/** Answers in `ms`, so many times. */
function answers(hedge: Hedge, clock: ManualClock, ms: number, count: number): number {
  let late = 0;
  for (let number = 0; number < count; number++) {
    const answered = hedge.watch('owner', () => late++);
    clock.advance(ms);
    answered(true);
  }
  return late;
}

describe('Hedge', () => {
  it('says that a question takes long once it has taken longer than 19 of 20 answers', () => {
    const clock = new ManualClock();
    const hedge = new Hedge(clock);
    const lateOnes = answers(hedge, clock, 10, 1_000);
    answers(hedge, clock, 1, 60);
    let late = 0;
    hedge.watch('owner', () => late++);

    expect(lateOnes).toBeLessThan(1_000 / 15);
    clock.advance(5);
    expect(late).toBe(0);
    clock.advance(45);
    expect(late).toBe(1);
  });

  it('says nothing before there are 20 answers', () => {
    const clock = new ManualClock();
    const hedge = new Hedge(clock);
    answers(hedge, clock, 1, 19);
    let late = 0;
    hedge.watch('owner', () => late++);
    clock.advance(1_000);

    expect(late).toBe(0);
  });

  it('says so for one question in 20, and of those saved up for ten more', () => {
    const clock = new ManualClock();
    const hedge = new Hedge(clock);
    answers(hedge, clock, 1, 1_000);
    let late = 0;
    for (let number = 0; number < 400; number++) hedge.watch('owner', () => late++);
    clock.advance(1_000);

    expect(late).toBeLessThanOrEqual(10 + 400 / 20);
    expect(late).toBeGreaterThanOrEqual(10);
  });
});

interface Asked {
  readonly request: PeerRequest;
  answer(reply: PeerReply): void;
  fail(error: Error): void;
}

/** A group whose keys another peer owns, which has answered 20 times within a millisecond; the next one may have copies. */
async function createGroup(hedge: boolean) {
  const clock = new ManualClock();
  const invalidations = new InvalidationLog('this one');
  const owner: Asked[] = [];
  const next: Asked[] = [];
  const client = (url: string, asked: Asked[]) => ({
    url,
    get: (request: PeerRequest) =>
      new Promise<PeerReply>((answer, fail) => {
        asked.push({ request, answer, fail });
        request.signal.addEventListener('abort', () => fail(request.signal.reason as Error));
      }),
  });
  const [ownerClient, nextClient] = [client('http://owner', owner), client('http://next', next)];
  const group = new Group<string>('prices', () => Promise.reject(new Error('not here')), {
    codec: textCodec,
    clock,
    hedge,
    peers: { pickPeer: () => ownerClient, pickSubstitute: () => nextClient, invalidations },
    promote: () => true,
  });
  for (let number = 0; number < 20; number++) {
    const getting = group.get(`warm ${number}`);
    owner.at(-1)!.answer(valueOf('warm'));
    await getting;
  }
  return { group, clock, owner, next };
}

describe('Group.get with hedge', () => {
  it('takes what the next peer holds where the owner takes long, and calls the owner off', async () => {
    const { group, clock, owner, next } = await createGroup(true);
    const getting = group.get('ACME');
    clock.advance(5);
    expect(next.map(({ request }) => [request.key, request.isPeek])).toEqual([['ACME', true]]);

    next[0]!.answer(valueOf('41'));

    expect(await getting).toBe('41');
    expect(owner.at(-1)!.request.signal.aborted).toBe(true);
    expect(group.stats).toMatchObject({ hedges: 1, hedgeHits: 1, peerErrors: 0, localLoads: 0 });
  });

  it('waits for the owner where the next peer holds nothing', async () => {
    const { group, clock, owner, next } = await createGroup(true);
    const getting = group.get('ACME');
    clock.advance(5);
    next[0]!.fail(new Error('not held'));
    await reactions();

    owner.at(-1)!.answer(valueOf('42'));

    expect(await getting).toBe('42');
    expect(group.stats).toMatchObject({ hedges: 1, hedgeHits: 0, peerErrors: 0 });
  });

  it('keeps nothing of what has been removed meanwhile', async () => {
    const { group, clock, next } = await createGroup(true);
    const getting = group.get('ACME');
    clock.advance(5);
    await group.remove('ACME');

    next[0]!.answer(valueOf('old'));

    expect(await getting).toBe('old');
    expect(group.peek('ACME')).toBeUndefined();
  });

  it('asks nobody else without the option', async () => {
    const { group, clock, owner, next } = await createGroup(false);
    const getting = group.get('ACME');
    clock.advance(5_000);
    owner.at(-1)!.answer(valueOf('42'));

    expect(await getting).toBe('42');
    expect(next).toEqual([]);
  });
});
