import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { frameTypes } from '../../lib/peers/link/frames.js';

/** What happens to what passes a proxy. */
export interface Faults {
  /** The share of `invalidations` frames that are lost. */
  dropRate: number;
  /** Whole pieces of what is sent wait for up to so long, in their order. */
  delayMs: number;
}

export interface DroppedFrame {
  /** URL of the peer that it would have come to. */
  readonly to: string;
  readonly origin: string;
  /** The number of the first and of the last invalidation in it. */
  readonly from: number;
  readonly upTo: number;
}

export interface FaultProxyOptions {
  readonly random: () => number;
  readonly onDropped: (frame: DroppedFrame) => void;
}

/**
 * Stands before one peer, which has the proxy's URL for its own, and understands WebSocket messages and the frames of links
 * well enough to lose single frames of them.
 */
export class FaultProxy {
  readonly faults: Faults = { dropRate: 0, delayMs: 0 };
  readonly #options: FaultProxyOptions;
  readonly #server: Server;
  readonly #connections = new Set<ProxiedConnection>();
  #url = '';
  #targetPort = 0;

  private constructor(options: FaultProxyOptions) {
    this.#options = options;
    this.#server = createServer({ noDelay: true }, (dialer) => this.#accept(dialer));
  }

  static async start(options: FaultProxyOptions): Promise<FaultProxy> {
    const proxy = new FaultProxy(options);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    proxy.#url = `http://127.0.0.1:${(proxy.#server.address() as AddressInfo).port}`;
    return proxy;
  }

  get url(): string {
    return this.#url;
  }

  /** The peer listens at `port`, from now on; 0: nowhere. */
  forwardTo(port: number): void {
    this.#targetPort = port;
  }

