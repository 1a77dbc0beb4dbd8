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
import { drive, pace, spin, stampede, zipfCommands } from '../harness/drive.mjs';
import { check, load } from '../harness/values.mjs';
import { obey } from '../harness/worker.mjs';

const {
  kind = 'text',
  promote = 'never',
  isTagged = false,
  cached = {},
  groupcache = {},
} = JSON.parse(process.argv[2] ?? '{}');
const codec = { text: textCodec, bytes: bytesCodec, json: jsonCodec }[kind];

class Values {
  loads = 0;

  async value(key) {
    this.loads++;
    return load(key);
  }

  /** The same, and its key is the JSON of both arguments. */
  async valueIn(key, _language) {
    this.loads++;
    return load(key);
  }
}
Injectable()(Values);
// What is timed is not to end with the default's five minutes.
const forever = cached.ttl === undefined;
const tags = isTagged ? (_value, key) => [`kind ${kind}`, `shelf ${key.at(-1)}`] : undefined;
const options = { codec, cacheBytes: '1GiB', promote: promotion[promote], forever, tags, ...cached };
decorate(Values, 'value', Cached('values', options));
decorate(Values, 'valueIn', Cached('valuesIn', options));

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
const groups = app.get(GroupService);
const group = groups.group('values');
let removals = 0;
/** The ways to ask. */
const ways = {
  method: (key) => values.value(key),
  twoArguments: (key) => values.valueIn(key, 'en'),
  service: (key) => groups.get('values', key),
  peek: (key) => group.peek(key),
};
await obey({
  url: () => pool.self,
  async set(...urls) {
    pool.set(...urls);
    await joined;
  },
  owned: (keys) => keys.filter((key) => pool.ownerOf(key) === pool.self),
  /** Asks for all `keys`, and that they are right. */
  async warm(keys, way = 'method') {
    for (const key of keys) {
      if (way === 'peek') await values.value(key); // it loads nothing
      check(key, await ways[way](key));
    }
  },
  /** Resolves once questions go over links. */
  async linked(peers) {
    while (!peers.every((peer) => pool.links.to(peer)?.isOpen)) await new Promise((resolve) => setTimeout(resolve, 5));
  },
  drive: (all) => drive(ways.method, all),
  /** `removeEvery`: gets after which a tag is removed that no value has. */
  spin: ({ way, removeEvery, ...all }) =>
    spin(ways[way], { ...all, meanwhile: () => group.removeByTag(`other ${removals++ % 1_000}`), every: removeEvery }),
  stampede: (all) => stampede(ways.method, all),
  pace: (all) => pace(ways.method, all),
  ...zipfCommands(ways.method),
  loads: () => values.loads,
  stats: () => ({ ...group.stats, loadedHere: values.loads }),
});

function decorate(Class, name, decorator) {
  const descriptor = Object.getOwnPropertyDescriptor(Class.prototype, name);
  decorator(Class.prototype, name, descriptor);
  Object.defineProperty(Class.prototype, name, descriptor);
}
