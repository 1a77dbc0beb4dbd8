import { fromBinary, isMessage, toBinary, type DescMessage, type MessageShape } from '@bufbuild/protobuf';
import type { Codec } from '../core/codec.js';
import { UnencodableValueError } from '../core/errors.js';

/**
 * A codec for messages of `schema`, as `protoc-gen-es` 2 generates it: Go's `ProtoSink`.
 *
 * The bytes are protobuf's own, so that Go peers read them. Fields that the schema does not know are kept.
 *
 * Needs `@bufbuild/protobuf` 2, an optional peer dependency.
 */
export function protobufCodec<Schema extends DescMessage>(schema: Schema): Codec<MessageShape<Schema>> {
  const name = `protobuf ${schema.typeName}`;
  return {
    name,
    encode(message) {
      if (!isMessage(message, schema)) {
        throw new UnencodableValueError(name, 'the result', `is not a message made by create(${schema.name}Schema)`);
      }
      try {
        return toBinary(schema, message);
      } catch (error) {
        throw new UnencodableValueError(name, 'the result', `is not encodable (${(error as Error).message})`);
      }
    },
    decode(view) {
      // Fields of bytes are views into what they are read from: of this copy, not of the cache.
      const copy = new Uint8Array(view.length);
      view.copyTo(copy);
      return fromBinary(schema, copy);
    },
  };
}
