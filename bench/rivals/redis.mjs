// A Redis of one's own, on a free port, without files.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createClient } from '@redis/client';

/** Beside its entries, the buffers of its clients count as used. */
const BUFFERS = 2 ** 20;

export const hasRedis = () => spawnSync('redis-server', ['--version']).status === 0;

/** Starts a `redis-server`; with `maxBytes` it evicts what has been used least lately. */
export async function startRedis({ maxBytes = 0 } = {}) {
  const port = await freePort();
  const flags = ['--port', port, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const limits = maxBytes === 0 ? [] : ['--maxmemory', maxBytes, '--maxmemory-policy', 'allkeys-lru'];
  const child = spawn('redis-server', [...flags, ...limits].map(String), { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  for await (const chunk of child.stdout) if (String(chunk).includes('Ready to accept connections')) break;
  child.stdout.resume();
  const url = `redis://127.0.0.1:${port}`;
  const client = createClient({ url });
  // It is lost when the server is ended before its client.
  client.on('error', () => undefined);
  await client.connect();
  return {
    url,
    pid: child.pid,
    /** Microseconds of CPU so far. */
    async cpu() {
      const info = await client.info('cpu');
      const of = (name) => Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)[1]) * 1e6;
      return of('used_cpu_user') + of('used_cpu_sys');
    },
    /** From now on there is room for what is there now; what has been used least lately gives way. */
    async limitToUsed() {
      const used = /^used_memory:(\d+)/m.exec(await client.info('memory'))[1];
      await client.configSet({ maxmemory: String(Number(used) + BUFFERS), 'maxmemory-policy': 'allkeys-lru' });
    },
    entries: () => client.dbSize(),
    flush: () => client.flushAll(),
    async stop() {
      client.destroy();
      child.kill('SIGTERM');
      await exited;
    },
  };
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
