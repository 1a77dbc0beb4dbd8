import {
  Controller,
  Delete,
  Get,
  Injectable,
  Module,
  NotFoundException,
  Param,
  type INestApplication,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Cached, defineGroup, GroupcacheModule, GroupService, HttpPool } from 'nestjs-groupcache';
import { afterEach, describe, expect, it } from 'vitest';

interface Quote {
  readonly symbol: string;
  readonly price: number;
}
const Quotes = defineGroup<[symbol: string], Quote>('quotes');

@Injectable()
class QuoteService {
  loads: string[] = [];
  @Cached(Quotes, { cacheBytes: '1MiB' })
  async quote(symbol: string): Promise<Quote> {
    this.loads.push(symbol);
    if (symbol === 'missing') throw new NotFoundException(`No ${symbol}`);
    return { symbol, price: symbol.length };
  }
}

@Module({ providers: [QuoteService] })
class QuoteModule {}

const apps: INestApplication[] = [];
afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
});

async function start(): Promise<{ app: INestApplication; url: string }> {
  @Module({
    imports: [
      GroupcacheModule.forRoot({
        self: (address) => `http://127.0.0.1:${address.port}`,
        auth: { secret: 'a secret of the peers' },
      }),
      QuoteModule,
    ],
  })
  class AppModule {}
  const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
  app.setGlobalPrefix('api');
  apps.push(app);
  await app.listen(0, '127.0.0.1');
  return { app, url: await app.getUrl() };
}

describe('GroupcacheModule', () => {
  it('loads a key once in a cluster of three', async () => {
    const peers = [await start(), await start(), await start()];
    for (const { app } of peers) app.get(HttpPool).set(...peers.map(({ url }) => url));
    const services = peers.map(({ app }) => app.get(QuoteService));

    const quotes = await Promise.all(services.flatMap((service) => [service.quote('ACME'), service.quote('ACME')]));

    expect(quotes).toEqual(Array(6).fill({ symbol: 'ACME', price: 4 }));
    expect(services.flatMap((service) => service.loads)).toEqual(['ACME']);
    await Promise.all(services.map((service) => expect(service.quote('missing')).rejects.toThrow(NotFoundException)));
    expect(peers[0]!.app.get(GroupService).of(Quotes).peek('ACME') ?? null).toBeDefined();
  });
});
