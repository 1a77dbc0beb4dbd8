import { once } from 'node:events';
import { connect } from 'node:net';

/** What came back over a socket until the server closed it. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

/** Sends `request` as it stands, which no HTTP client would, and reads until the server closes. */
export async function sendRaw(port: number, request: string | Buffer): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.on('error', () => undefined); // a reset is an answer too
  socket.write(request);
  await once(socket, 'close');
  return Buffer.concat(chunks).toString('latin1');
}

/** One request by its raw target. */
export async function ask(
  url: string,
  target: string,
  { method = 'GET', headers = {} }: { method?: string; headers?: Record<string, string> } = {},
): Promise<RawAnswer> {
  const lines = Object.entries({ host: new URL(url).host, connection: 'close', ...headers }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  const text = await sendRaw(
    Number(new URL(url).port),
    `${method} ${target} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`,
  );
  return parse(text);
}

function parse(text: string): RawAnswer {
  const end = text.indexOf('\r\n\r\n');
  const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n');
  return {
    status: Number(statusLine.split(' ')[1]),
    headers: new Map(
      lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]),
    ),
    body: text.slice(end + 4),
  };
}

/** The value of a `GetResponse` that was read as text, if it has under 128 bytes; what follows is `minute_qps`. */
export function valueIn(body: string): string {
  return body[0] === '\n' ? body.slice(2, 2 + body.charCodeAt(1)) : `no value: ${body}`;
}
