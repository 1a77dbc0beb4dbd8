import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { PeerAuth } from 'nestjs-groupcache/peers';
import { WebSocket } from 'ws';
import { FrameWriter } from '../../../lib/peers/link/frame-writer.js';
import { frameTypes } from '../../../lib/peers/link/frames.js';
import { readFrames } from '../../../lib/peers/link/read-frames.js';

export const secret = 'a secret of the peers';

/** A frame as it has arrived. */
export interface ReadFrame {
  readonly kind: 'get' | 'value' | 'part' | 'other';
  readonly type: number;
  readonly id: number;
  readonly body: Buffer;
}

/** One end of a link that says what a test wants it to. */
export interface RawLink {
  readonly socket: WebSocket;
  /** The frames that have arrived, in their order. */
  readonly frames: ReadFrame[];
  send(write: (frames: FrameWriter) => void): void;
  /** Resolves once a frame is there for which `isIt`. */
  until(isIt: (frame: ReadFrame) => boolean): Promise<ReadFrame>;
  /** Resolves to the code and reason of the close. */
  readonly closed: Promise<[number, string]>;
}

export interface RawLinkOptions {
  readonly origin?: string;
  /** Whether pings are answered. Default true. */
  readonly autoPong?: boolean;
}

/** Dials the peer at `url`, and says nothing. */
export async function dialRaw(url: string, options: RawLinkOptions = {}): Promise<RawLink> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/_groupcache/`, { ...options, perMessageDeflate: false });
  const frames: ReadFrame[] = [];
  const waiting = new Set<() => void>();
  const add = (frame: ReadFrame): void => {
    frames.push(frame);
    for (const look of waiting) look();
  };
  socket.on('message', (message: Buffer) =>
    readFrames(message, {
      onGet: (id, _timeoutMs, _group, key) => add({ kind: 'get', type: frameTypes.get, id, body: Buffer.from(key) }),
      onUnreadable: () => undefined,
      onValue: (id, whole, start, end, _fields, isLast) =>
        add({ kind: isLast ? 'value' : 'part', type: frameTypes.value, id, body: whole.subarray(start, end) }),
      onOther: (type, id, body) => add({ kind: 'other', type, id, body }),
    }),
  );
  socket.on('error', () => undefined);
  const closed = new Promise<[number, string]>((resolve) =>
    socket.once('close', (code, reason) => resolve([code, reason.toString()])),
  );
  await once(socket, 'open');
  return {
    socket,
    frames,
    closed,
    send(write) {
      const writer = new FrameWriter();
      write(writer);
      socket.send(writer.take());
    },
    until: (isIt) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = frames.find((frame) => isIt(frame));
          if (found === undefined) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        socket.once('close', () => reject(new Error('closed before it came')));
        look();
      }),
  };
}

/** What a raw end says of itself. */
export interface RawIdentity {
  readonly url?: string;
  readonly to: string;
  /** `undefined`: the peers' own; empty: no proof is given. */
  readonly secret?: string;
  readonly bootId?: string;
}

export function helloOf({ url, to, bootId = 'raw' }: RawIdentity): string {
  const nonce = randomBytes(18).toString('base64url');
  return JSON.stringify({ version: 1, capabilities: [], bootId, url, to, ring: 'other', nonce });
}

/** The dialer's proof, computed from docs/wire.md and not by the code under test. */
export function proofOf(identity: RawIdentity, own: string, other: string): string {
  const lines = ['dialer', identity.url ?? '', identity.to, nonce(own), nonce(other), digest(own), digest(other)];
  return identity.secret === '' ? '' : new PeerAuth({ secret: identity.secret ?? secret }).prove(lines);
}

/** Dials and shakes hands. */
export async function linkRaw(identity: RawIdentity, options: RawLinkOptions = {}): Promise<RawLink> {
  const link = await dialRaw(identity.to, options);
  const own = helloOf(identity);
  link.send((frames) => frames.other(frameTypes.hello, 0, own));
  const other = await link.until(({ type }) => type === frameTypes.hello);
  link.send((frames) => frames.other(frameTypes.proof, 0, proofOf(identity, own, other.body.toString())));
  await link.until(({ type }) => type === frameTypes.proof);
  return link;
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
const nonce = (text: string): string => (JSON.parse(text) as { nonce: string }).nonce;
