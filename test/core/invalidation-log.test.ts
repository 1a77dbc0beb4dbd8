import { describe, expect, it } from 'vitest';
import { InvalidationLog, type Invalidation } from '../../lib/core/invalidation-log.js';

const removal: Invalidation = { group: 'prices', kind: 'key', subject: 'k' };

describe('InvalidationLog', () => {
  it('knows up to where it has applied what an origin has said that is not in its vector any more', () => {
    const log = new InvalidationLog('own');
    for (let index = 1; index <= 1_100; index++) log.receive(`boot ${index}`, 1, [removal, removal]);
    expect(log.vector.size).toBe(1_024);
    expect(log.vector.has('boot 1')).toBe(false);

    expect(log.seqOf('boot 1')).toBe(2);
    log.receive('boot 1', 1, [removal, removal]);
    expect(log.vector.has('boot 1')).toBe(false);

    log.receive('boot 1', 3, [removal]);
    expect(log.vector.get('boot 1')).toBe(3);
    expect(log.after('boot 1', 2, 10)).toEqual([removal]);
    expect(log.after('boot 1', 1, 10)).toBeUndefined();
  });
});
