import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';

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
  const emit = server.emit;
  /** Connections given back, whose next request has lost its header on the way. */
  const given = new WeakMap<Duplex, GivenBack>();
  let isActive = true;

  const emitOthers = function (this: Server, event: string | symbol, ...args: unknown[]): boolean {
    if (event === 'upgrade' && isActive) {
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
    return Reflect.apply(emit, this, [event, ...args]) as boolean;
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
  server.emit = emitOthers as typeof server.emit;
  return () => {
    isActive = false;
    server.off('upgrade', ignore);
    if (server.emit === (emitOthers as typeof server.emit)) server.emit = emit;
  };
}

const ignore = (): void => undefined;

type GivenBack = Pick<IncomingMessage, 'headers' | 'rawHeaders'>;
