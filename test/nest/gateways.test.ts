import { Controller, Get, Injectable, type INestApplication, type WebSocketAdapter } from '@nestjs/common';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import { MessageBody, SubscribeMessage, WebSocketGateway, type WsResponse } from '@nestjs/websockets';
import { Cached, GroupService, HttpPool, type GroupcacheOptions } from 'nestjs-groupcache';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { io } from 'socket.io-client';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { sendRaw } from '../peers/raw-http.js';
import { closeApps, closeLater, introduce, keyOwnedBy, logged, peer, platforms, startApp } from './apps.js';

afterEach(closeApps);

@WebSocketGateway({ path: '/chat' })
class ChatGateway {
  @SubscribeMessage('shout')
  shout(@MessageBody() text: string): WsResponse<string> {
    return { event: 'shouted', data: text.toUpperCase() };
  }
}

@Controller('notes')
class NoteController {
  @Get()
  get(): string {
    return 'a note';
  }
}

@Injectable()
class Rows {
  @Cached('rows')
  async row(key: string): Promise<string> {
    return `row of ${key}`;
  }
}

/** A client's connection to the gateway. */
interface Chat {
  shout(text: string): Promise<string>;
  readonly closed: Promise<unknown>;
}

async function chatByWs(url: string): Promise<Chat> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/chat`);
  closeLater({ close: async () => socket.terminate() });
  const closed = once(socket, 'close');
  await once(socket, 'open');
  return {
    closed,
    async shout(data) {
      socket.send(JSON.stringify({ event: 'shout', data }));
      const [message] = (await once(socket, 'message')) as [Buffer];
      return (JSON.parse(message.toString()) as WsResponse<string>).data;
    },
  };
}

/** First by requests, and then by a WebSocket, as browsers do. */
async function chatByIo(url: string): Promise<Chat> {
  const socket = io(url, { path: '/chat', forceNew: true, reconnection: false });
  closeLater({ close: async () => void socket.close() });
  const closed = new Promise((resolve) => socket.once('disconnect', resolve));
  await new Promise((resolve, reject) => {
    socket.io.once('open', () => socket.io.engine.once('upgrade', resolve));
    socket.once('connect_error', reject);
  });
  return {
    closed,
    shout: (text) =>
      new Promise((resolve) => {
        socket.once('shouted', resolve);
        socket.emit('shout', text);
      }),
  };
}

interface GatewayKind {
  readonly adapterOf: (app: INestApplication) => WebSocketAdapter;
  readonly chat: (url: string) => Promise<Chat>;
}

const kinds: Record<string, GatewayKind> = {
  WsAdapter: { adapterOf: (app) => new WsAdapter(app), chat: chatByWs },
  IoAdapter: { adapterOf: (app) => new IoAdapter(app), chat: chatByIo },
};
const gateways = Object.entries(kinds).flatMap(([name, kind]) =>
  platforms.map(([platform, adapter]) => [name, platform, kind, adapter] as const),
);

const doors: Record<string, GroupcacheOptions> = {
  'the controller': {},
  'a raw mount': { mount: 'raw' },
  'a listen port': { listen: { port: 0, host: '127.0.0.1' } },
};

const portOf = (app: INestApplication): number => (app.getHttpServer().address() as AddressInfo).port;

/** What comes back until the server closes. */
function upgrade(app: INestApplication, path: string, protocol: string): Promise<string> {
  const key = 'sec-websocket-version: 13\r\nsec-websocket-key: MDEyMzQ1Njc4OWFiY2RlZg==';
  const lines = `host: a\r\nconnection: upgrade\r\nupgrade: ${protocol}\r\n${key}`;
  return sendRaw(portOf(app), `GET ${path} HTTP/1.1\r\n${lines}\r\n\r\n`);
}

/** What `app` says to upgrades that neither a gateway nor links know. */
function upgradeToUnknown(app: INestApplication): Promise<string[]> {
  return Promise.all([
    upgrade(app, '/elsewhere', 'websocket'),
    upgrade(app, '/notes', 'h2c'),
    upgrade(app, '/_groupcache/rows/key', 'websocket'),
    upgrade(app, '/_groupcache/', 'h2c'),
  ]);
}

/** Tells `apps` about each other, and resolves once they have settled on one link. */
async function link(apps: readonly INestApplication[]): Promise<void> {
  const pools = apps.map((app) => app.get(HttpPool));
  await vi.waitFor(() => expect(pools.every(({ self }) => self !== undefined)).toBe(true));
  introduce(apps);
  await vi.waitFor(() => expect(pools.map(({ links }) => links.size)).toEqual([1, 1]));
}

/** Sees that both ask each other, and over the link. */
async function expectLinked(apps: readonly [INestApplication, INestApplication], prefix: string): Promise<void> {
  for (const [asker, owner] of [apps, apps.toReversed()] as [INestApplication, INestApplication][]) {
    const key = keyOwnedBy(owner, prefix);
    const served = owner.get(GroupService).group('rows').stats.serverRequests;
    expect(await asker.get(Rows).row(key)).toBe(`row of ${key}`);
    expect(owner.get(GroupService).group('rows').stats.serverRequests).toBe(served + 1);
    expect(asker.get(HttpPool).links.to(owner.get(HttpPool).self!)?.isOpen).toBe(true);
  }
}

describe.each(gateways)('a gateway of %s on %s', (_name, _platform, { adapterOf, chat }, adapter) => {
  const configure = (app: INestApplication): unknown => app.useWebSocketAdapter(adapterOf(app));
  const setUp = { adapter, configure, controllers: [NoteController], providers: [ChatGateway, Rows] };

  it.each(
    Object.keys(doors).flatMap((door) => [
      [door, 'the client', 'the link'],
      [door, 'the link', 'the client'],
    ]),
  )('works beside links by %s, %s first and then %s', async (door, first) => {
    const groupcache = { ...peer, ...doors[door] };
    const [one, other] = [await startApp({ ...setUp, groupcache }), await startApp({ ...setUp, groupcache })];
    const apps: [INestApplication, INestApplication] = [one, other];
    const url = `http://127.0.0.1:${portOf(other)}`;

    if (first === 'the link') await link(apps);
    const chatting = await chat(url);
    expect(await chatting.shout('before')).toBe('BEFORE');
    if (first !== 'the link') await link(apps);

    await expectLinked(apps, 'first');
    expect(await chatting.shout('after')).toBe('AFTER');
    await expectLinked(apps, 'second');
    expect(await (await fetch(`${url}/notes`)).text()).toBe('a note');
    expect([...logged('warn'), ...logged('error')]).toEqual([]);

    const unlinked = once(one.get(HttpPool).events, 'linkClosed');
    const startMs = performance.now();
    await other.close();
    await Promise.all([chatting.closed, unlinked]);
    expect(performance.now() - startMs).toBeLessThan(2_000);
  });

  it.each(['controller', 'raw'] as const)(
    'has its way with upgrades that nobody knows, beside mount %j',
    async (mount) => {
      const plain = await startApp({ ...setUp, providers: [ChatGateway] });
      const mounted = await startApp({ ...setUp, groupcache: { ...peer, auth: 'none', mount } });
      const pool = mounted.get(HttpPool);
      await vi.waitFor(() => expect(pool.self).toBeDefined());
      pool.set(pool.self!, 'http://127.0.0.1:1');

      // Closed without a word, by both of Nest's adapters.
      const nothing = ['', '', '', ''];
      expect(await Promise.all([upgradeToUnknown(plain), upgradeToUnknown(mounted)])).toEqual([nothing, nothing]);
    },
  );
});
