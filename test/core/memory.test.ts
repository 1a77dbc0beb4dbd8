import { describe, expect, it } from 'vitest';
import { ByteView, Group, GroupRegistry, promoteAlways, textCodec } from '../../lib/core/index.js';
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

async function loadUnlessSlow(key: string): Promise<string> {
  return key === 'slow' ? new Promise(() => undefined) : page(1);
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

  it.each(['peer', 'getter'])('keeps no value behind a load by the %s that is slow', async (by) => {
    const get = async ({ key }: { key: string }) =>
      ({ outcome: 'value', value: ByteView.from(await loadUnlessSlow(key)), minuteQps: 0 }) as const;
    const peer = { url: 'http://10.0.0.2:3000', get };
    const group = new Group('pages', loadUnlessSlow, {
      codec: textCodec,
      cacheBytes: 0,
      peers: { pickPeer: () => (by === 'peer' ? peer : undefined) },
    });

    const growth = await heapGrowth(async () => {
      void group.get('slow');
      for (let key = 0; key < KEPT; key++) await group.get(String(key));
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

  it('counts a copy of another peer’s text with wide characters at two bytes a character', async () => {
    const texts = [`${'x'.repeat(1997)}é€`, `${'x'.repeat(1997)}a€`];
    const get = async ({ key }: { key: string }) =>
      ({ outcome: 'value', value: ByteView.from(texts[Number(key)]!), minuteQps: 0 }) as const;
    const group = new Group('texts', () => '', {
      codec: textCodec,
      eviction: 'lru',
      promote: promoteAlways,
      peers: { pickPeer: () => ({ url: 'http://10.0.0.2:3000', get }) },
    });

    for (const key of ['0', '1']) {
      const before = group.footprint;
      expect(await group.get(key)).toBe(texts[Number(key)]);
      expect(group.footprint - before).toBeGreaterThan(2 * 1999);
    }
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
