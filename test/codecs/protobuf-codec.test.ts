import { create, toBinary, type MessageShape } from '@bufbuild/protobuf';
import { AnySchema, StructSchema, TimestampSchema, type Timestamp } from '@bufbuild/protobuf/wkt';
import { protobufCodec } from '../../lib/codecs/protobuf-codec.js';
import { ByteView, Group, UnencodableValueError } from '../../lib/core/index.js';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { roundTrip } from './round-trips.js';

describe('protobufCodec', () => {
  it('brings back a message of its schema, as typed', () => {
    const message = create(TimestampSchema, { seconds: 1_700_000_000n, nanos: 5 });

    const back = roundTrip(protobufCodec(TimestampSchema), message);

    expectTypeOf(back).toEqualTypeOf<Timestamp>();
    expect(back).toEqual(message);
  });

  it('encodes as protobuf does, for peers in Go', () => {
    const message = create(TimestampSchema, { seconds: 1n });

    expect(protobufCodec(TimestampSchema).encode(message)).toEqual(toBinary(TimestampSchema, message));
  });

  it('brings back nested messages and an empty one', () => {
    const struct: MessageShape<typeof StructSchema> = create(StructSchema, {
      fields: { a: { kind: { case: 'numberValue', value: 1 } } },
    });

    expect(roundTrip(protobufCodec(StructSchema), struct)).toEqual(struct);
    expect(roundTrip(protobufCodec(StructSchema), create(StructSchema))).toEqual(create(StructSchema));
  });

  it('hands out bytes that are not the cache’s own', async () => {
    const group = new Group('any', () => create(AnySchema, { typeUrl: 't', value: new Uint8Array([1, 2, 3]) }), {
      codec: protobufCodec(AnySchema),
    });

    (await group.get('k'))?.value.fill(9);

    expect((await group.get('k'))?.value).toEqual(new Uint8Array([1, 2, 3]));
  });

  it('keeps fields that the schema does not know', () => {
    const sent = toBinary(AnySchema, create(AnySchema, { typeUrl: 't', value: new Uint8Array([1]) }));
    const codec = protobufCodec(StructSchema);
    const unknown = Buffer.from([0x78, 0x05]);

    const back = codec.decode(ByteView.from(unknown));

    expect(codec.encode(back)).toEqual(new Uint8Array(unknown));
    expect(() => codec.decode(ByteView.from(sent.subarray(0, sent.length - 1)))).toThrow();
  });

  it.each<[string, unknown]>([
    ['a plain object', { seconds: 1n, nanos: 5 }],
    ['another message', create(StructSchema)],
    ['null', null],
  ])('refuses %s', (_what, value) => {
    const encode = (): unknown => protobufCodec(TimestampSchema).encode(value as Timestamp);

    expect(encode).toThrow(UnencodableValueError);
    expect(encode).toThrow('the result is not a message made by create(TimestampSchema)');
  });

  it('refuses fields of the wrong type', () => {
    const message = create(TimestampSchema, { nanos: 5 });
    message.nanos = 'five' as unknown as number;

    expect(() => protobufCodec(TimestampSchema).encode(message)).toThrow(UnencodableValueError);
  });
});
