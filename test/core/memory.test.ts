import { describe, expect, it } from 'vitest';
import { Group, GroupRegistry, textCodec } from '../../lib/core/index.js';
import { AsyncLocalStorage } from 'node:async_hooks';

const KEPT = 200;

/** Bytes that the heap grows by while `fill` runs, with what it returns still alive. */
async function heapGrowth(fill: () => Promise<unknown>): Promise<number> {
  const collect = (globalThis as { gc?: () => void }).gc!;
  collect();
  const before = process.memoryUsage().heapUsed;
  const kept = await fill();
  collect();
  const growth = process.memoryUsage().heapUsed - before;
  expect(kept).toBeDefined();
  return growth;
}

/** A text of 100 KB that is one piece in memory. */
function page(number: number): string {
  return Buffer.alloc(100_000, `page ${number} `).toString('latin1');
}

describe('The memory of a Group', () => {
  it('holds a value that was cut out of a long text without the text', async () => {
    const growth = await heapGrowth(async () => {
      const group = new Group('pieces', (key) => page(Number(key)).slice(10, 110), { codec: textCodec });
      for (let key = 0; key < KEPT; key++) await group.get(String(key));
      return group;
    });

    expect(growth).toBeLessThan(KEPT * 5_000);
  });

  it('holds a key that was cut out of a long text without the text', async () => {
    const growth = await heapGrowth(async () => {
      const group = new Group('pieces', () => 'value', { codec: textCodec });
      for (let number = 0; number < KEPT; number++) await group.get(page(number).slice(0, 50) + number);
      for (let number = 0; number < KEPT; number++) await group.get(`${number} ${page(number)}`.slice(0, 60));
      return group;
    });

    expect(growth).toBeLessThan(KEPT * 10_000);
  });

  it('counts text with wide characters at two bytes a character', async () => {
    const [narrow, wide] = ['x'.repeat(2000), `${'x'.repeat(1997)}€`];
    const group = new Group('texts', (key) => (key === 'wide' ? wide : narrow), { codec: textCodec });

    await group.get('narrow');
    const ofNarrow = group.footprint;
    await group.get('wide');

    expect(group.footprint - ofNarrow).toBeGreaterThan(ofNarrow + 1_900);
  });
});

describe('GroupRegistry.define', () => {
  it('keeps loads out of the context of a request that defines a group', async () => {
    const tenants = new AsyncLocalStorage<string>();
    const groups = new GroupRegistry();
    const group = tenants.run('A', () =>
      groups.define('late', () => tenants.getStore() ?? 'nobody', { codec: textCodec }),
    );

    expect(await tenants.run('B', () => group.get('key'))).toBe('nobody');
  });
});
