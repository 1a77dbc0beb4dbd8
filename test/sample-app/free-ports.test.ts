import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { freePorts } from '../../sample-app/cluster/free-ports.js';

async function listen(port: number): Promise<Server> {
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    server.close();
    await once(server, 'close');
  });
  return server;
}

describe('freePorts', () => {
  it('finds distinct ports that can be listened on', async () => {
    const ports = await freePorts(0, 3);

    expect(new Set(ports).size).toBe(3);
    const servers = await Promise.all(ports.map(listen));
    expect(servers.map((server) => (server.address() as AddressInfo).port)).toEqual(ports);
  });

  it('takes the first free ones from a port on, and skips those in use', async () => {
    const taken = (await listen(0)).address() as AddressInfo;

    const ports = await freePorts(taken.port, 2);

    expect(ports[0]).toBeGreaterThan(taken.port);
    expect(ports[1]).toBeGreaterThan(ports[0]!);
  });

  it('says so when there are not enough', async () => {
    await expect(freePorts(65_534, 3)).rejects.toThrow('fewer than 3 ports are free from 65534 on');
  });
});
