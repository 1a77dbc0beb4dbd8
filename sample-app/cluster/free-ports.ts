import { createServer, type Server } from 'node:net';

const host = '127.0.0.1';

/**
 * `count` ports of this machine that nobody listens on: the first free ones from `first` on, or any if it is 0.
 *
 * They are free when this looks, and not reserved: a peer that finds its port taken after all ends with an error.
 */
export async function freePorts(first: number, count: number): Promise<number[]> {
  const held: Server[] = [];
  const ports: number[] = [];
  try {
    for (let candidate = first; ports.length < count; candidate += first === 0 ? 0 : 1) {
      if (candidate > 65_535) throw new Error(`fewer than ${count} ports are free from ${first} on`);
      const server = await listen(candidate);
      if (server === undefined) continue;
      // Held until all are found, or the system might give the same one twice.
      held.push(server);
      const address = server.address();
      if (address !== null && typeof address === 'object') ports.push(address.port);
    }
    return ports;
  } finally {
    await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))));
  }
}

/** Undefined when the port is taken, or not for us to use. */
async function listen(port: number): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(undefined);
      else reject(error);
    });
    server.listen(port, host, () => resolve(server));
  });
}
