import { connect } from 'node:net';
import { PeerAuth } from 'nestjs-groupcache/peers';

/** A peer under attack. */
export interface Victim {
  readonly url: string;
  readonly secret: string;
}

/** What became of the requests of an attack. */
export interface Toll {
  /** Requests answered, by status. */
  readonly statuses: Map<number, number>;
  /** Requests whose connection the server closed instead, or that were never sent to their end. */
  closed: number;
}

/** Requests of one connection: `answerable` ones that each must be answered, then one that ends the connection. */
interface Assault {
  readonly answerable: readonly Buffer[];
  readonly last: Buffer;
  /** Whether the attacker hangs up in the middle of `last`. */
  readonly hangsUp: boolean;
}

const ANSWERABLE_A_CONNECTION = 24;
const CONCURRENT_CONNECTIONS = 16;
const HANG_MS = 30_000;

/** Sends `count` hostile requests, the same ones for the same `seed`. Rejects if one is not answered and not closed. */
export async function attack(victim: Victim, count: number, seed: number): Promise<Toll> {
  const random = randomNumbers(seed);
  const auth = new PeerAuth({ secret: victim.secret });
  const toll: Toll = { statuses: new Map(), closed: 0 };
  let left = count;
  const attackUntilDone = async (): Promise<void> => {
    while (left > 0) {
      const size = Math.min(left, ANSWERABLE_A_CONNECTION + 1);
      left -= size;
      const answerable = Array.from({ length: size - 1 }, () => answerableRequest(victim, auth, random));
      const [last, hangsUp] = lastRequest(victim, random);
      await assault(victim, { answerable, last, hangsUp }, toll);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENT_CONNECTIONS }, attackUntilDone));
  return toll;
}

function assault({ url }: Victim, { answerable, last, hangsUp }: Assault, toll: Toll): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    let text = '';
    let hasSentLast = false;
    const hang = setTimeout(() => {
      socket.destroy();
      reject(new Error(`no answer within ${HANG_MS} ms to ${JSON.stringify(last.toString('latin1').slice(0, 200))}`));
    }, HANG_MS);
    const statuses = (): number[] => [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
    const sendLast = (): void => {
      if (hasSentLast || statuses().length < answerable.length) return;
      hasSentLast = true;
      if (hangsUp) socket.write(last, () => socket.destroy());
      else socket.write(last);
    };
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      sendLast();
    });
    socket.on('close', () => {
      clearTimeout(hang);
      const answered = statuses();
      for (const status of answered) toll.statuses.set(status, (toll.statuses.get(status) ?? 0) + 1);
      toll.closed += answerable.length + 1 - answered.length;
      if (answered.length < answerable.length) {
        reject(new Error(`${answered.length} answers to ${answerable.length} requests: ${text.slice(-500)}`));
      } else {
        resolve();
      }
    });
    socket.write(Buffer.concat(answerable));
    sendLast();
  });
}

type Random = (below: number) => number;

function answerableRequest(victim: Victim, auth: PeerAuth, random: Random): Buffer {
  const { host } = new URL(victim.url);
  const method = pick(random, ['GET', 'GET', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND']);
  const target = pick(random, targets)(random);
  const lines = [`${method} ${target} HTTP/1.1`, `host: ${host}`, ...pick(random, proofs)(random)];
  // Signed well, so that what is wrong with the target is looked at; the key of none of them exists.
  if (random(3) === 0) {
    const signed = auth.sign({ method: 'GET', peer: victim.url, target });
    lines.push(...Object.entries(signed).map(([name, value]) => `${name}: ${value}`));
  }
  lines.push(...pick(random, oddHeaders)(random));
  const body =
    method === 'POST' || method === 'PUT' || method === 'PATCH' ? randomBytes(random, random(300)) : undefined;
  if (body !== undefined) lines.push(`content-length: ${body.length}`, 'content-type: application/octet-stream');
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), body ?? Buffer.alloc(0)]);
}

const targets: readonly ((random: Random) => string)[] = [
  (random) => `/_groupcache/prices/%${text(random, 'ghijz%', random(3))}`,
  (random) => `/_groupcache/prices/a%${(128 + random(64)).toString(16)}`, // not UTF-8
  (random) => `/_groupcache/prices/%ED%A0%${(128 + random(32)).toString(16)}`, // a surrogate
  (random) => `/_groupcache/${text(random, 'abc%2F.+', random(20))}`,
  (random) => `/_groupcache/none/${text(random, visible, random(60))}`,
  (random) => `/_groupcache/${'../'.repeat(random(30))}none/x`,
  (random) => `/_groupcache/none/${'x'.repeat(random(8_000))}`,
  () => '/_groupcache/',
  () => '/_groupcache//',
  (random) => `/_groupcache/__proto__/${text(random, visible, 5)}`,
  (random) => `/_groupcache/none?${text(random, visible, random(60))}`,
];

