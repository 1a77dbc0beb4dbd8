import { describe, expect, it } from 'vitest';
import { InvalidationLog, type Invalidation } from '../../lib/core/index.js';

const removal = (subject: string, group = 'prices'): Invalidation => ({ group, kind: 'key', subject });

/** What has been applied to `group`, in that order. */
function record(log: InvalidationLog, group = 'prices'): string[] {
  const applied: string[] = [];
  log.listen(group, {
    onInvalidation: ({ subject }) => applied.push(subject),
    onUnknown: () => applied.push('everything'),
  });
  return applied;
}

describe('InvalidationLog', () => {
  it('numbers its own from 1 on, and applies them at once', () => {
    const log = new InvalidationLog('here');
    const applied = record(log);

    expect([log.append(removal('a')), log.append(removal('b'))]).toEqual([1, 2]);

    expect(applied).toEqual(['a', 'b']);
    expect([...log.vector]).toEqual([['here', 2]]);
    expect(log.after('here', 1, 10)).toEqual([removal('b')]);
  });

  it('applies those of others in their order, each once, and nothing after a gap', () => {
    const log = new InvalidationLog('here');
    const applied = record(log);

    log.receive('there', 1, [removal('a'), removal('b')]);
    log.receive('there', 2, [removal('b'), removal('c')]);
    log.receive('there', 5, [removal('e')]);
    log.receive('here', 1, [removal('not mine')]);

    expect(applied).toEqual(['a', 'b', 'c']);
    expect(log.seqOf('there')).toBe(3);
    expect(log.seqOf('here')).toBe(0);
  });

  it('tells only who listens to the group', () => {
    const log = new InvalidationLog('here');
    const applied = record(log);
    const stopped: string[] = [];
    const stop = log.listen('prices', {
      onInvalidation: ({ subject }) => stopped.push(subject),
      onUnknown: () => undefined,
    });

    log.append(removal('a'));
    stop();
    log.append(removal('b'));
    log.append(removal('c', 'cities'));

    expect([applied, stopped]).toEqual([['a', 'b'], ['a']]);
    expect(log.position).toBe(3);
  });

  it('has everything taken for old where nobody remembers what was missed, and goes on from there', () => {
    const log = new InvalidationLog('here');
    const applied = record(log);
    const changes: string[] = [];
    log.watch((origin) => changes.push(origin));
    log.receive('there', 1, [removal('a')]);

    log.giveUp('there', 7);
    log.giveUp('there', 3);
    log.receive('there', 8, [removal('h')]);

    expect(applied).toEqual(['a', 'everything', 'h']);
    expect(changes).toEqual(['there', 'there', 'there']);
    expect(log.after('there', 7, 10)).toEqual([removal('h')]);
    expect(log.after('there', 1, 10)).toBeUndefined();
  });

  it('remembers the last ones of all, and can tell what it has forgotten', () => {
    const log = new InvalidationLog('here');
    for (let count = 0; count < 5_000; count++) {
      log.append(removal(`own ${count}`));
      log.receive('there', count + 1, [removal(`other ${count}`)]);
    }

    expect(log.after('here', 0, 10)).toBeUndefined();
    expect(log.after('there', 903, 10)).toBeUndefined();
    for (const origin of ['here', 'there']) {
      const rest = log.after(origin, 904, 10_000)!;
      expect(rest).toHaveLength(4_096);
      expect(rest.at(-1)?.subject).toMatch(/ 4999$/);
      expect(log.after(origin, 4_999, 10)).toHaveLength(1);
      expect(log.after(origin, 5_000, 10)).toEqual([]);
    }
  });

  it('remembers a bounded number of origins, itself always', () => {
    const log = new InvalidationLog('here');
    log.append(removal('own'));
    for (let count = 0; count < 3_000; count++) log.receive(`process ${count}`, 1, [removal('k')]);

    expect(log.vector.size).toBe(1_024);
    expect(log.seqOf('here')).toBe(1);
    expect(log.vector.has('process 0')).toBe(false);
    expect(log.after('process 0', 0, 10)).toBeUndefined();
    expect(log.after('process 2999', 0, 10)).toEqual([removal('k')]);
    expect(log.append(removal('again'))).toBe(2);
    expect(log.after('here', 1, 10)).toEqual([removal('again')]);
  });

  it('knows up to where it has applied what an origin has said that is not in its vector any more', () => {
    const log = new InvalidationLog('own');
    for (let index = 1; index <= 1_100; index++) log.receive(`boot ${index}`, 1, [removal('k'), removal('k')]);
    expect(log.vector.size).toBe(1_024);
    expect(log.vector.has('boot 1')).toBe(false);

    expect(log.seqOf('boot 1')).toBe(2);
    log.receive('boot 1', 1, [removal('k'), removal('k')]);
    expect(log.vector.has('boot 1')).toBe(false);

    log.receive('boot 1', 3, [removal('k')]);
    expect(log.vector.get('boot 1')).toBe(3);
    expect(log.after('boot 1', 2, 10)).toEqual([removal('k')]);
    expect(log.after('boot 1', 1, 10)).toBeUndefined();
  });

  it('remembers less of what is long: 16 Mi characters at most', () => {
    const log = new InvalidationLog('here');
    const applied = record(log);
    const long = 'x'.repeat(1024 * 1024);
    for (let seq = 1; seq <= 20; seq++) log.append(removal(long));
    log.receive('there', 1, [removal(long)]);

    expect(applied).toHaveLength(21);
    expect(log.after('here', 4, 100)).toBeUndefined();
    expect(log.after('here', 5, 100)).toHaveLength(15);
    expect(log.after('there', 0, 100)).toHaveLength(1);
    log.giveUp('there', 5);
    log.append(removal(long));
    expect(log.after('here', 5, 100)).toHaveLength(16);
  });
});
