import * as fc from 'fast-check';
import { ByteView } from 'nestjs-groupcache/core';
import { describe, expect, it } from 'vitest';
import { FrameWriter } from '../../../lib/peers/link/frame-writer.js';
import { FRAME_HEAD_BYTES, frameTypes } from '../../../lib/peers/link/frames.js';
import { readFrames, readHandOver, type FrameHandler } from '../../../lib/peers/link/read-frames.js';

/** What has been read, as it is written down in the tests. */
function read(message: Buffer): unknown[] {
  const frames: unknown[] = [];
  const handler: FrameHandler = {
    onGet: (...args) => frames.push(['get', ...args]),
    onUnreadable: (id) => frames.push(['unreadable', id]),
    onValue: (id, whole, start, end, fields, isLast) =>
      frames.push(['value', id, whole.toString('latin1', start, end), { ...fields }, isLast]),
    onOther: (type, id, body) => frames.push(['other', type, id, body.toString('utf8')]),
  };
  readFrames(message, handler);
  return frames;
}

/** The bytes of a text in hex. */
const ofHex = (hex: string): Buffer => Buffer.from(hex.replaceAll(/\s/g, ''), 'hex');

const latin1 = (value: Uint8Array): string => Buffer.from(value).toString('latin1');

const ids = fc.integer({ min: 0, max: 0xffff_ffff });
const texts = fc.string({ unit: 'grapheme', maxLength: 300 });
const bytes = fc.uint8Array({ maxLength: 9_000 });
const frame = fc.oneof(
  fc.tuple(fc.constant('get' as const), ids, ids, texts, texts, fc.boolean()),
  fc.tuple(fc.constant('value' as const), ids, bytes, fc.double({ noNaN: true }), fc.option(ids, { nil: undefined })),
  fc.tuple(
    fc.constant('first' as const),
    ids,
    bytes,
    fc.double({ noNaN: true }),
    fc.option(ids, { nil: undefined }),
    ids,
  ),
  fc.tuple(fc.constant('more' as const), ids, bytes),
  fc.tuple(
    fc.constant('other' as const),
    fc.integer({ min: 4, max: 255 }).filter((type) => type !== frameTypes.peek),
    ids,
    texts,
  ),
);

function write(frames: FrameWriter, [kind, ...args]: [string, ...unknown[]]): unknown {
  switch (kind) {
    case 'get':
      frames.get(...(args as [number, number, string, string, boolean]));
      return [kind, ...args];
    case 'value': {
      const [id, value, minuteQps, ttlMs] = args as [number, Uint8Array, number, number | undefined];
      frames.value(id, ByteView.from(value), { minuteQps, ttlMs });
      return [kind, id, latin1(value), { minuteQps: minuteQps + 0, tags: undefined, ttlMs, totalLength: 0 }, true];
    }
    case 'first': {
      const [id, value, minuteQps, ttlMs, totalLength] = args as [
        number,
        Uint8Array,
        number,
        number | undefined,
        number,
      ];
      frames.firstOfValue(id, ByteView.from(value), { minuteQps, ttlMs }, totalLength);
      return ['value', id, latin1(value), { minuteQps: minuteQps + 0, tags: undefined, ttlMs, totalLength }, false];
    }
    case 'more': {
      const [id, value] = args as [number, Uint8Array];
      frames.more(id, ByteView.from(value));
      return ['value', id, latin1(value), { minuteQps: 0, tags: undefined, ttlMs: undefined, totalLength: 0 }, false];
    }
    default:
      frames.other(...(args as [number, number, string]));
      return [kind, ...args];
  }
}

