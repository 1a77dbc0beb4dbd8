import { Controller, Get, Injectable } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { Cached, GroupcacheModule, GroupService, httpExceptionFailures, type FailureCodec } from 'nestjs-groupcache';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { closeApps, createApp, logged, moduleOf, secret, startApp } from './apps.js';
import { ownerAndOther, startCluster } from './apps.js';

afterEach(closeApps);

class OutOfStock extends Error {
  override name = 'OutOfStock';
}

@Injectable()
class Stock {
  runs = 0;

  @Cached('stock')
  async count(item: string): Promise<number> {
    this.runs++;
    if (item === 'none') throw new OutOfStock('there is none');
    return item.length;
  }
}

@Injectable()
class Rival {
  @Cached('stock')
  async count(item: string): Promise<number> {
    return item.length;
  }
}

@Controller('stock')
class StockController {
  @Get()
  list(): string {
    return 'all';
  }
}

describe('GroupcacheModule.forRoot', () => {
  it('fails at start when it is imported twice, and says what to do', async () => {
    const twice = createApp({ imports: [moduleOf({ imports: [GroupcacheModule.forRoot()] })], groupcache: {} });

    await expect(twice).rejects.toThrow(/it is imported more than once: import it once/);
  });

  it('gives methods back when the start fails', async () => {
    const stock = new Stock();
    const providers = [{ provide: Stock, useValue: stock }];
    const failing = await createApp({ providers: [...providers, Rival], groupcache: {} });
    await expect(failing.init()).rejects.toThrow(/defined twice/);

    const app = await startApp({ providers, groupcache: {} });
    await stock.count('bolts');
    await stock.count('bolts');

    expect(stock.runs).toBe(1);
    expect(app.get(GroupService).group('stock').stats.gets).toBe(2);
  });

  it('keeps the peer controller out of the OpenAPI document', async () => {
    const app = await startApp({ controllers: [StockController], groupcache: {} });

    const { paths } = SwaggerModule.createDocument(app, new DocumentBuilder().build());

    expect(Object.keys(paths)).toEqual(['/stock']);
  });

  it('brings errors of an application back as their classes by its own failures', async () => {
    const failures: FailureCodec = {
      encode: (error) => httpExceptionFailures.encode(error),
      decode: (failure, group, peer) =>
        failure.name === 'OutOfStock'
          ? new OutOfStock(failure.message)
          : httpExceptionFailures.decode(failure, group, peer),
    };
    const apps = await startCluster(2, { providers: [Stock], groupcache: { failures } });
    const [, other] = ownerAndOther(apps, 'none');

    await expect(other.get(Stock).count('none')).rejects.toBeInstanceOf(OutOfStock);
  });
});

describe('app.close', () => {
  it('does not wait for a self that never answers', async () => {
    const silent = createServer(() => reached());
    let reached!: () => void;
    const asked = new Promise<void>((resolve) => (reached = resolve));
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const app = await startApp({
      groupcache: { self: url, peers: [url, 'http://127.0.0.1:9'], auth: { secret } },
    });
    await asked;
    const gone = once(silent, 'close');

    await app.close();
    silent.close();

    await gone; // the check's connection is closed, or the server could not
    expect(logged('error')).toEqual([]);
  });
});
