import * as fc from 'fast-check';
import { BUFFER_OVERHEAD_BYTES } from '../../lib/core/byte-view.js';
import { ByteView } from '../../lib/core/index.js';
import { buffer } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';

/** The same content held as a string and as bytes. */
function bothOf(text: string): ByteView[] {
  return [ByteView.from(text), ByteView.from(Buffer.from(text)), ByteView.adopt(Buffer.from(text))];
}

/** Any text, ASCII or not, with lone surrogates now and then. */
const texts = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), fc.string());

describe('ByteView', () => {
  it('TestByteView: has its length, its text, and copies and streams that fit', async () => {
    for (const text of ['', 'x', 'yy']) {
      for (const view of bothOf(text)) {
        const long = Buffer.alloc(3);
        const short = Buffer.alloc(1);

        expect(view.length).toBe(text.length);
        expect(view.toString()).toBe(text);
        expect(view.copyTo(long)).toBe(text.length);
        expect(long.toString('latin1', 0, text.length)).toBe(text);
        expect(view.copyTo(short)).toBe(Math.min(1, text.length));
        expect((await buffer(view.toStream())).toString()).toBe(text);
        expect(view.toBuffer().toString()).toBe(text);
      }
    }
  });

  it('TestByteViewEqual: compares by bytes, however they are held', () => {
    for (const [left, right, areEqual] of [
      ['x', 'x', true],
      ['x', 'y', false],
      ['x', 'yy', false],
      ['é', 'é', true],
      ['é', 'e\u0301', false],
    ] as const) {
      for (const view of bothOf(left)) {
        expect(view.equals(right)).toBe(areEqual);
        expect(view.equals(Buffer.from(right))).toBe(areEqual);
        for (const other of bothOf(right)) expect(view.equals(other)).toBe(areEqual);
      }
    }
  });

  it('TestByteViewSlice: slices from and to', () => {
    for (const view of bothOf('abc')) {
      expect(view.slice(1, 2).toString()).toBe('b');
      expect(view.slice(1).toString()).toBe('bc');
      expect(view.slice(0, 2).toString()).toBe('ab');
      expect(view.slice(-1).toString()).toBe('c');
      expect(view.slice(3)).toBe(ByteView.empty);
      expect(view.slice(2, 1)).toBe(ByteView.empty);
    }
  });

  it('counts bytes of UTF-8, not characters', () => {
    for (const view of bothOf('é🦊')) {
      expect(view.length).toBe(6);
      expect(view.at(0)).toBe(0xc3);
      expect(view.slice(0, 2).toString()).toBe('é');
      expect(view.slice(2).toString()).toBe('🦊');
    }
  });

  it('gives single bytes, and undefined outside', () => {
    for (const view of bothOf('abc')) {
      expect([view.at(0), view.at(2), view.at(3), view.at(-1)]).toEqual([97, 99, undefined, undefined]);
    }
  });

  it('owns its memory: later changes of what it was made from do not show', () => {
    const source = Buffer.from('before');
    const view = ByteView.from(source);

    source.fill(0);

    expect(view.toString()).toBe('before');
  });

  it('hands out copies: changing them does not change the view', () => {
    for (const view of bothOf('before')) {
      view.toBuffer().fill(0);

      expect(view.toString()).toBe('before');
    }
  });

  it('hands out no pooled memory: its bytes fill their ArrayBuffer', () => {
    expect(ByteView.from('short').toBuffer().buffer.byteLength).toBe(5);
  });

  it('has any bytes back as they were, of every length, from anywhere in a larger buffer', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 400 }),
        fc.nat(20),
        fc.constantFrom(0, 4_000, 5_000),
        (random, at, filler) => {
          const bytes = Buffer.concat([random, Buffer.alloc(filler, 'filler')]);
          const view = ByteView.copyOf(
            Buffer.concat([Buffer.alloc(at, 255), bytes, Buffer.alloc(3, 255)]),
            at,
            at + bytes.length,
          );

          expect(view.length).toBe(bytes.length);
          expect(view.toBuffer().equals(bytes)).toBe(true);
          expect(view.toString()).toBe(bytes.toString('utf8'));
          expect(view.at(bytes.length - 1)).toBe(bytes.at(-1));
          expect(view.slice(1, 7).equals(bytes.subarray(1, 7))).toBe(true);
          expect(view.equals(ByteView.adopt(bytes))).toBe(true);
          expect(view.equals(bytes.toString('utf8'))).toBe(Buffer.from(bytes.toString('utf8')).equals(bytes));
        },
      ),
    );
  });

  it('costs nothing beside its bytes where they are few, or ASCII', () => {
    expect(ByteView.from(Buffer.alloc(4_096, 200)).overheadBytes).toBe(0);
    expect(ByteView.from(Buffer.alloc(5_000, 'text')).overheadBytes).toBe(0);
    expect(ByteView.from(Buffer.alloc(5_000, 200)).overheadBytes).toBe(BUFFER_OVERHEAD_BYTES);
    expect(ByteView.from('日本').overheadBytes).toBe(0);
    expect(ByteView.from('日' + 'x'.repeat(9)).overheadBytes).toBe(2 * 10 - 12);
  });

  it('adopts bytes without a copy, whichever kind of Uint8Array they are in', () => {
    const bytes = new Uint8Array([104, 105]);

    const view = ByteView.adopt(bytes);

    expect(view.toString()).toBe('hi');
    bytes[0] = 72;
    expect(view.toString()).toBe('Hi');
    expect(ByteView.adopt(new Uint8Array(0))).toBe(ByteView.empty);
  });

  it('copies to an offset, into any Uint8Array, and nothing past its end', () => {
    for (const view of bothOf('añb')) {
      const target = new Uint8Array(5);

      expect(view.copyTo(target, 3)).toBe(2);
      expect([...target]).toEqual([0, 0, 0, 97, 0xc3]);
      expect(view.copyTo(target, 5)).toBe(0);
      expect(view.copyTo(target, 9)).toBe(0);
    }
    const target = new Uint8Array(4);
    expect(ByteView.from('abc').copyTo(target, 2)).toBe(2);
    expect([...target]).toEqual([0, 0, 97, 98]);
  });

  it('makes U+FFFD of lone surrogates, as the wire would', () => {
    const view = ByteView.from('a\ud800');

    expect(view.toString()).toBe('a\ufffd');
    expect(view.equals('a\ud800')).toBe(true);
    expect(ByteView.from(Buffer.from('a\ufffd')).equals('a\ud800')).toBe(true);
  });

  it('behaves the same held as a string and as bytes', () => {
    fc.assert(
      fc.property(
        texts,
        texts,
        fc.integer({ min: -9, max: 40 }),
        fc.integer({ min: -9, max: 40 }),
        (text, other, start, end) => {
          const [string, bytes] = bothOf(text) as [ByteView, ByteView];
          const reference = Buffer.from(text);

          expect(string.length).toBe(reference.length);
          expect(string.at(start)).toBe(bytes.at(start));
          expect(string.toBuffer().equals(reference)).toBe(true);
          expect(string.slice(start, end).toBuffer()).toEqual(bytes.slice(start, end).toBuffer());
          expect(bytes.slice(start, end).toBuffer().equals(reference.subarray(start, end))).toBe(true);
          expect(string.equals(other)).toBe(bytes.equals(other));
          expect(string.equals(ByteView.from(other))).toBe(Buffer.from(other).equals(reference));
          expect(string.equals(bytes) && bytes.equals(string) && string.equals(text)).toBe(true);
          const [left, right] = [Buffer.alloc(6), Buffer.alloc(6)];
          expect(string.copyTo(left, 1)).toBe(bytes.copyTo(right, 1));
          expect(left).toEqual(right);
        },
      ),
      { numRuns: 500 },
    );
  });
});
