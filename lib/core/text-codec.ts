import type { Codec } from './codec.js';
import { UnencodableValueError } from './errors.js';

/** Strings as UTF-8: Go's `StringSink`. Lone surrogates, which UTF-8 does not have, become U+FFFD. */
export const textCodec: Codec<string> = {
  name: 'text',
  freezable: true,
  encode(value) {
    if (typeof value !== 'string') throw new UnencodableValueError('text', 'the result', 'is not a string');
    return value;
  },
  decode: (view) => view.toString(),
};
