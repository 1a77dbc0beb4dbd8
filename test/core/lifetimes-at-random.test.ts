import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Group, promoteAlways, textCodec, type GroupOptions, type PeerClient } from '../../lib/core/index.js';
import { ManualClock } from '../../lib/testing/manual-clock.js';
import { reactions } from './deferred.js';

const TTL_MS = 10_000;
const keys = ['a', 'b', 'c'];

const settings = fc.record({
  staleWhileRevalidate: fc.constantFrom(0, 5_000),
  staleIfError: fc.constantFrom(0, 20_000),
  softTimeout: fc.constantFrom(0, 1_000),
  negativeTtl: fc.constantFrom(0, 2_000),
  refreshAhead: fc.constantFrom(0.5, 1),
  cacheBytes: fc.constantFrom(600, 100_000),
  eviction: fc.constantFrom('lru' as const, 'tinylfu' as const),
});

/** What a getter does when it is run. */
const answer = fc.record({ outcome: fc.constantFrom('value', 'absent', 'failure'), isHeldOpen: fc.boolean() });

const step = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constant('get' as const), fc.nat(1), fc.constantFrom(...keys), fc.boolean()) },
  { weight: 3, arbitrary: fc.tuple(fc.constant('advance' as const), fc.integer({ min: 1, max: 6_000 })) },
  { weight: 3, arbitrary: fc.tuple(fc.constant('settle' as const)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('cut or mend' as const)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('drop' as const), fc.nat(1)) },
);

/** An owner and one who asks it, whose getters answer as `answers` say, over and over. */
function createPair(options: GroupOptions<string>, answers: { outcome: string; isHeldOpen: boolean }[]) {
  const clock = new ManualClock();
  const loadedMs = new Map<string, number>();
  const open: (() => void)[] = [];
  let isCut = false;
  let [runs, values] = [0, 0];
  const load = (key: string, outcome: string): string | undefined => {
    if (outcome === 'failure') throw new Error('down');
    if (outcome === 'absent') return undefined;
    const value = `${key} ${values++}`;
    loadedMs.set(value, clock.now());
    return value;
  };
  const getter = (key: string): string | undefined | Promise<string | undefined> => {
    const { outcome, isHeldOpen } = answers[runs++ % answers.length]!;
    if (!isHeldOpen) return load(key, outcome);
    return new Promise<void>((resolve) => open.push(resolve)).then(() => load(key, outcome));
  };
  const all = { codec: textCodec, clock, ttl: TTL_MS, loadTimeout: '3s', promote: promoteAlways, ...options } as const;
  const owner = new Group<string>('prices', getter, all);
  const client: PeerClient = {
    url: 'http://10.0.0.2:3000',
    get: ({ key, signal }) => (isCut ? Promise.reject(new Error('gone')) : owner.serve(key, { signal })),
  };
  const asker = new Group<string>('prices', getter, { ...all, peers: { pickPeer: () => client } });
  return { clock, groups: [owner, asker] as const, loadedMs, open, cutOrMend: () => void (isCut = !isCut) };
}

describe('lifetimes, whatever happens', () => {
  it('serve nothing that is older than it may be, keep the sums of the counters, and leave nothing behind', async () => {
    await fc.assert(
      fc.asyncProperty(
        settings,
        fc.array(answer, { minLength: 1, maxLength: 8 }),
        fc.array(step, { minLength: 60, maxLength: 120 }),
        async ({ softTimeout, ...options }, answers, steps) => {
          const { staleIfError, staleWhileRevalidate } = options;
          const pair = createPair({ ...options, softTimeout: staleIfError === 0 ? 0 : softTimeout }, answers);
          const { clock, groups, loadedMs, open } = pair;
          const oldestMs = TTL_MS + Math.max(staleIfError, staleWhileRevalidate);
          const gets: Promise<void>[] = [];
          const served: { key: string; value: string; ageMs: number }[] = [];
          for (const [kind, ...args] of steps) {
            if (kind === 'get') {
              const [group, key, isLeft] = args as [number, string, boolean];
              const caller = new AbortController();
              const askedMs = clock.now();
              const get = groups[group]!.get(key, isLeft ? { signal: caller.signal } : undefined);
              gets.push(
                get.then(
                  (value) => {
                    if (value !== undefined) served.push({ key, value, ageMs: askedMs - loadedMs.get(value)! });
                  },
                  () => undefined,
                ),
              );
              await reactions();
              caller.abort();
            } else if (kind === 'advance') clock.advance(args[0] as number);
            else if (kind === 'settle') open.shift()?.();
            else if (kind === 'drop') groups[args[0] as number]!.dropMemory();
            else pair.cutOrMend();
            await reactions();
          }
          // Every load comes to its end, or to its deadline.
          for (let time = 0; time < 8; time++) {
            clock.advance(4_000);
            await reactions();
          }
          await Promise.all(gets);

          expect(served.filter(({ ageMs }) => ageMs >= oldestMs)).toEqual([]);
          expect(served.filter(({ key, value }) => !value.startsWith(`${key} `))).toEqual([]);
          for (const { stats } of groups) {
            expect(stats.gets).toBe(stats.cacheHits + stats.loads);
            expect(stats.loadsDeduped).toBeLessThanOrEqual(stats.loads + stats.refreshes);
            expect(stats.staleServed).toBeLessThanOrEqual(stats.gets);
          }
          expect(groups[0].stats.loadsDeduped).toBe(groups[0].stats.localLoads + groups[0].stats.localLoadErrs);
          // And the sweep takes what is left.
          clock.advance(90_000);
          expect(groups.map((group) => group.cacheStats('main').items + group.cacheStats('hot').items)).toEqual([0, 0]);
          expect(clock.pending).toBe(0);
        },
      ),
      { numRuns: 400 },
    );
  });
});
