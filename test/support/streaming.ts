/** An application with long answers, large bodies, trailers, hints, slow and broken answers, and WebSockets. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';

export interface Seen {
  readonly method: string;
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
  /** Known once the request has ended. */
  bytes: number;
  digest: string;
  trailers: NodeJS.Dict<string>;
  /** `whole` after the body's end, `cut` when the connection ended before. */
  ended: 'no' | 'whole' | 'cut';
}

export interface Streaming {
  readonly url: string;
  readonly seen: Seen[];
  /** WebSockets open now. */
  readonly sockets: ReadonlySet<Duplex>;
  /** Requests being answered now. */
  readonly open: () => number;
  readonly close: () => Promise<void>;
}

type Page = (message: IncomingMessage, response: ServerResponse, query: URLSearchParams) => void;

const file = Buffer.from('0123456789'.repeat(100));
const piece = Buffer.alloc(64 * 1024, 'x');

const pages: Readonly<Record<string, Page>> = {
  '/events': (_message, response, query) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: first\n\n');
    const every = Number(query.get('every') ?? 100);
    const timer = setInterval(() => response.write('data: tick\n\n'), every);
    response.once('close', () => clearInterval(timer));
  },
  '/quiet-events': (_message, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: first\n\n');
  },
  '/never': () => undefined,
  '/download': (_message, response, query) => {
    let left = Number(query.get('bytes'));
    response.writeHead(200, { 'content-length': String(left) });
    const more = (): void => {
      while (left > 0) {
        const part = left >= piece.length ? piece : piece.subarray(0, left);
        left -= part.length;
        if (!response.write(part)) return void response.once('drain', more);
      }
      response.end();
    };
    more();
  },
  '/file': (message, response) => {
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(message.headers.range ?? '') ?? [];
    if (from === undefined || to === undefined) {
      response.writeHead(200, { 'accept-ranges': 'bytes', 'content-length': String(file.length), etag: '"one"' });
      response.end(message.method === 'HEAD' ? undefined : file);
      return;
    }
    response.writeHead(206, {
      'content-range': `bytes ${from}-${to}/${file.length}`,
      'content-length': String(Number(to) - Number(from) + 1),
    });
    response.end(file.subarray(Number(from), Number(to) + 1));
  },
  '/trailers': (_message, response) => {
    response.writeHead(200, { trailer: 'X-Checksum, Set-Cookie, X-Forwarded-For' });
    response.write('body');
    response.addTrailers([
      ['X-Checksum', 'abc'],
      ['Set-Cookie', 'sallyport-app=evil'],
      ['X-Forwarded-For', '127.0.0.1'],
    ]);
    response.end();
  },
  '/hints': (_message, response) => {
    response.writeEarlyHints({ link: '</style.css>; rel=preload; as=style' });
    response.writeProcessing();
    response.end('after hints');
  },
  '/early': (message, response) => {
    response.writeHead(413, { 'content-length': '8', connection: 'close' });
    response.end('too much');
    message.destroy();
  },
  '/early-kind': (_message, response) => {
    response.writeHead(409, { 'content-length': '8' });
    response.end('conflict');
  },
  '/cut': (_message, response) => {
    response.writeHead(200, { 'content-length': '100' });
    response.write('some');
    setTimeout(() => response.destroy(), 50);
  },
  '/cut-chunked': (_message, response) => {
    response.writeHead(200);
    response.write('some');
    setTimeout(() => response.destroy(), 50);
  },
  '/refuse-continue': (_message, response) => {
    response.writeHead(417, { connection: 'close' });
    response.end();
  },
};

export async function startStreaming(): Promise<Streaming> {
  const seen: Seen[] = [];
  const sockets = new Set<Duplex>();
  let open = 0;
  const noted = ({ method = '', url = '', headers }: IncomingMessage): Seen => {
    const about: Seen = { method, target: url, headers, bytes: 0, digest: '', trailers: {}, ended: 'no' };
    seen.push(about);
    return about;
  };
  const answer = (message: IncomingMessage, response: ServerResponse): void => {
    const { pathname, searchParams } = new URL(message.url ?? '/', 'http://x');
    const about = noted(message);
    open += 1;
    response.once('close', () => {
      open -= 1;
      if (about.ended === 'no') about.ended = 'cut';
    });
    const page = pages[pathname];
    if (page !== undefined) {
      page(message, response, searchParams);
      return;
    }
    const hash = createHash('sha256');
    message.on('data', (part: Buffer) => {
      about.bytes += part.length;
      hash.update(part);
    });
    message.on('end', () => {
      about.ended = 'whole';
      about.digest = hash.digest('hex');
      about.trailers = message.trailers;
      response.end(JSON.stringify({ bytes: about.bytes, digest: about.digest }));
    });
  };
  const server = createServer(answer);
  server.on('checkContinue', (message: IncomingMessage, response: ServerResponse) => {
    if (message.url !== '/refuse-continue') response.writeContinue();
    answer(message, response);
  });
  server.on('upgrade', (message: IncomingMessage, socket: Socket, head: Buffer) => {
    noted(message);
    socket.on('error', () => undefined);
    if (message.url === '/ws-refused') {
      socket.end('HTTP/1.1 426 Upgrade Required\r\nContent-Length: 4\r\nConnection: keep-alive\r\n\r\nnope');
      return;
    }
    const protocol = message.url === '/ws-other' ? 'h2c' : 'websocket';
    const accept = createHash('sha1')
      .update(`${message.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest('base64');
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\nSec-WebSocket-Accept: ${accept}\r\nSet-Cookie: sallyport-app=evil\r\nSet-Cookie: fine=1\r\n\r\n`,
    );
    if (message.url === '/ws-hello') socket.write('hello');
    if (message.url === '/ws-close') socket.end('bye');
    else {
      if (head.length > 0) socket.write(head);
      socket.pipe(socket);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    sockets,
    open: () => open,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
