import { Injectable, type INestApplication } from '@nestjs/common';
import { Cached, GroupService } from 'nestjs-groupcache';
import { AsyncLocalStorage } from 'node:async_hooks';
import { afterEach, describe, expect, it } from 'vitest';
import { closeApps, ownerAndOther, startCluster } from './apps.js';

interface Request {
  readonly tenant: string;
  readonly transaction?: { isOpen: boolean };
}
const request = new AsyncLocalStorage<Request>();

@Injectable()
class Tenants {
  seen: (Request | undefined)[] = [];
  @Cached('names')
  async name(id: string): Promise<string> {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
    this.seen.push(request.getStore());
    return `${id} for ${request.getStore()?.tenant ?? 'nobody'}`;
  }
  @Cached('sync names')
  syncName(id: string): Promise<string> {
    this.seen.push(request.getStore());
    return Promise.resolve(id);
  }
}

/** Runs every request in a tenant's context, as a middleware does: those of peers as well. */
function inTenant(app: INestApplication): void {
  app.use((_request: unknown, _response: unknown, next: () => void) => request.run({ tenant: 'middleware' }, next));
}

afterEach(closeApps);

describe('a load of Cached', () => {
  it.each(['owner', 'other'])('does not see the context of its callers, asked by the %s', async (asker) => {
    const apps = await startCluster(2, { providers: [Tenants], configure: inTenant });
    const [owner, other] = ownerAndOther(apps, '7');
    const asked = (asker === 'owner' ? owner : other).get(Tenants);
    const transaction = { isOpen: true };

    const names = await Promise.all([
      request.run({ tenant: 'one', transaction }, () => asked.name('7')),
      request.run({ tenant: 'two' }, () => asked.name('7')),
      request.run({ tenant: 'one', transaction }, () => asked.syncName('7')),
    ]);

    expect(names).toEqual(['7 for nobody', '7 for nobody', '7']);
    expect(owner.get(Tenants).seen).toEqual([undefined, undefined]);
    expect(other.get(Tenants).seen).toEqual([]);
  });

  it('does not see it through GroupService either, nor in a loader of define', async () => {
    const [app] = await startCluster(1, { providers: [Tenants] });
    const groups = app!.get(GroupService);
    const seen: unknown[] = [];
    groups.define('defined', {}, () => seen.push(request.getStore()));

    await request.run({ tenant: 'one' }, async () => {
      await groups.get('names', '7');
      await groups.get('defined', '7');
    });

    expect(app!.get(Tenants).seen).toEqual([undefined]);
    expect(seen).toEqual([undefined]);
  });

  it('leaves callers their own context', async () => {
    const [app] = await startCluster(1, { providers: [Tenants] });
    const service = app!.get(Tenants);

    const after = await Promise.all(
      ['one', 'two', 'one'].map((tenant) =>
        request.run({ tenant }, async () => {
          await service.name('7');
          return request.getStore()?.tenant;
        }),
      ),
    );

    expect(after).toEqual(['one', 'two', 'one']);
  });
});