const proofs: readonly ((random: Random) => string[])[] = [
  () => [],
  (random) => [`x-groupcache-signed: ${text(random, visible, random(80))}`],
  (random) => [`x-groupcache-signature: ${text(random, visible, random(80))}`],
  (random) => proof(`v1;${Date.now()};`, random),
  (random) => proof(`v1;${Date.now()};${'n'.repeat(random(2_000))}`, random),
  (random) => proof(`v1;${'9'.repeat(random(40))};nonce`, random),
  (random) => proof(`v1;${Date.now()};a;b;c`, random),
  (random) => proof(`v${random(9)};${text(random, '0123456789-e.', random(20))};${text(random, visible, 5)}`, random),
];

const proof = (signed: string, random: Random): string[] => [
  `x-groupcache-signed: ${signed}`,
  `x-groupcache-signature: ${text(random, visible, 43)}`,
];

const oddHeaders: readonly ((random: Random) => string[])[] = [
  () => [],
  (random) => [`x-groupcache: ${text(random, visible, random(40))}`],
  (random) => [`x-groupcache-timeout: ${pick(random, ['-1', '0', 'NaN', '1e999', '9'.repeat(400), '0x10', ' '])}`],
  () => ['upgrade: groupcache'],
  (random) => Array.from({ length: random(60) }, (_, index) => `x-${index}: ${text(random, visible, 20)}`),
  () => ['x-groupcache-signed: v1;1;n', 'x-groupcache-signed: v1;2;n'],
  () => ['accept-encoding: gzip', 'range: bytes=0-0', 'if-none-match: *'],
];

/** A request that ends its connection, and whether by hanging up. */
function lastRequest({ url }: Victim, random: Random): [Buffer, boolean] {
  const head = `GET /_groupcache/prices/a HTTP/1.1\r\nhost: ${new URL(url).host}\r\n`;
  return pick<() => [Buffer | string, boolean]>(random, [
    () => [Buffer.concat([Buffer.of(0xff), randomBytes(random, 1 + random(400)), Buffer.from('\r\n\r\n')]), false],
    () => [`${text(random, visible, 1 + random(200))}\r\n\r\n`, false],
    () => [`${head}x-giant: ${'x'.repeat(100 * 1024)}\r\n\r\n`, false],
    () => [`GET /_groupcache/prices/${'k'.repeat(100 * 1024)} HTTP/1.1\r\n\r\n`, false],
    () => [`${head}content-length: 1\r\ncontent-length: 2\r\n\r\n`, false],
    () => [`${head}content-length: -1\r\n\r\n`, false],
    () => [`${head}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n`, false],
    () => [`POST /_groupcache/prices/a HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n`, false],
    () => [`${head}bad header\r\n\r\n`, false],
    () => [`${head}x: a\u0000b\r\n\r\n`, false],
    () => ['GET /_groupcache/prices/a b HTTP/1.1\r\n\r\n', false],
    () => ['GET /_groupcache/prices/\u00e9\u0001 HTTP/9.9\r\n\r\n', false],
    () => ['CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\n', false],
    () => ['GET /_groupcache/prices/a HTTP/1.1\r\nconnection: close\r\n\r\n', false], // no host
    () => [head.slice(0, 1 + random(head.length - 1)), true],
    () => [head, true],
    () => [`POST /_groupcache/prices/a HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\nhalf`, true],
  ])().map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)) as [Buffer, boolean];
}

const visible = '!"#$&\'()*,-./0123456789:;<=>@ABCXYZ[\\]^_`abcxyz{|}~';

const pick = <Item>(random: Random, items: readonly Item[]): Item => items[random(items.length)]!;
const text = (random: Random, letters: string, length: number): string =>
  Array.from({ length }, () => letters[random(letters.length)]).join('');
const randomBytes = (random: Random, length: number): Buffer =>
  Buffer.from(Uint8Array.from({ length }, () => random(256)));

/** Mulberry32. */
function randomNumbers(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}
