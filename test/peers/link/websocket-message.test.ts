import { randomBytes } from 'node:crypto';
import type { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import * as ws from 'ws';
import { ByteView } from 'nestjs-groupcache/core';
import { FrameWriter } from '../../../lib/peers/link/frame-writer.js';

// Its types leave it out.
const { Receiver } = ws as unknown as { Receiver: new (options: { isServer: boolean }) => Writable };

/** What `ws` reads in `bytes`, which a server (`isServer`) or a client has received. */
function read(bytes: readonly Buffer[], isServer: boolean): Buffer[] {
  const receiver = new Receiver({ isServer });
  const messages: Buffer[] = [];
  receiver.on('message', (message: Buffer) => messages.push(message));
  for (const part of bytes) receiver.write(Buffer.from(part));
  return messages;
}

describe('FrameWriter.takeMessage', () => {
  const lengths = [1, 90, 110, 111, 112, 113, 114, 115, 116, 4_000, 65_519, 65_520, 65_521, 65_524, 65_525, 200_000];
  it.each([false, true])('makes messages that ws reads, of any length, masked: %s', (isMasked) => {
    const [writer, plain] = [new FrameWriter(), new FrameWriter()];
    const [messages, wanted] = [[] as Buffer[], [] as Buffer[]];

    for (const [id, length] of lengths.entries()) {
      const value = ByteView.from(randomBytes(length));
      writer.value(id, value, { minuteQps: 0 });
      plain.value(id, value, { minuteQps: 0 });
      messages.push(writer.takeMessage(isMasked));
      wanted.push(Buffer.from(plain.take()));
    }

    expect(read(messages, isMasked)).toEqual(wanted);
  });

  it('does not touch what has been taken', () => {
    const writer = new FrameWriter();
    const taken: Buffer[] = [];
    const copies: Buffer[] = [];

    for (let id = 0; id < 2_000; id++) {
      writer.get(id, 1_000, 'group', 'key'.repeat(id % 50));
      const message = writer.takeMessage(true);
      taken.push(message);
      copies.push(Buffer.from(message));
    }

    expect(taken).toEqual(copies);
  });

  it('masks each message by another key', () => {
    const writer = new FrameWriter();

    const keys = Array.from({ length: 3_000 }, () => {
      writer.other(4, 0);
      return writer.takeMessage(true).readUInt32BE(2);
    });

    expect(new Set(keys).size).toBeGreaterThan(2_990);
  });
});
