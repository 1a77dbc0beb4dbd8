import type { Clock } from '../../core/clock.js';
import type { InvalidationResult } from '../../core/invalidation-result.js';

interface Confirmation {
  readonly seq: number;
  readonly pending: Set<string>;
  readonly acknowledged: string[];
  readonly settle: () => void;
}

interface Confirmer {
  /** What it has confirmed. */
  seq: number;
  /** In the order of their numbers; the settled ones among them are skipped. */
  waiting: Confirmation[];
}

/** Who of the peers has confirmed what this process has invalidated. */
export class Confirmations {
  readonly #peers = new Map<string, Confirmer>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves once all `peers` have confirmed number `seq`, which must not sink, or `timeoutMs` is over. */
  of(seq: number, peers: readonly string[], timeoutMs: number): Promise<InvalidationResult> {
    return new Promise((resolve) => {
      const pending = new Set<string>();
      const acknowledged: string[] = [];
      const settle = (): void => {
        stopTimer();
        resolve({ complete: pending.size === 0, acknowledged, pending: [...pending] });
      };
      const confirmation: Confirmation = { seq, pending, acknowledged, settle };
      for (const peer of peers) {
        const confirmer = this.#confirmer(peer);
        if (confirmer.seq >= seq) acknowledged.push(peer);
        else {
          pending.add(peer);
          confirmer.waiting.push(confirmation);
        }
      }
      const stopTimer = this.#clock.after(timeoutMs, () => {
        for (const peer of pending) this.#forget(peer, confirmation);
        settle();
      });
      if (pending.size === 0) settle();
    });
  }

  /** `peer` has applied all up to number `seq`. */
  confirm(peer: string, seq: number): void {
    const confirmer = this.#confirmer(peer);
    if (seq <= confirmer.seq) return;
    confirmer.seq = seq;
    const isAfter = confirmer.waiting.findIndex((confirmation) => confirmation.seq > seq);
    const confirmed = confirmer.waiting.splice(0, isAfter < 0 ? confirmer.waiting.length : isAfter);
    for (const { pending, acknowledged, settle } of confirmed) {
      if (!pending.delete(peer)) continue;
      acknowledged.push(peer);
      if (pending.size === 0) settle();
    }
  }

  #confirmer(peer: string): Confirmer {
    let confirmer = this.#peers.get(peer);
    if (confirmer === undefined) this.#peers.set(peer, (confirmer = { seq: 0, waiting: [] }));
    return confirmer;
  }

  /** They time out mostly in their order. */
  #forget(peer: string, confirmation: Confirmation): void {
    const { waiting } = this.#confirmer(peer);
    if (waiting[0] === confirmation) waiting.shift();
    else {
      const index = waiting.indexOf(confirmation);
      if (index >= 0) waiting.splice(index, 1);
    }
  }
}
