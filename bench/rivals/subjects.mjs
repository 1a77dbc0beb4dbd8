// How each of those that are measured is started, for whoever asks them for values of another process.
import { buildGo } from '../../test/interop/build-go-peer.mjs';
import { leaveOut } from '../harness/question.mjs';
import { startWorker } from '../harness/worker.mjs';
import { hasRedis, startRedis } from './redis.mjs';

/** The Go program, or undefined where it can't be built. */
export async function goProgram() {
  const binary = await buildGo(new URL('go/', import.meta.url), 'go-bench');
  if (binary === undefined) leaveOut('Go groupcache', 'golang-go and golang-github-golang-groupcache-dev');
  return binary;
}

/** A Redis, or undefined where there is none. */
export async function redisIfThere(options) {
  if (hasRedis()) return startRedis(options);
  leaveOut('What runs on Redis', 'redis-server');
  return undefined;
}

/** `count` Nest applications that are peers of each other. Settings as of `nest-peer.mjs`. */
export async function startNestPeers(count, settings = {}) {
  return introduce(
    await Promise.all(Array.from({ length: count }, () => startWorker('rivals/nest-peer.mjs', [settings]))),
  );
}

/** `count` Go peers of each other; `cacheBytes` may be a list, one for each. */
export async function startGoPeers(binary, count, cacheBytes, idleConnections = 0) {
  const bytes = Array.isArray(cacheBytes) ? cacheBytes : Array.from({ length: count }, () => cacheBytes);
  return introduce(await Promise.all(bytes.map((each) => startWorker(binary, [each, idleConnections]))));
}

async function introduce(workers) {
  const urls = await Promise.all(workers.map((worker) => worker.call('url')));
  for (const worker of workers) await worker.call('set', ...urls.toSorted((one, other) => (one < other ? -1 : 1)));
  return { workers, urls };
}

/** Microseconds of CPU that `sources`, each with a `cpu`, have taken together. */
export async function cpuOf(sources) {
  const each = await Promise.all(
    sources.map((source) => (source.call === undefined ? source.cpu() : source.call('cpu'))),
  );
  return each.reduce((sum, us) => sum + us, 0);
}

/** One run of `asker`, with the CPU of those who answer in it. */
export async function driveWith(asker, answerers, load, command = 'drive') {
  const beforeUs = await cpuOf(answerers);
  const { gets, rate, cpuUs, p50Us, p99Us } = await asker.call(command, load);
  return { rate, p50Us, p99Us, cpuUs: (cpuUs + (await cpuOf(answerers)) - beforeUs) / gets };
}
