import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

import { buildGoPeer } from './build-go-peer.mjs';

/**
 * Starts a Go peer and resolves when it listens. Options and result are described in go-peer.d.mts.
 *
 * @type {typeof import('./go-peer.mjs').startGoPeer}
 */
export async function startGoPeer(options = {}) {
  const binary = options.binary ?? (await buildGoPeer());
  if (binary === undefined) throw new Error('go, or the sources of groupcache in GOPATH, are not there');

  const child = spawn(binary, ['serve', ...flagsOf(options)], { stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal })));
  child.stdin.on('error', () => {}); // it may be gone before its stdin is closed
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (complaints += text));

  const lines = createInterface({ input: child.stdout });
  const line = await Promise.race([
    once(lines, 'line').then(([text]) => text),
    once(child, 'error').then(([error]) => Promise.reject(error)),
    ended.then(({ code }) => Promise.reject(new Error(`the Go peer ended with ${code}: ${complaints.trim()}`))),
  ]);
  const address = `http://${JSON.parse(line).listening}`;

  const ctl = (path, init) => fetch(`${address}/ctl/${path.replace(/^\/?(ctl\/)?/, '')}`, init);
  const json = async (path, body) => {
    const response = await ctl(path, body === undefined ? undefined : { method: 'POST', body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${(await response.text()).trim()}`);
    return response.json();
  };

  return {
    url: options.self ?? address,
    address,
    pid: child.pid,
    ctl,
    async get(key, init) {
      const response = await ctl(`get?key=${encodeURIComponent(key)}`, init);
      if (!response.ok) throw new Error((await response.text()).trim());
      return Buffer.from(await response.arrayBuffer());
    },
    owners: (keys) => json('owners', keys),
    set: async (...peers) => void (await json('set', peers)),
    loads: async () => new Map(Object.entries(await json('loads'))),
    stats: () => json('stats'),
    complaints: () => complaints,
    async stop() {
      child.stdin.end();
      child.kill('SIGTERM');
      await ended;
    },
  };
}

function flagsOf({ self, listen, peers, basePath, replicas, group, cacheBytes, mux, secret }) {
  const flags = {
    self,
    listen,
    peers: peers?.join(','),
    'base-path': basePath,
    replicas,
    group,
    'cache-bytes': cacheBytes,
    mux,
    secret,
  };
  return Object.entries(flags)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `-${name}=${value}`);
}
