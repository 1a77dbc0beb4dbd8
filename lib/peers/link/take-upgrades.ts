import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { interceptEvents, type Interceptor } from '../intercept-events.js';

/** Which upgrades are taken, and how. */
export interface UpgradeTaker {
  takes(request: IncomingMessage): boolean;
  take(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

/**
 * Takes some upgrades of `server` before anybody else sees them, and leaves everything else as it was; the returned function
 * undoes that.
 *
 * Before anybody else, because an application's WebSocket gateways destroy the upgrades that they don't know. And as it was:
 * a server on which nobody listens for upgrades answers such a request as if it had not asked for one, but as soon as
 * somebody listens he is handed them all. Those that nobody else listens for are given back to the server as the bytes that
 * they came as, and are answered as they would have been.
 */
export function takeUpgrades(server: Server, taker: UpgradeTaker): () => void {
  /** Connections given back, whose next request has lost its header on the way. */
  const given = new WeakMap<Duplex, GivenBack>();

  const intercept: Interceptor = (event, args) => {
    if (event === 'upgrade') {
      const [request, socket, head] = args as [IncomingMessage, Duplex, Buffer];
      if (taker.takes(request)) {
        taker.take(request, socket, head);
        return true;
      }
      if (server.listenerCount('upgrade') === 1) {
        giveBack(request, socket, head);
        return true;
      }
    } else if ((event === 'request' || event === 'checkContinue' || event === 'checkExpectation') && args.length > 0) {
      restore(args[0] as IncomingMessage);
    }
    return false;
  };

  const giveBack = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const { headers, rawHeaders } = request;
    given.set(socket, { headers, rawHeaders });
    const lines = [`${request.method} ${request.url} HTTP/${request.httpVersion}`];
    for (let index = 0; index < rawHeaders.length; index += 2) {
      if (rawHeaders[index]!.toLowerCase() !== 'upgrade') lines.push(`${rawHeaders[index]}: ${rawHeaders[index + 1]}`);
    }
    socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]));
    server.emit('encrypted' in socket ? 'secureConnection' : 'connection', socket as never);
  };

  const restore = (request: IncomingMessage): void => {
    const lost = given.get(request.socket);
    if (lost === undefined) return;
    given.delete(request.socket);
    Object.assign(request, lost);
  };

  // Without a listener the server would not let the connection go.
  server.on('upgrade', ignore);
  const stopIntercepting = interceptEvents(server, intercept);
  return () => {
    stopIntercepting();
    server.off('upgrade', ignore);
  };
}

const ignore = (): void => undefined;

type GivenBack = Pick<IncomingMessage, 'headers' | 'rawHeaders'>;
