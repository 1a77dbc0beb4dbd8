import { ByteView, type Codec } from '../../lib/core/index.js';

/** What `codec` makes of `value` in another process: its bytes are sent and decoded there. */
export function roundTrip<Value>(codec: Codec<Value>, value: Value): Value {
  const encoded = codec.encode(value);
  const sent = Buffer.from(typeof encoded === 'string' ? Buffer.from(encoded) : encoded);
  return codec.decode(ByteView.from(sent));
}
