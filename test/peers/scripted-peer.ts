import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';

/** A server that answers each request head by a script, byte for byte. */
export interface ScriptedPeer {
  readonly url: string;
  /** The request heads that arrived, in their order. */
  readonly requests: readonly string[];
  /** Connections that were made. */
  readonly connections: number;
  close(): Promise<void>;
}

/** What to do with the `count`th request (from 1): write to the socket, end it, or leave the asker waiting. */
export type Script = (socket: Socket, count: number) => void;

/** Starts a peer on a free loopback port. */
export async function startScriptedPeer(script: Script): Promise<ScriptedPeer> {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    let pending = '';
    socket.on('data', (chunk) => {
      pending += chunk.toString('latin1');
      for (let end = pending.indexOf('\r\n\r\n'); end >= 0; end = pending.indexOf('\r\n\r\n')) {
        requests.push(pending.slice(0, end));
        pending = pending.slice(end + 4);
        script(socket, requests.length);
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    get connections() {
      return connections;
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** An HTTP answer with its length. */
export function httpAnswer(status: number, headers: Record<string, string>, body: string | Buffer = ''): Buffer {
  const bytes = Buffer.from(body);
  const lines = Object.entries({ 'content-length': String(bytes.length), ...headers });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return Buffer.concat([Buffer.from(`HTTP/1.1 ${status} Said\r\n${head}\r\n`), bytes]);
}
