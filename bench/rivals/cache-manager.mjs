// @nestjs/cache-manager in a Nest application: in memory, or on the Redis whose URL is the first argument.
import 'reflect-metadata';
import { CACHE_MANAGER, CacheModule } from '@nestjs/cache-manager';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import KeyvRedis from '@keyv/redis';
import { askAll, drive, spin, stampede, zipfCommands } from '../harness/drive.mjs';
import { check, load, valueOf } from '../harness/values.mjs';
import { obey } from '../harness/worker.mjs';

const [, , redisUrl = ''] = process.argv;
class AppModule {}
Module({ imports: [CacheModule.register(redisUrl === '' ? {} : { stores: [new KeyvRedis(redisUrl)] })] })(AppModule);
const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
const cache = app.get(CACHE_MANAGER);
let loads = 0;
const ways = {
  get: (key) => cache.get(key),
  wrap: (key) =>
    cache.wrap(key, () => {
      loads++;
      return load(key);
    }),
};

await obey({
  async warm(keys) {
    for (const key of keys) {
      await cache.set(key, valueOf(key));
      check(key, await cache.get(key));
    }
  },
  drive: (all) => drive(ways.get, all),
  driveWrap: (all) => drive(ways.wrap, all),
  fill: (keys) => askAll(ways.wrap, keys, 64),
  async checkWrap(keys) {
    for (const key of keys) check(key, await ways.wrap(key));
  },
  spin: ({ way, ...all }) => spin(ways[way], all),
  stampede: (all) => stampede(ways.wrap, all),
  ...zipfCommands(ways.wrap),
  loads: () => loads,
});
