// A Nest application with a decorated method, and a peer of others like it. Settings are JSON in the first argument:
// `adapter`, and what `@Cached` and `GroupcacheModule.forRoot` are given.
import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  Cached,
  GroupcacheModule,
  GroupService,
  HttpPool,
  bytesCodec,
  jsonCodec,
  promotion,
  textCodec,
} from './ours.mjs';
import { drive, zipfCommands } from '../harness/drive.mjs';
import { check, valueOf } from '../harness/values.mjs';
import { obey } from '../harness/worker.mjs';

const { kind = 'text', promote = 'never', cached = {}, groupcache = {} } = JSON.parse(process.argv[2] ?? '{}');
const codec = { text: textCodec, bytes: bytesCodec, json: jsonCodec }[kind];

class Values {
  loads = 0;

  async value(key) {
    this.loads++;
    return valueOf(key);
  }
}
Injectable()(Values);
decorate(Values, 'value', Cached('values', { codec, cacheBytes: '1GiB', promote: promotion[promote], ...cached }));

class AppModule {}
Module({
  imports: [
    GroupcacheModule.forRoot({
      self: ({ port }) => `http://127.0.0.1:${port}`,
      auth: { secret: 'of the benchmarks' },
      ...groupcache,
    }),
  ],
  providers: [Values],
})(AppModule);

const app = await NestFactory.create(AppModule, { logger: false });
const pool = app.get(HttpPool);
const joined = new Promise((resolve) => pool.events.once('peersChanged', resolve));
await app.listen(0, '127.0.0.1');
const values = app.get(Values);
const group = app.get(GroupService).group('values');
await obey({
  url: async () => (await app.getUrl()).replace('[::1]', '127.0.0.1'),
  async set(...urls) {
    pool.set(...urls);
    await joined;
  },
  owned: (keys) => keys.filter((key) => pool.ownerOf(key) === pool.self),
  /** Asks for all `keys`, and that they are right. */
  async warm(keys) {
    for (const key of keys) check(key, await values.value(key));
  },
  /** Resolves once questions go over links. */
  async linked(peers) {
    while (!peers.every((peer) => pool.links.to(peer)?.isOpen)) await new Promise((resolve) => setTimeout(resolve, 5));
  },
  drive: (load) => drive((key) => values.value(key), load),
  ...zipfCommands((key) => values.value(key)),
  stats: () => ({ ...group.stats, loadedHere: values.loads }),
});

function decorate(Class, name, decorator) {
  const descriptor = Object.getOwnPropertyDescriptor(Class.prototype, name);
  decorator(Class.prototype, name, descriptor);
  Object.defineProperty(Class.prototype, name, descriptor);
}
