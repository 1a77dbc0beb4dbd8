import {
  Group,
  InvalidOptionError,
  textCodec,
  ValueTooLargeError,
  type GroupOptions,
  type PeerPicker,
} from '../../lib/core/index.js';
import { describe, expect, it, vi } from 'vitest';

function createGroup(options: GroupOptions<string>): Group<string> {
  return new Group<string>('prices', (key) => key, { codec: textCodec, ...options });
}

describe('tags', () => {
  it.each<[string, unknown, RegExp]>([
    ['a text', 'DE', /is no list: give a list of texts/],
    ['nothing', undefined, /is no list/],
    ['a number in a list', ['DE', 7], /has a number in it/],
    ['a lone surrogate', ['\ud800'], /lone surrogate/],
    ['too many', Array.from({ length: 5_000 }, (_, number) => String(number)), /more than 16384 bytes as JSON/],
    ['one that is too long', ['x'.repeat(16 * 1024)], /more than 16384 bytes as JSON/],
    ['too much to escape', ['"'.repeat(8 * 1024)], /more than 16384 bytes as JSON/],
  ])('that are %s fail the load and the set, which change nothing', async (_what, tags, message) => {
    let given: unknown = ['good'];
    const group = createGroup({ tags: () => given as string[] });
    await group.get('kept');
    given = tags;

    await expect(group.get('k')).rejects.toThrow(InvalidOptionError);
    await expect(group.get('k')).rejects.toThrow(message);
    await expect(group.set('kept', 'new')).rejects.toThrow(message);

    expect(group.peek('k')).toBeUndefined();
    expect(group.peek('kept')).toBe('kept');
  });

  it('are not shown in the message: they may be private', async () => {
    const group = createGroup({ tags: () => ['alice@example.com', 7 as unknown as string] });

    const error = await group.get('k').catch((reason: unknown) => reason);

    expect(error).toMatchObject({
      message:
        'Option "tags" is a function; what it has given for a value of group "prices" has a number in it: give a list ' +
        'of texts',
    });
  });

  it.each([
    [[]],
    [['']],
    [['x'.repeat(16 * 1024 - 4)]],
    [['é'.repeat(8 * 1024 - 2)]],
    [Array.from({ length: 1_000 }, (_, number) => String(number))],
  ])('that take 16 KiB of JSON at most are taken', async (tags) => {
    const group = createGroup({ tags: () => tags });
    await group.get('k');

    for (const tag of tags.slice(0, 1)) await group.removeByTag(tag);

    expect(group.peek('k')).toBe(tags.length === 0 ? 'k' : undefined);
  });
});

describe('Group.set over maxValueBytes', () => {
  it('is refused before anything is changed or sent', async () => {
    const set = vi.fn();
    const confirm = vi.fn();
    const owner = { url: 'http://owner', get: vi.fn(), set };
    const peers = {
      pickPeer: (key: string) => (key === 'theirs' ? owner : undefined),
      confirm,
    } as unknown as PeerPicker;
    const group = createGroup({ peers, maxValueBytes: 4 });
    await group.get('mine');

    for (const key of ['mine', 'theirs']) {
      await expect(group.set(key, 'ééé')).rejects.toThrow(ValueTooLargeError);
      await expect(group.set(key, 'ééé')).rejects.toThrow('has 6 bytes; "maxValueBytes" allows 4');
    }

    expect(group.peek('mine')).toBe('mine');
    expect(group.stats.invalidations).toBe(0);
    expect(set).not.toHaveBeenCalled();
    expect(confirm).not.toHaveBeenCalled();
  });
});
