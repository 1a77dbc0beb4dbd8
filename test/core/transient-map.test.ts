import { describe, expect, it } from 'vitest';
import { TransientMap } from '../../lib/core/transient-map.js';

describe('TransientMap', () => {
  it('has what was set and not deleted, however much has come and gone', () => {
    const map = new TransientMap<number>();
    for (let number = 0; number < 50_000; number++) {
      map.set(`key ${number}`, number);
      if (number >= 10) map.delete(`key ${number - 10}`);
    }

    expect(map.size).toBe(10);
    expect(map.get('key 49995')).toBe(49_995);
    expect(map.has('key 49990')).toBe(true);
    expect(map.has('key 49989')).toBe(false);
    expect(map.get('key 1')).toBeUndefined();
  });

  it('holds many at once', () => {
    const map = new TransientMap<number>();
    for (let number = 0; number < 20_000; number++) map.set(`key ${number}`, number);

    expect(map.size).toBe(20_000);
    expect(map.get('key 0')).toBe(0);
  });
});