describe('FrameWriter and readFrames', () => {
  it('bring every message back', () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 12 }), (given) => {
        const frames = new FrameWriter();
        const expected = given.map((one) => write(frames, one));
        expect(read(frames.take())).toEqual(expected);
        expect(frames.length).toBe(0);
      }),
    );
  });

  it('write the bytes that docs/wire.md tells of', () => {
    const frames = new FrameWriter();
    frames.get(7, 1_000, 'prices', 'ACME');
    frames.value(7, ByteView.from('41'), { minuteQps: 0 });
    frames.other(frameTypes.cancel, 8);
    expect(frames.take().toString('hex')).toBe(
      [
        '00000019 01 00000007 000003e8 0006 00000004 70726963657341434d45', // get
        '00000009 02 00000007 0000 3431', // value
        '00000005 07 00000008', // cancel
      ]
        .join('')
        .replaceAll(' ', ''),
    );
  });

  it('write a lifetime as field 3, at most what 32 bits hold', () => {
    const frames = new FrameWriter();
    frames.value(7, ByteView.from('41'), { minuteQps: 0, ttlMs: 10_000.9 });
    frames.notFound(8, 2_000);
    frames.notFound(9, 2 ** 40);

    expect(frames.take()).toEqual(
      ofHex(
        `00000010 02 00000007 0007 030004 00002710 3431
         0000000c 04 00000008 030004 000007d0
         0000000c 04 00000009 030004 ffffffff`,
      ),
    );
  });

  it('bring an entry that is handed over back, with what is said of it', () => {
    const entries = fc.record({
      group: texts,
      key: texts,
      value: bytes.map((value) => ByteView.from(value)),
      notes: fc.record({
        minuteQps: fc.double({ noNaN: true }).map((rate) => rate + 0),
        ttlMs: fc.option(ids, { nil: undefined }),
        tags: fc.option(fc.array(texts, { minLength: 1, maxLength: 3 }), { nil: undefined }),
      }),
    });
    fc.assert(
      fc.property(ids, entries, (id, entry) => {
        const frames = new FrameWriter();
        frames.handOver(id, entry);
        const message = frames.take();

        expect([message[4], message.readUInt32BE(5)]).toEqual([frameTypes.handOver, id]);
        const { value, ...rest } = readHandOver(message.subarray(FRAME_HEAD_BYTES));
        expect(rest).toEqual({ group: entry.group, key: entry.key, notes: entry.notes });
        expect(value.equals(entry.value)).toBe(true);
        expect(() => readHandOver(message.subarray(FRAME_HEAD_BYTES, FRAME_HEAD_BYTES + 10))).toThrow(RangeError);
      }),
    );
  });

  it('skip fields that are not known', () => {
    const message = ofHex('00000012 02 00000001 0009 c80006 010203040506 3431');
    message.writeUInt32BE(message.length - 4, 0);
    expect(read(message)).toEqual([['value', 1, '41', { minuteQps: 0, ttlMs: undefined, totalLength: 0 }, true]]);
  });

  it('tell a key that is not UTF-8 from one with a replacement character', () => {
    const frames = new FrameWriter();
    frames.get(1, 1, 'g', '\ufffd');
    const good = frames.take();
    frames.get(2, 1, 'g', 'xxx');
    const bad = frames.take();
    bad[bad.length - 1] = 0xff;
    expect([read(good), read(bad)]).toEqual([[['get', 1, 1, 'g', '\ufffd', false]], [['unreadable', 2]]]);
  });

  it('refuse every truncated message, and never read past it', () => {
    fc.assert(
      fc.property(frame, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (given, part) => {
        const frames = new FrameWriter();
        write(frames, given);
        const message = frames.take();
        const length = 1 + Math.floor(part * (message.length - 1));
        expect(() => read(message.subarray(0, length))).toThrow(RangeError);
      }),
    );
  });

  it('throw nothing but a RangeError at garbage', () => {
    const garbage = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      // Garbage that gets past the length and the type.
      fc.tuple(fc.integer({ min: 0, max: 12 }), fc.uint8Array({ minLength: 4, maxLength: 60 })).map(([type, body]) => {
        const message = Buffer.concat([Buffer.alloc(5), body]);
        message.writeUInt32BE(message.length - 4, 0);
        message[4] = type;
        return message;
      }),
    );
    fc.assert(
      fc.property(garbage, (message) => {
        try {
          read(Buffer.from(message));
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ['the end of the head', ofHex('00000004 07 00000001')],
    ['more than there is', ofHex('ffffffff 07 00000001')],
    ['a group that is longer than the frame', ofHex('00000013 01 00000001 00000001 ffff 00000000 61')],
    ['a field that is longer than the frame', ofHex('0000000a 02 00000001 0003 01ffff')],
  ])('refuse a length of %s', (_what, hex) => {
    expect(() => read(hex)).toThrow(RangeError);
  });
});
