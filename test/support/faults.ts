import { randomBytes } from 'node:crypto';

/** What may happen to all that a peer says and is told. */
export type Fault =
  /** Its connections are reset, further ones refused. */
  | { readonly kind: 'refuse' }
  /** Nothing arrives, in either direction, and no connection is made; what was sent arrives when that is over. */
  | { readonly kind: 'blackHole' }
  /** The connections that there are carry nothing any more, and nobody is told; further ones do. */
  | { readonly kind: 'halfOpen' }
  /** What it says arrives so much later. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** A share of the pieces that it sends is cut in the middle, and the connection reset. */
  | { readonly kind: 'resetMidway'; readonly share: number }
  /** Other bytes stand for those that it sends, some of them in a good HTTP answer. */
  | { readonly kind: 'garbage' }
  /** Answers of so many bytes. */
  | { readonly kind: 'oversize'; readonly bytes: number };

/** Stands for a piece of `length` bytes: nothing at all, or an answer whose body is no message. */
export function garbage(length: number, isWebSocket: boolean, random: () => number): Buffer {
  if (isWebSocket || random() < 0.5) return randomBytes(Math.max(1, length));
  const body = randomBytes(64);
  return Buffer.concat([httpHead(body.length), body]);
}

/** The beginning of an answer of `bytes`, the rest of which is zeros. */
export function oversizeHead(bytes: number, isWebSocket: boolean): Buffer {
  if (!isWebSocket) return httpHead(bytes);
  const head = Buffer.from([0x82, 127, 0, 0, 0, 0, 0, 0, 0, 0]);
  head.writeBigUInt64BE(BigInt(bytes), 2);
  return head;
}

function httpHead(length: number): Buffer {
  return Buffer.from(
    `HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\nx-groupcache: 1\r\ncontent-length: ${length}\r\n\r\n`,
  );
}
