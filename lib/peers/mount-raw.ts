import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { interceptEvents } from './intercept-events.js';
import { acceptLinks } from './link/accept-links.js';
import type { PeerServer } from './peer-server.js';

/** A request comes as one of these; as the last two if it has an `Expect` that somebody listens for. */
const requestEvents = new Set<string | symbol>(['request', 'checkContinue', 'checkExpectation']);

/**
 * Puts `peerServer` before everything else on `server`: requests under its base path, by their raw target, and links.
 *
 * The server's listeners, and so an application's whole pipeline, see all other requests as if nothing had been there, and
 * those not at all. The returned function ends it; what is under way is answered, and links that are open stay.
 */
export function mountRaw(server: Server, peerServer: PeerServer): () => void {
  // Added first: it gives back to requests what they have lost on their way, whoever takes them.
  const refuseLinks = acceptLinks(server, peerServer.pool);
  const leaveRequests = interceptEvents(server, (event, args) => {
    if (!requestEvents.has(event) || args.length < 2) return false;
    const [request, response] = args as [IncomingMessage, ServerResponse];
    if (!peerServer.accepts(request.url ?? '')) return false;
    void peerServer.handle(request, response);
    return true;
  });
  return () => {
    refuseLinks();
    leaveRequests();
  };
}
