import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { BatchedPGlite } from '../../sample-app/database/batched-pglite.js';

let database: BatchedPGlite;
let server: PGLiteSocketServer;
let port: number;

beforeAll(async () => {
  database = new BatchedPGlite('memory://', () => {});
  await database.waitReady;
  server = new PGLiteSocketServer({ db: database, host: '127.0.0.1', port: 0, maxConnections: 10 });
  await server.start();
  port = Number(server.getServerConn().split(':')[1]);
}, 60_000);

afterAll(async () => {
  await server?.stop();
  await database?.close();
});

async function connect(): Promise<Client> {
  const client = new Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' });
  await client.connect();
  onTestFinished(() => client.end());
  return client;
}

/** A socket that speaks PostgreSQL's protocol a message at a time, as `pg` never does. */
class RawConnection {
  readonly socket: Socket;
  #received = '';

  constructor() {
    this.socket = createConnection(port, '127.0.0.1');
    this.socket.on('data', (data) => (this.#received += data.toString('latin1')));
    onTestFinished(() => void this.socket.destroy());
  }

  send(type: string, body = ''): void {
    const length = Buffer.alloc(4);
    length.writeInt32BE(body.length + 4);
    this.socket.write(Buffer.concat([Buffer.from(type), length, Buffer.from(body)]));
  }

  /** Resolves when it has been sent that text, wherever in a message. */
  async receive(text: string): Promise<void> {
    while (!this.#received.includes(text)) await once(this.socket, 'data');
  }
}

/** A connection that has just sent, and had confirmed, the first half of a statement. */
async function midStatement(): Promise<RawConnection> {
  const connection = new RawConnection();
  connection.send('', '\0\x03\0\0user\0postgres\0database\0postgres\0\0');
  await connection.receive('Z\0\0\0\x05I');
  connection.send('P', "\0SELECT 'first'\0\0\0");
  connection.send('H');
  await connection.receive('1\0\0\0\x04');
  return connection;
}

describe('BatchedPGlite', () => {
  it('lets nobody in between the parts of a statement', async () => {
    const second = await connect();
    const first = await midStatement();

    const other = second.query("SELECT 'second' AS answer WHERE $1", [true]);
    await expect.poll(() => server.getStats().queuedQueries, { timeout: 4_000 }).toBeGreaterThan(0);
    first.send('B', '\0\0\0\0\0\0\0\0');
    first.send('E', '\0\0\0\0\0');
    first.send('S');

    await first.receive('first');
    expect((await other).rows).toEqual([{ answer: 'second' }]);
  });

  it('lets the others go on when a connection breaks in the middle of a statement', async () => {
    const second = await connect();
    const first = await midStatement();
    const other = second.query("SELECT 'second' AS answer WHERE $1", [true]);
    await expect.poll(() => server.getStats().queuedQueries, { timeout: 4_000 }).toBeGreaterThan(0);

    first.socket.destroy();

    expect((await other).rows).toEqual([{ answer: 'second' }]);
  });
});
