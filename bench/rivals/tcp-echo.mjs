// The limit: so many bytes there and back over one bare connection, nothing else. `serve` answers, `ask <port>` asks.
import { connect, createServer } from 'node:net';
import { once } from 'node:events';
import { drive } from '../harness/drive.mjs';
import { obey } from '../harness/worker.mjs';

const [, , role, port] = process.argv;
if (role === 'serve') {
  const server = createServer((socket) => socket.setNoDelay().pipe(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  await obey({ port: () => server.address().port });
} else {
  const socket = connect(Number(port), '127.0.0.1').setNoDelay();
  await once(socket, 'connect');
  let received = 0;
  const waiting = [];
  socket.on('data', (chunk) => {
    received += chunk.length;
    // All messages of a run are of one length, and come back in order.
    for (; waiting.length > 0 && received >= waiting[0].bytes; received -= waiting.shift().bytes) waiting[0].resolve();
  });
  const messages = new Map();
  const echo = (key) => {
    const bytes = Number(key.split('-')[1]);
    if (!messages.has(bytes)) messages.set(bytes, Buffer.alloc(bytes, 120));
    return new Promise((resolve) => {
      waiting.push({ bytes, resolve });
      socket.write(messages.get(bytes));
    });
  };
  await obey({ drive: (load) => drive(echo, load) });
}
