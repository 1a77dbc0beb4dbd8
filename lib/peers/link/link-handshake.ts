import { createHash, randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { PeerAuth } from '../peer-auth.js';
import { FrameWriter } from './frame-writer.js';
import { FRAME_HEAD_BYTES, frameTypes } from './frames.js';

/** Who one side of a link says that it is. */
export interface LinkHello {
  readonly version: 1;
  /** What else it understands; unknown ones are skipped. */
  readonly capabilities: readonly string[];
  /** Which process it is. */
  readonly bootId: string;
  /** Its URL as it stands in the ring; none for a client. */
  readonly url?: string;
  /** From the side that has dialed: the URL that it has dialed. */
  readonly to?: string;
  /** What its ring is made of, by digest. */
  readonly ring: string;
  /** The share of its keys that it takes, from 0 up to 1. */
  readonly share?: number;
  /** Milliseconds for which it has been serving; not said in the first moments, while it hears its peers. */
  readonly servedMs?: number;
  /** Random, and new for every link. */
  readonly nonce: string;
}

export interface HandshakeOptions {
  readonly isDialer: boolean;
  readonly hello: Omit<LinkHello, 'version' | 'capabilities' | 'nonce'>;
  readonly auth: PeerAuth;
  /** Whether the connection has proven the other side by its certificate. Both must say so, or it counts for neither. */
  readonly isProvenByTls: boolean;
  readonly timeoutMs: number;
  /** Why the other side is not wanted, before it has proven anything; `undefined` if it is. */
  readonly refusal: (hello: LinkHello) => string | undefined;
  /** Called within the message that has proven the other side; `isMutual`: both, by a secret or by TLS. What it says next is the callee's. */
  readonly onProven: (hello: LinkHello, isMutual: boolean) => void;
}

/** What an unproven side may send, in all. */
const MAX_UNPROVEN_BYTES = 16 * 1024;
const MAX_TEXT_CHARACTERS = 2 * 1024;

/**
 * Says hello and proves it, and lets the other side do so: nothing else is said before.
 *
 * Each side's proof is an HMAC over its role, both URLs, both nonces and the digests of both hellos, so that it is good for
 * this link and this direction alone, and needs no clock. Whatever goes wrong closes the socket, with the reason.
 * `raw` is the socket's connection.
 */
export function shakeHands(socket: WebSocket, raw: Duplex | undefined, options: HandshakeOptions): void {
  const { isDialer, isProvenByTls, auth } = options;
  const own = JSON.stringify({
    version: 1,
    capabilities: isProvenByTls ? [MUTUAL_TLS] : [],
    ...options.hello,
    nonce: randomBytes(18).toString('base64url'),
  } satisfies LinkHello);
  let other: { readonly text: string; readonly hello: LinkHello } | undefined;
  let received = 0;
  let isOver = false;

  const end = (): void => {
    isOver = true;
    clearTimeout(timer);
    socket.off('message', read);
    raw?.off('data', count);
    socket.off('error', fail);
  };
  let ownProof = '';
  const refuse = (reason: string): void => {
    if (isOver) return;
    end();
    socket.on('error', () => undefined);
    socket.close(REFUSED, reason.slice(0, 100));
    // Whoever does not know how to shake hands may not know how to close, either.
    setTimeout(() => socket.terminate(), 1_000).unref();
  };
  const fail = (): void => socket.terminate();
  const count = (chunk: Buffer): void => {
    received += chunk.length;
    if (!isOver && received > MAX_UNPROVEN_BYTES) socket.terminate();
  };
  const read = (message: Buffer, isBinary: boolean): void => {
    try {
      if (!isBinary) throw new RangeError('is a text');
      if (other === undefined) readHello(message);
      else readProof(message, other.text, other.hello);
    } catch (error) {
      refuse(`a message ${error instanceof RangeError ? error.message : 'is not well-formed'}`);
    }
  };
  const readHello = (message: Buffer): void => {
    const text = bodyOf(message, frameTypes.hello);
    const hello = parseHello(text);
    const refusal = options.refusal(hello);
    if (refusal !== undefined) return refuse(refusal);
    other = { text, hello };
    ownProof = auth.prove(transcript(isDialer, isDialer, own, text));
    send(socket, frameTypes.proof, ownProof);
  };
  const readProof = (message: Buffer, text: string, hello: LinkHello): void => {
    const proof = bodyOf(message, frameTypes.proof);
    const refusal = auth.refusalOfProof(transcript(isDialer, !isDialer, own, text), proof);
    if (refusal !== undefined) return refuse(refusal);
    end();
    const isByTls = isProvenByTls && hello.capabilities.includes(MUTUAL_TLS);
    options.onProven(hello, isByTls || (ownProof !== '' && proof !== ''));
  };

  const timer = setTimeout(() => socket.terminate(), options.timeoutMs).unref();
  socket.on('message', read);
  socket.on('error', fail);
  socket.once('close', end);
  raw?.on('data', count);
  send(socket, frameTypes.hello, own);
}

/** In `capabilities`: that the sender takes the other side's certificate for a proof. */
const MUTUAL_TLS = 'mutual-tls';

/** WebSocket close code of a side that is not wanted. */
export const REFUSED = 4403;

function send(socket: WebSocket, type: number, content: string): void {
  const frames = new FrameWriter();
  frames.other(type, 0, content);
  socket.send(frames.take());
}

/** The content of the one frame that `message` must be. */
function bodyOf(message: Buffer, type: number): string {
  if (message.length < FRAME_HEAD_BYTES || message.readUInt32BE(0) !== message.length - 4) {
    throw new RangeError('is not one frame');
  }
  if (message[4] !== type) throw new RangeError('is not the frame that was expected');
  return message.toString('utf8', FRAME_HEAD_BYTES);
}

function parseHello(text: string): LinkHello {
  const hello = JSON.parse(text) as Partial<Record<keyof LinkHello, unknown>> | null;
  if (hello?.version !== 1) throw new RangeError('is of another version');
  const { bootId, ring, nonce, url, to, capabilities, share, servedMs } = hello;
  const isWhole = [bootId, ring, nonce].every(isText) && (nonce as string).length >= 16;
  const isFitting = [url, to].every((value) => value === undefined || isText(value));
  const hasNumbers = [share, servedMs].every((value) => value === undefined || (value as number) >= 0);
  if (!isWhole || !isFitting || !hasNumbers) throw new RangeError('is no hello');
  return { ...hello, capabilities: Array.isArray(capabilities) ? capabilities : [] } as LinkHello;
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value.length <= MAX_TEXT_CHARACTERS;
}

/** What the dialer (`ofDialer`) or the acceptor proves. */
function transcript(isDialer: boolean, ofDialer: boolean, own: string, other: string): string[] {
  const [dialer, acceptor] = isDialer ? [own, other] : [other, own];
  const [dialing, accepting] = [JSON.parse(dialer) as LinkHello, JSON.parse(acceptor) as LinkHello];
  return [
    ofDialer ? 'dialer' : 'acceptor',
    dialing.url ?? '',
    dialing.to ?? '',
    dialing.nonce,
    accepting.nonce,
    digest(dialer),
    digest(acceptor),
  ];
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
