import { Injectable } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { Cached, defineGroup, GroupcacheModule, GroupService, HttpPool } from 'nestjs-groupcache';
import { ManualClock } from 'nestjs-groupcache/testing';
import { GroupcacheTesting, GroupcacheTestingModule } from 'nestjs-groupcache/testing/nest';
import { getActiveResourcesInfo } from 'node:process';
import { afterEach, describe, expect, it } from 'vitest';
import { closeApps, closeLater, moduleOf } from './apps.js';

const Squares = defineGroup<[number: number], number>('squares');

@Injectable()
class SquareService {
  runs = 0;
  @Cached(Squares)
  async square(number: number): Promise<number> {
    this.runs++;
    return number * number;
  }
}

/** A part of an application whose root has the cache. */
const feature = moduleOf({
  imports: [
    GroupcacheModule.forFeature([
      {
        group: 'lengths',
        useFactory:
          () =>
          ([key]: [string]) =>
            key.length,
      },
    ]),
  ],
  providers: [SquareService],
});

async function start(cache: ReturnType<typeof GroupcacheTestingModule.inMemory>): Promise<TestingModule> {
  const module = await Test.createTestingModule({ imports: [cache, feature] }).compile();
  return closeLater(await module.init());
}

afterEach(closeApps);

describe('GroupcacheTestingModule.passThrough', () => {
  it('just runs methods, and loads at every get', async () => {
    const module = await start(GroupcacheTestingModule.passThrough());
    const service = module.get(SquareService, { strict: false });
    const groups = module.get(GroupService, { strict: false });

    await service.square(2);
    await service.square(2);
    await groups.of(Squares).get(2);
    await groups.of(Squares).get(2);

    expect(service.runs).toBe(4);
    expect(await groups.get('lengths', 'abc')).toBe(3);
    expect(groups.peek('lengths', 'abc')).toBeUndefined();
  });
});

describe('GroupcacheTestingModule.inMemory', () => {
  it('caches, until clearAll', async () => {
    const module = await start(GroupcacheTestingModule.inMemory());
    const service = module.get(SquareService, { strict: false });
    const groups = module.get(GroupService, { strict: false });
    await service.square(2);
    await service.square(2);
    await groups.get('lengths', 'abc');
    expect(service.runs).toBe(1);

    module.get(GroupcacheTesting).clearAll();

    expect(groups.of(Squares).peek(2)).toBeUndefined();
    expect(groups.peek('lengths', 'abc')).toBeUndefined();
    await service.square(2);
    expect(service.runs).toBe(2);
  });

  it('takes defaults and maxTotalBytes', async () => {
    const module = await start(
      GroupcacheTestingModule.inMemory({ defaults: { cacheBytes: 0 }, maxTotalBytes: '1MiB' }),
    );
    const service = module.get(SquareService, { strict: false });

    await service.square(2);
    await service.square(2);

    expect(service.runs).toBe(2);
  });

  it('takes a clock, so that no test waits for values to expire', async () => {
    const clock = new ManualClock();
    const module = await start(GroupcacheTestingModule.inMemory({ clock, defaults: { ttl: '1h' } }));
    const service = module.get(SquareService, { strict: false });
    await service.square(3);

    clock.advance(3_599_999);
    await service.square(3);
    expect(service.runs).toBe(1);
    clock.advance(1);
    await service.square(3);
    expect(service.runs).toBe(2);
  });

  it('opens no sockets and asks nobody', async () => {
    const before = getActiveResourcesInfo().filter((kind) => /TCP|Server|Timeout/.test(kind));
    const module = await start(GroupcacheTestingModule.inMemory());
    await module.get(SquareService, { strict: false }).square(2);
    const pool = module.get(HttpPool, { strict: false });

    expect([pool.self, pool.peers, pool.hasPeers]).toEqual([undefined, [], false]);
    expect(getActiveResourcesInfo().filter((kind) => /TCP|Server|Timeout/.test(kind))).toEqual(before);
  });
});
