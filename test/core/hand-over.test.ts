import { describe, expect, it, vi } from 'vitest';
import { handOver } from '../../lib/core/hand-over.js';
import { Group, type PeerClient, type PeerEntry, type PeerPicker } from '../../lib/core/index.js';
import { ManualClock } from '../../lib/testing/manual-clock.js';
import { deferred } from './deferred.js';

const valueOf = (key: string): string => `value of ${key}`.slice(0, 9);

/** A group of a process that owns all keys; values have 11 bytes, keys one. */
function createGroup(name = 'prices'): Group<unknown> {
  return new Group<unknown>(name, valueOf, { clock: new ManualClock() });
}

/** Somebody who takes what `takes` says, and what has come to him. */
function heir(takes: (entry: PeerEntry) => Promise<boolean> = () => Promise.resolve(true)) {
  const entries: string[] = [];
  const client: PeerClient = {
    url: 'http://10.0.0.2:3000',
    get: () => Promise.reject(new Error('was asked')),
    takeOver: (entry) => {
      entries.push(`${entry.group} ${entry.key}`);
      return takes(entry);
    },
  };
  const peers: PeerPicker = { pickPeer: () => undefined, pickHeir: () => client };
  return { entries, peers };
}

describe('handOver', () => {
  it('gives away everything in the main cache, of all groups in turn, and keeps it', async () => {
    const groups = [createGroup('prices'), createGroup('cities')];
    for (const group of groups) await group.getMany(['a', 'b']);
    const { entries, peers } = heir();

    expect(await handOver(groups, { peers, maxBytes: 1_000, timeoutMs: 1_000 })).toEqual({ taken: 4, left: 0 });

    expect(entries.map((entry) => entry.split(' ')[0])).toEqual(['prices', 'cities', 'prices', 'cities']);
    expect(groups.map((group) => [group.peek('a'), group.peek('b')])).toEqual([
      ['value of ', 'value of '],
      ['value of ', 'value of '],
    ]);
  });

  it('begins with what is asked for most, and ends where there is no room any more', async () => {
    const group = createGroup();
    const keys = Array.from({ length: 26 }, (_, number) => String.fromCharCode(97 + number));
    await group.getMany(keys);
    for (const key of ['x', 'm']) for (let count = 0; count < 500; count++) group.serveFromMemory(key);
    const { entries, peers } = heir();

    const result = await handOver([group], { peers, maxBytes: 36, timeoutMs: 1_000 });

    expect(result).toEqual({ taken: 3, left: 23 });
    expect(entries.slice(0, 2).toSorted()).toEqual(['prices m', 'prices x']);
    expect(entries).toHaveLength(3);
  });

  it('gives nothing away with a budget of 0', async () => {
    const group = createGroup();
    await group.get('a');
    const { entries, peers } = heir();

    expect(await handOver([group], { peers, maxBytes: 0, timeoutMs: 1_000 })).toEqual({ taken: 0, left: 1 });
    expect(entries).toEqual([]);
  });

  it('goes on where an entry is not taken, or its heir can not be asked, or there is none', async () => {
    const group = createGroup();
    await group.getMany(['a', 'b', 'c', 'd']);
    const { peers } = heir(({ key }) =>
      key === 'a' ? Promise.resolve(false) : key === 'b' ? Promise.reject(new Error('gone')) : Promise.resolve(true),
    );
    const pickHeir = (key: string): PeerClient | undefined => (key === 'c' ? undefined : peers.pickHeir!(key));

    const result = await handOver([group], { peers: { ...peers, pickHeir }, maxBytes: 1_000, timeoutMs: 1_000 });

    expect(result).toEqual({ taken: 1, left: 3 });
  });

  it('does not give away what has been removed since it began', async () => {
    const group = createGroup();
    const keys = Array.from({ length: 100 }, (_, number) => String(number));
    await group.getMany(keys);
    const first = deferred<boolean>();
    const { entries, peers } = heir(() => first.promise);
    const result = handOver([group], { peers, maxBytes: 10_000, timeoutMs: 1_000 });
    const begun = entries.length;

    await group.removeMany(keys);
    first.resolve(true);

    expect(await result).toEqual({ taken: begun, left: 100 - begun });
    expect(entries).toHaveLength(begun);
  });

  it('lets others have their turn where nobody can take anything', async () => {
    const group = createGroup();
    await group.getMany(Array.from({ length: 2_000 }, (_, number) => String(number)));
    let turns = 0;
    const count = (): void => {
      turns++;
      counting = setImmediate(count);
    };
    let counting = setImmediate(count);

    const result = await handOver([group], { peers: { pickPeer: () => undefined }, maxBytes: 1e9, timeoutMs: 1_000 });
    clearImmediate(counting);

    expect(result).toEqual({ taken: 0, left: 2_000 });
    expect(turns).toBeGreaterThan(5);
  });

  it('ends when its time is over, whatever is under way', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const group = createGroup();
      await group.getMany(['a', 'b']);
      const { peers } = heir(() => new Promise(() => undefined));
      const result = handOver([group], { peers, maxBytes: 1_000, timeoutMs: 50 });

      await vi.advanceTimersByTimeAsync(50);

      expect(await result).toEqual({ taken: 0, left: 2 });
    } finally {
      vi.useRealTimers();
    }
  });
});
