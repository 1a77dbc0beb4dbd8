import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packSlots, TagSlots } from '../../lib/core/tag-slots.js';

describe('TagSlots', () => {
  it('never says of a tag that was invalidated later that it was not', () => {
    const tags = fc.array(fc.string(), { minLength: 1, maxLength: 5 });
    const property = fc.property(tags, fc.nat(), fc.nat(4), (all, position, which) => {
      const slots = new TagSlots();
      slots.invalidate(all[which % all.length]!, position + 1);
      expect(slots.mayBeTouched(packSlots(all), position)).toBe(true);
    });
    fc.assert(property);
  });

  it('says of most tags that were not that they were not', () => {
    const slots = new TagSlots();
    for (let number = 0; number < 100; number++) slots.invalidate(`removed ${number}`, number + 1);
    const values = Array.from({ length: 1_000 }, (_, number) => packSlots([`one ${number}`, `two ${number}`]));

    // Each value has two chances in about ten to meet one of the hundred.
    expect(values.filter((packed) => slots.mayBeTouched(packed, 0)).length).toBeLessThan(250);
    expect(values.filter((packed) => slots.mayBeTouched(packed, 100))).toEqual([]);
  });

  it('does not know of values with many tags', () => {
    expect(new TagSlots().mayBeTouched(packSlots(['a', 'b', 'c', 'd']), 0)).toBe(true);
  });

  it('packs into what needs no memory of its own', () => {
    const packed = Array.from({ length: 1_000 }, (_, number) => packSlots([`one ${number}`, `two ${number}`]));

    expect(Math.min(...packed)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...packed)).toBeLessThan(2 ** 30);
  });
});
