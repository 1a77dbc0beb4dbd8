/** Something that holds memory and can give some back. */
export interface BudgetMember {
  /** Bytes that it now holds. */
  readonly footprint: number;
  /** Evicts one entry; false if there is nothing left. */
  evictOne(): boolean;
}

/**
 * One bound in bytes over several groups. What goes over it is taken from whichever group holds the most.
 */
export class MemoryBudget {
  readonly #members = new Set<BudgetMember>();

  /** `maxBytes` 0 or more; `Infinity` for no bound. */
  constructor(readonly maxBytes: number) {}

  add(member: BudgetMember): void {
    this.#members.add(member);
  }

  remove(member: BudgetMember): void {
    this.#members.delete(member);
  }

  /** Bytes that all members hold. */
  get footprint(): number {
    let total = 0;
    for (const member of this.#members) total += member.footprint;
    return total;
  }

  /** Evicts until all members together are within the bound. */
  enforce(): void {
    if (this.maxBytes === Number.POSITIVE_INFINITY) return;
    let excess = this.footprint - this.maxBytes;
    while (excess > 0) {
      const largest = this.#largest();
      if (largest === undefined) return;
      const before = largest.footprint;
      if (!largest.evictOne()) return;
      excess -= before - largest.footprint;
    }
  }

  #largest(): BudgetMember | undefined {
    let largest: BudgetMember | undefined;
    for (const member of this.#members) {
      if (largest === undefined || member.footprint > largest.footprint) largest = member;
    }
    return largest;
  }
}
