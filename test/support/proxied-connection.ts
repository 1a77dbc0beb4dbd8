import { connect, type Socket } from 'node:net';
import { garbage, oversizeHead, type Fault } from './faults.js';

export interface ProxiedConnectionOptions {
  /** Number of the peer that has dialed. */
  readonly from: number;
  /** Number of the peer that is dialed. */
  readonly to: number;
  readonly random: () => number;
  readonly fault: () => { readonly fault: Fault; readonly victim: number } | undefined;
  readonly onClosed: (connection: ProxiedConnection) => void;
  /** Whether it begins in a black hole. */
  readonly isHeld: boolean;
}

/** One connection through a proxy, with what befalls it. */
export class ProxiedConnection {
  readonly target: Socket;
  readonly #dialer: Socket;
  readonly #options: ProxiedConnectionOptions;
  #isWebSocket = false;
  /** For ever: the other side is as good as gone. */
  #isDead = false;
  #isHeld: boolean;
  /** Ends what was closed while it was held. */
  readonly #owed: (() => void)[] = [];

  constructor(dialer: Socket, port: number, options: ProxiedConnectionOptions) {
    this.#dialer = dialer;
    this.#options = options;
    this.#isHeld = options.isHeld;
    this.target = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#carry(dialer, this.target, options.from);
    this.#carry(this.target, dialer, options.to);
    dialer.once('data', (first: Buffer) => {
      this.#isWebSocket = /\r\nupgrade: *websocket/i.test(first.toString('latin1', 0, 4096));
    });
    for (const socket of [dialer, this.target]) {
      socket.once('close', () => {
        if (dialer.destroyed && this.target.destroyed) options.onClosed(this);
      });
    }
    if (options.isHeld) this.#hold();
    else dialer.resume();
  }

  touches(number: number): boolean {
    return this.#options.from === number || this.#options.to === number;
  }

  /** To be called when the fault of one of the two has become another. */
  faultChanged(before: Fault | undefined, now: Fault | undefined): void {
    if (now?.kind === 'blackHole') this.#hold();
    else if (this.#isHeld) this.#release();
    if (now?.kind === 'halfOpen') this.#isDead = true;
    else if (before?.kind === 'halfOpen' && this.#isDead) this.reset();
  }

  /** Without a word to either side. */
  destroy(): void {
    this.#dialer.destroy();
    this.target.destroy();
  }

  reset(): void {
    for (const socket of [this.#dialer, this.target]) if (!socket.destroyed) socket.resetAndDestroy();
  }

  #hold(): void {
    this.#isHeld = true;
    this.#dialer.pause();
    this.target.pause();
  }

  #release(): void {
    this.#isHeld = false;
    for (const end of this.#owed.splice(0)) end();
    this.#dialer.resume();
    this.target.resume();
  }

  #carry(from: Socket, to: Socket, speaker: number): void {
    const delayed: Buffer[] = [];
    const pass = (piece: Buffer): void => {
      if (!to.destroyed) to.write(piece);
    };
    from.on('data', (piece: Buffer) => {
      if (this.#isDead) return;
      const { fault, victim } = this.#options.fault() ?? {};
      const speaks = fault !== undefined && victim === speaker;
      const delayMs = speaks && fault.kind === 'delay' ? fault.ms : 0;
      if (delayMs > 0 || delayed.length > 0) {
        delayed.push(piece);
        setTimeout(() => pass(delayed.shift()!), delayMs);
      } else if (speaks) this.#spoil(piece, fault, from, to);
      else pass(piece);
    });
    from.on('error', () => undefined);
    from.on('close', () => {
      if (this.#isDead) return;
      const end = (): void => {
        // What is delayed goes first.
        if (delayed.length > 0 && !to.destroyed) setTimeout(end, 10);
        else if (from.errored) to.destroy();
        else to.destroySoon();
      };
      if (this.#isHeld) this.#owed.push(end);
      else end();
    });
  }

  #spoil(piece: Buffer, fault: Fault, from: Socket, to: Socket): void {
    const { random } = this.#options;
    if (to.destroyed) return;
    switch (fault.kind) {
      case 'resetMidway':
        if (random() >= fault.share) to.write(piece);
        else to.write(piece.subarray(0, Math.ceil(piece.length / 2)), () => this.reset());
        return;
      case 'garbage':
        to.write(garbage(piece.length, this.#isWebSocket, random));
        return;
      case 'oversize':
        to.write(oversizeHead(fault.bytes, this.#isWebSocket));
        pour(to, fault.bytes);
        from.pause();
        return;
      default:
        to.write(piece);
    }
  }
}

const ZEROS = Buffer.alloc(64 * 1024);

/** Writes `bytes` of zeros, as fast as they are taken. */
function pour(to: Socket, bytes: number): void {
  let left = bytes;
  const more = (): void => {
    while (left > 0 && !to.destroyed) {
      const piece = ZEROS.subarray(0, Math.min(left, ZEROS.length));
      left -= piece.length;
      if (!to.write(piece)) {
        to.once('drain', more);
        return;
      }
    }
  };
  more();
}
