import { describe, expect, it } from 'vitest';
import {
  ByteView,
  Group,
  LoadFailedError,
  PeerError,
  promoteNever,
  textCodec,
  type PeerReply,
  type PeerRequest,
} from '../../lib/core/index.js';
import { ManualClock } from '../../lib/testing/manual-clock.js';

const urls = ['http://10.0.0.2:3000', 'http://10.0.0.3:3000', 'http://10.0.0.4:3000', 'http://10.0.0.5:3000'];

/** A group whose keys belong to the first of `urls`, then to the next one, and so on. */
function createGroup(ask: (url: string, request: PeerRequest) => Promise<PeerReply>) {
  const clock = new ManualClock();
  const asked: string[] = [];
  const clientOf = (url: string | undefined) =>
    url === undefined ? undefined : { url, get: (request: PeerRequest) => (asked.push(url), ask(url, request)) };
  const group = new Group('prices', (key: string) => `here:${key}`, {
    codec: textCodec,
    promote: promoteNever,
    clock,
    loadTimeout: '5s',
    peers: {
      pickPeer: () => clientOf(urls[0]),
      pickSubstitute: (_key, failed) => clientOf(urls.find((url) => !failed.includes(url))),
    },
  });
  return { group, clock, asked };
}

const value = (text: string): PeerReply => ({ outcome: 'value', value: ByteView.from(text), minuteQps: 0 });
const down = (url: string): Promise<PeerReply> => Promise.reject(new PeerError(url, 'could not be asked'));

describe('Group.get of a key whose owner can not be asked', () => {
  it('asks who is next, once for all that wait, and loads nothing here', async () => {
    const { group, asked } = createGroup((url) => (url === urls[0] ? down(url) : Promise.resolve(value('there'))));

    expect(await Promise.all([group.get('k'), group.get('k')])).toEqual(['there', 'there']);

    expect(asked).toEqual(urls.slice(0, 2));
    expect(group.stats).toMatchObject({ peerErrors: 1, peerLoads: 1, localLoads: 0, loadsDeduped: 1 });
  });

  it('asks two in its place at most, and loads then', async () => {
    const { group, asked } = createGroup(down);

    expect(await group.get('k')).toBe('here:k');

    expect(asked).toEqual(urls.slice(0, 3));
    expect(group.stats).toMatchObject({ peerErrors: 3, peerLoads: 0, localLoads: 1 });
  });

  it('gives who is next only the time that is left', async () => {
    const timeouts: number[] = [];
    const { group, clock } = createGroup((url, { timeoutMs }) => {
      timeouts.push(timeoutMs);
      clock.advance(2_000);
      return url === urls[0] ? down(url) : Promise.resolve(value('there'));
    });

    await group.get('k');

    expect(timeouts).toEqual([6_000, 4_000]);
  });

  it('throws what the getter of who is next throws, and asks nobody else', async () => {
    const { group, asked } = createGroup((url) =>
      url === urls[0]
        ? down(url)
        : Promise.resolve({
            outcome: 'failed',
            error: new LoadFailedError('prices', url, { message: 'no', name: 'E' }),
          }),
    );

    await expect(group.get('k')).rejects.toThrow(LoadFailedError);

    expect(asked).toEqual(urls.slice(0, 2));
    expect(group.stats).toMatchObject({ localLoads: 0, peerLoadErrs: 1 });
  });

  it('asks nobody else once its caller has gone', async () => {
    const caller = new AbortController();
    const { group, asked } = createGroup((url) => {
      caller.abort(new Error('gone'));
      return down(url);
    });

    await expect(group.get('k', { signal: caller.signal })).rejects.toThrow('gone');

    expect(asked).toEqual(urls.slice(0, 1));
  });
});
