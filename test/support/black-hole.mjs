// Holds a port on which connections are never made: its queue is full, so that the kernel drops whatever comes. The port is
// the first argument; ends with its parent.
import { connect, createServer } from 'node:net';

const port = Number(process.argv[2]);
const server = createServer();
server.listen({ port, host: '127.0.0.1', backlog: 1 });
process.once('disconnect', () => process.exit(0));
process.send('ready');

// Whoever comes now waits in the queue, for nothing is accepted while this loop runs.
process.once('message', () => {
  const fillers = Array.from({ length: 4 }, () => connect({ port, host: '127.0.0.1' }).on('error', () => undefined));
  setImmediate(() => {
    process.send(fillers.length, () => process.kill(process.pid, 'SIGSTOP'));
  });
});
