import { FaultProxy } from './fault-proxy.js';
import type { Fault } from './faults.js';

/**
 * A proxy before each of a few peers, through which all that they say to each other goes.
 *
 * A peer is known by its number: it is asked at the URL of its proxy, and dials from an address of its own (`addressOf`; all
 * of 127.0.0.0/8 is loopback on Linux), so that a fault meets its connections whichever side has dialed.
 */
export class FaultNetwork {
  readonly #proxies: FaultProxy[] = [];
  readonly #faults = new Map<number, Fault>();
  readonly #random: () => number;

  /** `random` gives numbers from 0 up to 1. */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** The number of one more peer. */
  async add(): Promise<number> {
    const number = this.#proxies.length;
    const faultBetween = (dialer: number): ReturnType<FaultNetwork['between']> => this.between(dialer, number);
    this.#proxies.push(await FaultProxy.start({ number, numberOf, faultBetween, random: this.#random }));
    return number;
  }

  urlOf(number: number): string {
    return this.#proxies[number]!.url;
  }

  /** Where the peer has to dial from. */
  addressOf(number: number): string {
    return `127.0.0.${FIRST_ADDRESS + number}`;
  }

  /** The peer listens at `port` from now on. */
  async up(number: number, port: number): Promise<void> {
    await this.#proxies[number]!.forwardTo(port);
  }

  /** Nobody listens there any more: connections are refused. */
  async down(number: number): Promise<void> {
    await this.#proxies[number]!.forwardTo(0);
  }

  /** What happens from now on to all that the peer says and is told. */
  async setFault(number: number, fault: Fault | undefined): Promise<void> {
    const before = this.#faults.get(number);
    if (fault === undefined) this.#faults.delete(number);
    else this.#faults.set(number, fault);
    const own = this.#proxies[number]!;
    if (fault?.kind === 'refuse') await own.refuse();
    if (fault?.kind === 'blackHole') await own.vanish();
    for (const proxy of this.#proxies) {
      for (const connection of proxy.connections) {
        if (connection.touches(number)) connection.faultChanged(before, fault);
      }
    }
    if (fault === undefined) await own.appear();
  }

  /** Resets all connections of the peer, once. */
  reset(number: number): void {
    for (const proxy of this.#proxies) {
      for (const connection of proxy.connections) if (connection.touches(number)) connection.reset();
    }
  }

  /** The fault of either, and whose it is. */
  between(dialer: number, target: number): { readonly fault: Fault; readonly victim: number } | undefined {
    const victim = this.#faults.has(target) ? target : dialer;
    const fault = this.#faults.get(victim);
    return fault === undefined ? undefined : { fault, victim };
  }

  async close(): Promise<void> {
    await Promise.all(this.#proxies.map((proxy) => proxy.close()));
  }
}

const FIRST_ADDRESS = 2;

/** The number of the peer that dials from `address`; below 0: no peer. */
function numberOf(address: string | undefined): number {
  return Number(/\.(\d+)$/.exec(address ?? '')?.[1] ?? 0) - FIRST_ADDRESS;
}
