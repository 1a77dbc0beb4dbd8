import type { Server } from 'node:http';
import type { HttpPool } from '../http-pool.js';
import { takeUpgrades } from './take-upgrades.js';

/**
 * Lets peers link to `pool` by `server`: WebSocket upgrades of exactly the base path. All other upgrades stay the
 * application's. The returned function ends it; links that are open stay.
 */
export function acceptLinks(server: Server, pool: HttpPool): () => void {
  if (!pool.isLinking) return () => undefined;
  return takeUpgrades(server, {
    takes: ({ url = '', headers }) => url === pool.basePath && headers.upgrade?.toLowerCase() === 'websocket',
    take: (request, socket, head) => pool.links.accept(request, socket, head),
  });
}
