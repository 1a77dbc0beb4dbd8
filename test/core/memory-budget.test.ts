import { MemoryBudget } from '../../lib/core/index.js';
import { describe, expect, it } from 'vitest';
import type { BudgetMember } from '../../lib/core/memory-budget.js';

class Member implements BudgetMember {
  constructor(
    public footprint: number,
    readonly step = 10,
  ) {}

  evictOne(): boolean {
    if (this.footprint === 0) return false;
    this.footprint = Math.max(0, this.footprint - this.step);
    return true;
  }
}

function budgetOf(maxBytes: number, ...members: Member[]): MemoryBudget {
  const budget = new MemoryBudget(maxBytes);
  for (const member of members) budget.add(member);
  return budget;
}

describe('MemoryBudget', () => {
  it('takes what is over from whoever holds the most', () => {
    const [small, large] = [new Member(20), new Member(100)];
    const budget = budgetOf(70, small, large);

    budget.enforce();

    expect([small.footprint, large.footprint]).toEqual([20, 50]);
    expect(budget.footprint).toBe(70);
  });

  it('goes on to the next one when the first is no longer the largest', () => {
    const [one, two] = [new Member(50), new Member(60)];

    budgetOf(60, one, two).enforce();

    expect([one.footprint, two.footprint]).toEqual([30, 30]);
  });

  it('leaves everything where it is within the bound, and without one', () => {
    const member = new Member(100);

    budgetOf(100, member).enforce();
    budgetOf(Infinity, member).enforce();

    expect(member.footprint).toBe(100);
  });

  it('counts nobody who has left', () => {
    const [stays, leaves] = [new Member(50), new Member(100)];
    const budget = budgetOf(60, stays, leaves);

    budget.remove(leaves);
    budget.enforce();

    expect([stays.footprint, leaves.footprint]).toEqual([50, 100]);
    expect(budget.footprint).toBe(50);
  });

  it('ends where nobody has anything to give', () => {
    const stubborn = new Member(100);
    stubborn.evictOne = () => false;

    budgetOf(10, stubborn).enforce();
    budgetOf(-1).enforce();

    expect(stubborn.footprint).toBe(100);
  });
});
