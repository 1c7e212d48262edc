/** An application that says what reached it. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Echo {
  readonly url: string;
  readonly seen: {
    method: string;
    target: string;
    headers: IncomingHttpHeaders;
    rawHeaders: readonly string[];
    body: string;
  }[];
  /** Header names and values, in turn, of the next answers. */
  answerWith: readonly string[];
  readonly close: () => Promise<void>;
}

export async function startEcho(): Promise<Echo> {
  const seen: Echo['seen'] = [];
  const server = createServer((message, response) => {
    const parts: Buffer[] = [];
    message.on('data', (part: Buffer) => parts.push(part));
    message.on('end', () => {
      const about = {
        method: message.method ?? '',
        target: message.url ?? '',
        headers: message.headers,
        rawHeaders: message.rawHeaders,
        body: Buffer.concat(parts).toString('utf8'),
      };
      seen.push(about);
      const body = JSON.stringify(about);
      response.writeHead(200, [
        'content-type',
        'application/json',
        'content-length',
        String(Buffer.byteLength(body)),
        ...echo.answerWith,
      ]);
      response.end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const echo: Echo = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    answerWith: [],
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return echo;
}
