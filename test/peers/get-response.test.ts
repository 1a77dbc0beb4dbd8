import { createHash } from 'node:crypto';
import { assert, double, nat, property, record, uint8Array } from 'fast-check';
import { ByteView } from 'nestjs-groupcache/core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { decodeGetResponse, encodeGetResponse } from '../../lib/peers/get-response.js';
import vectors from '../vectors/go-responses.json' with { type: 'json' };

interface Vector {
  readonly valueLength: number | null;
  readonly minuteQps: number | null;
  readonly length: number;
  readonly hex?: string;
  readonly sha256: string;
}
const responses: readonly Vector[] = vectors.responses;

const valueOf = (length: number): Buffer => Buffer.from(Uint8Array.from({ length }, (_, index) => index % 251));
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const name = ({ valueLength, minuteQps }: Vector): string => `${valueLength} bytes, minute_qps ${minuteQps}`;

describe('encodeGetResponse', () => {
  // Ours always sends a value, and no rate of 0.
  const sentByOurs = responses.filter(({ valueLength, minuteQps }) => valueLength !== null && minuteQps !== 0);

  it.each(sentByOurs.map((vector) => [name(vector), vector] as const))(
    'writes the bytes that Go writes: %s',
    (_name, { valueLength, minuteQps, length, hex, sha256: digest }) => {
      const message = encodeGetResponse({ value: ByteView.from(valueOf(valueLength!)), minuteQps: minuteQps ?? 0 });
      expect(message.length).toBe(length);
      if (hex !== undefined) expect(message.toString('hex')).toBe(hex);
      expect(sha256(message)).toBe(digest);
    },
  );

  it('writes an empty value as 0A 00', () => {
    expect(encodeGetResponse({ value: ByteView.empty, minuteQps: 0 }).toString('hex')).toBe('0a00');
  });

  it('writes a string and its bytes alike', () => {
    const text = 'größe 🦊';
    const fromText = encodeGetResponse({ value: ByteView.from(text), minuteQps: 2 });
    expect(fromText).toEqual(encodeGetResponse({ value: ByteView.from(Buffer.from(text)), minuteQps: 2 }));
  });
});

const ofHex = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');
/** With mailgun's field 3, a varint in hex. */
const withExpire = (varint: string): Buffer => ofHex(`0a023431 18 ${varint}`);

