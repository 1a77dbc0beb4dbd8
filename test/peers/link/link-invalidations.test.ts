import { InvalidationLog, type Invalidation } from '../../../lib/core/invalidation-log.js';
import { frameTypes } from '../../../lib/peers/link/frames.js';
import { LinkInvalidations } from '../../../lib/peers/link/link-invalidations.js';
import { describe, expect, it } from 'vitest';

const removal = (subject: string): Invalidation => ({ group: 'prices', kind: 'key', subject });

interface Frame {
  readonly type: number;
  readonly id: number;
  readonly content: string;
}

/** Two sides of a link; `deliver` carries what has been written to and fro until nothing more is, or `most` frames. */
function linkOf(one: InvalidationLog, other: InvalidationLog) {
  const written: [Frame[], Frame[]] = [[], []];
  const sideOf = (log: InvalidationLog, frames: Frame[]): LinkInvalidations => {
    const write = (type: number, id: number, content: string): void => void frames.push({ type, id, content });
    const side = new LinkInvalidations({ log, write, onHeard: () => undefined });
    log.watch(() => side.logChanged());
    return side;
  };
  const sides = [sideOf(one, written[0]), sideOf(other, written[1])] as const;
  const deliver = (most = 10_000): number => {
    let count = 0;
    while (written[0].length + written[1].length > 0 && count < most) {
      for (const [index, frames] of written.entries()) {
        const { type, id, content } = frames.shift() ?? {};
        if (content === undefined) continue;
        sides[1 - index]!.read(type!, id!, content);
        count++;
      }
    }
    return count;
  };
  return { sides, deliver };
}

describe('LinkInvalidations', () => {
  it('has all that is missing come at once, in as many frames as it takes', () => {
    const [one, other] = [new InvalidationLog('one'), new InvalidationLog('other')];
    for (let index = 1; index <= 3_500; index++) one.append(removal(`key ${index}`));
    const { sides, deliver } = linkOf(one, other);

    sides[0].tell();
    deliver();

    // After the first thousand it waited for the next repetition: 250 ms.
    expect(other.seqOf('one')).toBe(3_500);
    expect(sides[1].isBehind).toBe(false);
  });

  // Who forgot one of more origins than a log has asked for it, and forgot the next one by that, for ever.
  it('comes to rest where there have been more origins than a log remembers', () => {
    const [one, other] = [new InvalidationLog('one'), new InvalidationLog('other')];
    for (let index = 1; index <= 1_500; index++) {
      one.receive(`boot ${index}`, 1, [removal('k')]);
      other.receive(`boot ${1_501 - index}`, 1, [removal('k')]);
    }
    const { sides, deliver } = linkOf(one, other);

    for (const side of sides) side.tell();
    deliver();
    for (const side of sides) side.repeat();
    deliver();
    for (const side of sides) side.repeat();

    expect(sides.map(({ isBehind }) => isBehind)).toEqual([false, false]);
    expect(deliver()).toBe(0);
  });

  it('hears of further origins, however many there have been', () => {
    const { sides } = linkOf(new InvalidationLog('one'), new InvalidationLog('other'));
    const many = Array.from({ length: 5_000 }, (_, index) => [`boot ${index}`, 1] as const);
    sides[0].read(frameTypes.seen, 0, JSON.stringify(Object.fromEntries(many)));

    sides[0].read(frameTypes.seen, 0, JSON.stringify({ one: 7 }));
    sides[0].read(frameTypes.seen, 0, JSON.stringify({ one: 8 }));

    expect(sides[0].heardOf('one')).toBe(8);
  });
});