  /** Resets a share of the connections; `isHalfWay`: each within the next message on it, if one comes. */
  reset(share: number, isHalfWay: boolean): void {
    for (const connection of this.#connections) {
      if (this.#options.random() >= share) continue;
      if (isHalfWay) connection.cutsNext = true;
      else connection.reset();
    }
  }

  /** Resets the connections of one peer. */
  resetFrom(url: string): void {
    for (const connection of this.#connections) if (connection.dialerUrl === url) connection.reset();
  }

  close(): void {
    this.#server.close();
    for (const connection of this.#connections) connection.reset();
  }

  #accept(dialer: Socket): void {
    if (this.#targetPort === 0) {
      dialer.resetAndDestroy();
      return;
    }
    const target = connect({ port: this.#targetPort, host: '127.0.0.1', noDelay: true });
    const connection = new ProxiedConnection(dialer, target, this.#url, this.faults, this.#options);
    this.#connections.add(connection);
    target.once('close', () => this.#connections.delete(connection));
  }
}

/** One connection through a proxy. */
class ProxiedConnection {
  cutsNext = false;
  /** URL of the peer that has dialed, once it has said it. */
  dialerUrl = '';
  isWebSocket = false;

  constructor(
    readonly dialer: Socket,
    readonly target: Socket,
    readonly targetUrl: string,
    readonly faults: Faults,
    readonly options: FaultProxyOptions,
  ) {
    const there = new Direction(this, target, true);
    const back = new Direction(this, dialer, false);
    dialer.on('data', (chunk: Buffer) => there.read(chunk));
    target.on('data', (chunk: Buffer) => back.read(chunk));
    for (const [one, other] of [
      [dialer, target],
      [target, dialer],
    ] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.end());
    }
  }

  reset(): void {
    this.dialer.resetAndDestroy();
    this.target.resetAndDestroy();
  }
}

const HEAD_END = '\r\n\r\n';

/** One direction of a connection: an HTTP head, then WebSocket messages if it has asked for that. */
class Direction {
  #rest: Buffer = Buffer.alloc(0);
  #isPastHead = false;
  /** What waits, in its order: timers do not keep theirs. */
  readonly #delayed: Buffer[] = [];

  constructor(
    readonly connection: ProxiedConnection,
    readonly to: Socket,
    readonly isFromDialer: boolean,
  ) {}

  read(chunk: Buffer): void {
    const { connection } = this;
    if (!this.#isPastHead) {
      this.#rest = Buffer.concat([this.#rest, chunk]);
      const end = this.#rest.indexOf(HEAD_END);
      if (end < 0) return;
      const head = this.#rest.subarray(0, end + HEAD_END.length);
      if (this.isFromDialer) connection.isWebSocket = /\r\nupgrade: *websocket/i.test(head.toString('latin1'));
      this.#isPastHead = true;
      const after = this.#rest.subarray(head.length);
      this.#rest = Buffer.alloc(0);
      this.#write(head);
      if (after.length > 0) this.read(after);
      return;
    }
    if (!connection.isWebSocket) return this.#write(chunk);
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let passed: Buffer[] = [];
    for (let message = this.#nextMessage(); message !== undefined; message = this.#nextMessage()) {
      if (connection.cutsNext) {
        this.to.write(message.subarray(0, Math.ceil(message.length / 2)), () => connection.reset());
        passed = [];
        return;
      }
      passed.push(this.#filter(message));
    }
    if (passed.length > 0) this.#write(passed.length === 1 ? passed[0]! : Buffer.concat(passed));
  }

  #nextMessage(): Buffer | undefined {
    const rest = this.#rest;
    if (rest.length < 2) return undefined;
    const [headLength, payloadLength] = headOf(rest);
    const length = headLength + payloadLength;
    if (rest.length < length) return undefined;
    this.#rest = rest.subarray(length);
    return rest.subarray(0, length);
  }

  #filter(message: Buffer): Buffer {
    const { connection } = this;
    if (connection.faults.dropRate === 0 && connection.dialerUrl !== '') return message;
    if ((message[0]! & 0x0f) !== 2) return message;
    const [headLength, payloadLength] = headOf(message);
    const payload = Buffer.from(message.subarray(headLength));
    const isMasked = (message[1]! & 0x80) !== 0;
    if (isMasked) {
      for (let index = 0; index < payloadLength; index++) payload[index]! ^= message[headLength - 4 + (index & 3)]!;
    }
    const kept: Buffer[] = [];
    for (let start = 0, end = 0; start < payload.length; start = end) {
      end = start + 4 + payload.readUInt32BE(start);
      const frame = payload.subarray(start, end);
      if (!this.#drops(frame)) kept.push(frame);
    }
    const whole = Buffer.concat(kept);
    return whole.length === payload.length ? message : messageOf(whole, isMasked);
  }

  #drops(frame: Buffer): boolean {
    const { connection } = this;
    const { faults, options } = connection;
    if (frame[4] === frameTypes.hello && this.isFromDialer) {
      connection.dialerUrl = (JSON.parse(frame.toString('utf8', 9)) as { url?: string }).url ?? 'client';
    }
    if (frame[4] !== frameTypes.invalidations || options.random() >= faults.dropRate) return false;
    const { origin, from, lines } = JSON.parse(frame.toString('utf8', 9)) as {
      origin: string;
      from: number;
      lines: unknown[];
    };
    const to = this.isFromDialer ? connection.targetUrl : connection.dialerUrl;
    options.onDropped({ to, origin, from, upTo: from + lines.length - 1 });
    return true;
  }

  #write(piece: Buffer): void {
    const { faults, options } = this.connection;
    if (faults.delayMs === 0 && this.#delayed.length === 0) {
      if (!this.to.destroyed) this.to.write(piece);
      return;
    }
    this.#delayed.push(piece);
    setTimeout(() => {
      const first = this.#delayed.shift()!;
      if (!this.to.destroyed) this.to.write(first);
    }, faults.delayMs * options.random());
  }
}

/** Lengths of the head and of the payload of the message at the beginning of `bytes`; endless if that is not known yet. */
function headOf(bytes: Buffer): [head: number, payload: number] {
  const maskLength = (bytes[1]! & 0x80) === 0 ? 0 : 4;
  const short = bytes[1]! & 0x7f;
  if (short < 126) return [2 + maskLength, short];
  const head = short === 126 ? 4 : 10;
  if (bytes.length < head) return [head, Number.POSITIVE_INFINITY];
  return [head + maskLength, short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2))];
}

/** A binary message; masked by zeros, which is a mask. */
function messageOf(payload: Buffer, isMasked: boolean): Buffer {
  const mask = isMasked ? [0, 0, 0, 0] : [];
  const bit = isMasked ? 0x80 : 0;
  const { length } = payload;
  const head = length < 126 ? [0x82, bit | length] : [0x82, bit | 127, 0, 0, 0, 0, 0, 0, 0, 0];
  const bytes = Buffer.from([...head, ...mask]);
  if (length >= 126) bytes.writeUInt32BE(length, 6);
  return Buffer.concat([bytes, payload]);
}
