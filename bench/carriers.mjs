// What does the carrier of a stream of frames between two peers cost: an Upgrade protocol of our own, a WebSocket (`ws`), one
// chunked POST, or CONNECT?
//
//   node bench/carriers.mjs [seconds a run] [rounds]
//
// Frames are as bare as can be (length, id, body) and written once a tick, alike on all carriers. Two processes on loopback;
// CPU is user and system of both. Every answer's length is checked. docs/decisions/0007-link-carrier.md has the outcome.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { fileURLToPath } from 'node:url';
import { WebSocket, WebSocketServer } from 'ws';

const HEAD_BYTES = 8;
const loopback = '127.0.0.1';
const question = Buffer.from('group/key-0000000001');
const median = (numbers) => numbers.toSorted((one, other) => one - other)[numbers.length >> 1];
const cpuOf = ({ user, system }) => user + system;

/** Calls `onFrame(id, body)` for every frame of the chunks that it is given. */
function frameReader(onFrame) {
  let rest;
  return (chunk) => {
    const data = rest === undefined ? chunk : Buffer.concat([rest, chunk]);
    let offset = 0;
    while (data.length - offset >= HEAD_BYTES) {
      const end = offset + HEAD_BYTES + data.readUInt32BE(offset);
      if (end > data.length) break;
      onFrame(data.readUInt32BE(offset + 4), data.subarray(offset + HEAD_BYTES, end));
      offset = end;
    }
    rest = offset === data.length ? undefined : data.subarray(offset);
  };
}

/** Sends the frames of one tick together. */
function frameWriter(send) {
  let frames = [];
  const flush = () => {
    const tick = frames;
    frames = [];
    send(tick.length === 1 ? tick[0] : Buffer.concat(tick));
  };
  return (id, body) => {
    const frame = Buffer.allocUnsafe(HEAD_BYTES + body.length);
    frame.writeUInt32BE(body.length, 0);
    frame.writeUInt32BE(id, 4);
    body.copy(frame, HEAD_BYTES);
    if (frames.push(frame) === 1) setImmediate(flush);
  };
}

/** How each carrier is dialed: resolves to a way to send, once `onData` may be called. */
const carriers = {
  async upgrade(port, onData) {
    const asking = request({ port, host: loopback, headers: { connection: 'Upgrade', upgrade: 'groupcache' } });
    asking.end();
    const [, socket] = await once(asking, 'upgrade');
    socket.setNoDelay();
    socket.on('data', onData);
    return { send: (bytes) => socket.write(bytes), end: () => socket.destroy() };
  },
  async ws(port, onData) {
    const socket = new WebSocket(`ws://${loopback}:${port}/`, { perMessageDeflate: false });
    await once(socket, 'open');
    socket.on('message', onData);
    return { send: (bytes) => socket.send(bytes), end: () => socket.terminate() };
  },
  async post(port, onData) {
    const asking = request({ port, host: loopback, method: 'POST' });
    asking.flushHeaders();
    asking.setNoDelay();
    asking.on('error', () => undefined);
    const [response] = await once(asking, 'response');
    response.on('error', () => undefined);
    response.on('data', onData);
    return { send: (bytes) => asking.write(bytes), end: () => asking.destroy() };
  },
  async connect(port, onData) {
    const asking = request({ port, host: loopback, method: 'CONNECT', path: 'groupcache:1' });
    asking.end();
    const [, socket] = await once(asking, 'connect');
    socket.setNoDelay();
    socket.on('data', onData);
    return { send: (bytes) => socket.write(bytes), end: () => socket.destroy() };
  },
};

