import { types } from 'node:util';
import type { Codec } from './codec.js';
import { UnencodableValueError } from './errors.js';

/** Bytes as they are: Go's `AllocatingByteSliceSink`. Every caller gets a Buffer of its own. */
export const bytesCodec: Codec<Buffer> = {
  name: 'bytes',
  encode(value) {
    if (!types.isUint8Array(value)) {
      throw new UnencodableValueError('bytes', 'the result', 'is not a Buffer or Uint8Array');
    }
    return value;
  },
  decode: (view) => view.toBuffer(),
};