describe('a lifetime in a GetResponse', () => {
  const value = ByteView.from('41');
  const NOW_MS = 1_700_000_000_000;
  beforeEach(() => {
    vi.useFakeTimers({ now: NOW_MS, toFake: ['Date'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('is written as mailgun’s expire, field 3 in Unix nanoseconds, and as milliseconds, our field 16', () => {
    const message = encodeGetResponse({ value, minuteQps: 0, ttlMs: 10_000.9 });

    // 1700000010000000000 and 10000, as Go's protobuf writes them.
    expect(message).toEqual(ofHex('0a023431 18 80c8d7d188a0e7cb17 8001 904e'));
  });

  it('comes back as it was, whole', () => {
    for (const ttlMs of [0, 1, 127, 128, 300_000, 2 ** 32, 3_650 * 86_400_000]) {
      expect(decodeGetResponse(encodeGetResponse({ value, minuteQps: 2, ttlMs }))).toEqual({
        value,
        minuteQps: 2,
        ttlMs,
      });
    }
  });

  it('is read of mailgun’s expire alone, by this process’s own time of day', () => {
    expect(decodeGetResponse(withExpire('80c8d7d188a0e7cb17')).ttlMs).toBe(10_000);
    vi.setSystemTime(NOW_MS + 60_000);
    expect(decodeGetResponse(withExpire('80c8d7d188a0e7cb17')).ttlMs).toBe(0);
  });

  it('is ours where both are said, since the clocks of two machines differ', () => {
    const message = encodeGetResponse({ value, minuteQps: 0, ttlMs: 10_000 });
    vi.setSystemTime(NOW_MS + 3_600_000);

    expect(decodeGetResponse(message).ttlMs).toBe(10_000);
  });

  it('is not said by an expire of 0, over by a negative one, and never without a bound', () => {
    expect(decodeGetResponse(withExpire('00')).ttlMs).toBeUndefined();
    expect(decodeGetResponse(withExpire('ffffffffffffffffff01')).ttlMs).toBe(0);
    expect(decodeGetResponse(ofHex('0a023431 8001 ffffffffffffffffff7f')).ttlMs).toBe(100 * 365 * 86_400_000);
  });
});

describe('decodeGetResponse', () => {
  it.each(responses.map((vector) => [name(vector), vector] as const))(
    'reads what Go writes: %s',
    (_name, { valueLength, minuteQps, length, hex, sha256: digest }) => {
      const message = length > 350 ? rebuild(valueLength, minuteQps) : Buffer.from(hex ?? '', 'hex');
      expect(sha256(message)).toBe(digest);
      const decoded = decodeGetResponse(message);
      expect(decoded.value.equals(ByteView.from(valueOf(valueLength ?? 0)))).toBe(true);
      expect(decoded.minuteQps).toBe(minuteQps ?? 0);
    },
  );

  it('takes an empty message for an empty value', () => {
    const { value, minuteQps } = decodeGetResponse(Buffer.alloc(0));

    expect([value.length, minuteQps]).toEqual([0, 0]);
  });

  it('skips fields that it does not know', () => {
    const varint = '18ac02'; // 3: 300, mailgun's expire
    const fixed64 = '210102030405060708';
    const bytes = '2a03616263';
    const fixed32 = '3501020304';
    const ours = '820101ff'; // field 16
    const { value, minuteQps } = decodeGetResponse(
      Buffer.from(`${varint}${fixed64}0a0161${bytes}${fixed32}${ours}11000000000000f83f`, 'hex'),
    );
    expect([value.toString(), minuteQps]).toEqual(['a', 1.5]);
  });

  it('takes the last of two values, as protobuf has it', () => {
    expect(decodeGetResponse(Buffer.from('0a01610a0162', 'hex')).value.toString()).toBe('b');
  });

  it('gives a value that owns its memory', () => {
    const message = Buffer.from('0a0161', 'hex');
    const { value } = decodeGetResponse(message);
    message.fill(0);
    expect(value.toString()).toBe('a');
  });

  it.each([
    ['ends inside a number', '0a'],
    ['ends inside a number', '0a80'],
    ['ends inside a field', '0a05616263'],
    ['ends inside a field', '1100'],
    ['ends inside a field', '0affffffffffffffff7f61'],
    ['has a number of more than 10 bytes', 'ffffffffffffffffffff01'],
    ['has a field of wire type 3', '0b'],
    ['has a field of wire type 4', '3c68746d6c3e'],
  ])('refuses a message that %s: %s', (reason, hex) => {
    expect(() => decodeGetResponse(Buffer.from(hex, 'hex'))).toThrow(new RangeError(reason));
  });

  it('reads back whatever is written, and refuses it by a RangeError wherever it is cut', () => {
    const response = record({
      value: uint8Array({ maxLength: 300 }),
      minuteQps: double({ noNaN: true, min: 0 }).filter((rate) => !Object.is(rate, -0)),
    });
    assert(
      property(response, nat(), ({ value, minuteQps }, at) => {
        const message = encodeGetResponse({ value: ByteView.from(value), minuteQps });
        const decoded = decodeGetResponse(message);
        expect(decoded.value.equals(ByteView.from(value))).toBe(true);
        expect(decoded.minuteQps).toBe(minuteQps);
        readOrRefuse(message.subarray(0, at % message.length));
      }),
      { numRuns: 300 },
    );
  });

  it('reads or refuses any bytes, and never fails otherwise', () => {
    assert(
      property(uint8Array({ maxLength: 64 }), (bytes) => readOrRefuse(Buffer.from(bytes))),
      { numRuns: 2_000 },
    );
  });
});

function rebuild(valueLength: number | null, minuteQps: number | null): Buffer {
  const message = encodeGetResponse({ value: ByteView.from(valueOf(valueLength ?? 0)), minuteQps: minuteQps || 0 });
  return minuteQps === 0 ? Buffer.concat([message, Buffer.from('110000000000000000', 'hex')]) : message;
}

function readOrRefuse(message: Buffer): void {
  try {
    decodeGetResponse(message);
  } catch (error) {
    expect(error).toBeInstanceOf(RangeError);
  }
}