/** The process that answers, on every carrier at once. */
function serve(size) {
  const value = Buffer.alloc(size, 120);
  const answers = (send) => {
    const write = frameWriter(send);
    return frameReader((id) => write(id, value));
  };
  const onSocket = (socket, head) => {
    socket.write(head);
    socket.setNoDelay();
    socket.on('error', () => undefined);
    socket.on(
      'data',
      answers((bytes) => socket.write(bytes)),
    );
  };
  const server = createServer((asked, response) => {
    if (asked.method !== 'POST') return response.end();
    response.writeHead(200);
    response.flushHeaders();
    asked.socket.setNoDelay();
    asked.on('error', () => undefined);
    asked.on(
      'data',
      answers((bytes) => response.write(bytes)),
    );
    asked.on('end', () => response.end());
  });
  const webSockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: 64 << 20 });
  server.on('upgrade', (asked, socket, head) => {
    if (asked.headers.upgrade !== 'websocket') {
      return onSocket(socket, 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: groupcache\r\n\r\n');
    }
    webSockets.handleUpgrade(asked, socket, head, (webSocket) => {
      webSocket.on(
        'message',
        answers((bytes) => webSocket.send(bytes)),
      );
    });
  });
  server.on('connect', (_asked, socket) => onSocket(socket, 'HTTP/1.1 200 OK\r\n\r\n'));
  server.listen(0, loopback, () => process.send(server.address().port));
  process.on('message', (message) => {
    if (message === 'cpu') process.send(cpuOf(process.cpuUsage()));
    else process.disconnect();
  });
  process.once('disconnect', () => process.exit());
}

/** Asks for `seconds` with so many questions open at a time. */
async function run(carrier, { port, size, callers, seconds, cpuOfServer }) {
  const waiting = new Map();
  const read = frameReader((id, body) => {
    const answer = waiting.get(id);
    waiting.delete(id);
    answer(body);
  });
  const link = await carriers[carrier](port, read);
  const write = frameWriter(link.send);
  const latencies = [];
  let ids = 0;
  const time = { isOver: false };
  const caller = async () => {
    while (!time.isOver) {
      const startMs = performance.now();
      const id = ++ids;
      const body = await new Promise((resolve) => {
        waiting.set(id, resolve);
        write(id, question);
      });
      if (body.length !== size) throw new Error(`${carrier} answered with ${body.length} bytes`);
      if (callers === 1) latencies.push(performance.now() - startMs);
    }
  };
  const before = cpuOf(process.cpuUsage()) + (await cpuOfServer());
  const startMs = performance.now();
  setTimeout(() => (time.isOver = true), seconds * 1000);
  await Promise.all(Array.from({ length: callers }, caller));
  const tookMs = performance.now() - startMs;
  const cpuUs = cpuOf(process.cpuUsage()) + (await cpuOfServer()) - before;
  link.end();
  return { rate: (ids / tookMs) * 1000, cpuUs: cpuUs / ids, p50Us: median(latencies) * 1000 };
}

async function measure(seconds, rounds) {
  for (const { size, loads } of [
    { size: 100, loads: [1, 64, 256] },
    { size: 64 * 1024, loads: [64] },
  ]) {
    const child = fork(fileURLToPath(import.meta.url), ['serve', String(size)]);
    const [port] = await once(child, 'message');
    const cpuOfServer = async () => {
      child.send('cpu');
      return (await once(child, 'message'))[0];
    };
    for (const callers of loads) {
      const results = Object.fromEntries(Object.keys(carriers).map((name) => [name, []]));
      // Interleaved; the first round warms up.
      for (let round = 0; round <= rounds; round++) {
        for (const name of Object.keys(carriers)) {
          const result = await run(name, { port, size, callers, seconds, cpuOfServer });
          if (round > 0) results[name].push(result);
        }
      }
      for (const [name, all] of Object.entries(results)) {
        const of = (figure) => median(all.map((result) => result[figure]));
        const p50 = callers === 1 ? `, p50 ${of('p50Us').toFixed(0)} us` : '';
        const line = `${Math.round(of('rate'))} gets/s, ${of('cpuUs').toFixed(1)} us CPU a get${p50}`;
        console.log(`${size} B, ${callers} callers, ${name}: ${line}`);
      }
    }
    child.send('exit');
  }
}

if (process.argv[2] === 'serve') serve(Number(process.argv[3]));
else await measure(Number(process.argv[2] ?? 1), Number(process.argv[3] ?? 5));
