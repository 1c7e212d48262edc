/** A mail server for tests, on loopback: speaks SMTP, with STARTTLS or TLS and a password where a test asks for them. */
import { createServer as createPlainServer, type AddressInfo, type Socket } from 'node:net';
import { createServer as createTlsServer, TLSSocket } from 'node:tls';

export interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  /** As it came, without the dot at the end. */
  readonly raw: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Decoded. */
  readonly text: string;
  readonly tls: 'on' | 'off';
  /** `user:password`; empty where nobody signed in. */
  readonly auth: string;
}

export interface MailServer {
  readonly port: number;
  readonly mails: Mail[];
  /** Everything clients said, line by line, but for the mails themselves. */
  readonly said: string[];
  /** Answers instead of the usual one, looked up by the line's first word; `silent`: none. */
  readonly instead: Map<string, string>;
  close(): Promise<void>;
}

export interface MailServerOptions {
  readonly tls?: { readonly cert: string; readonly key: string; readonly from: 'start' | 'starttls' };
}

export async function startMailServer(options: MailServerOptions = {}): Promise<MailServer> {
  const mails: Mail[] = [];
  const said: string[] = [];
  const instead = new Map<string, string>();
  const sockets = new Set<Socket>();
  const { tls } = options;

  const speak = (socket: Socket, secure: 'on' | 'off'): void => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    let rest = '';
    let data: string[] | null = null;
    let [from, to, auth]: [string, string[], string] = ['', [], ''];
    const answer = (text: string): void => {
      if (text !== 'silent') socket.write(`${text}\r\n`);
    };
    const command = (line: string): void => {
      said.push(line);
      const word = line.split(' ', 1)[0]?.toUpperCase() ?? '';
      const other = instead.get(word);
      if (other !== undefined) return answer(other);
      switch (word) {
        case 'EHLO': {
          const offers = ['mail.test', 'SMTPUTF8', '8BITMIME', 'AUTH PLAIN'];
          if (tls?.from === 'starttls' && secure === 'off') offers.push('STARTTLS');
          return answer(offers.map((each, at) => `250${at === offers.length - 1 ? ' ' : '-'}${each}`).join('\r\n'));
        }
        case 'STARTTLS': {
          if (tls === undefined) return answer('502 no');
          socket.removeAllListeners('data');
          answer('220 go');
          speak(new TLSSocket(socket, { isServer: true, cert: tls.cert, key: tls.key }), 'on');
          return;
        }
        case 'AUTH': {
          const [, user = '', password = ''] = Buffer.from(line.split(' ')[2] ?? '', 'base64')
            .toString()
            .split('\0');
          auth = `${user}:${password}`;
          return answer('235 welcome');
        }
        case 'MAIL':
          from = /<([^>]*)>/.exec(line)?.[1] ?? '';
          to = [];
          return answer('250 ok');
        case 'RCPT':
          to.push(/<([^>]*)>/.exec(line)?.[1] ?? '');
          return answer('250 ok');
        case 'DATA':
          data = [];
          return answer('354 go on');
        case 'QUIT':
          answer('221 bye');
          return void socket.end();
        case 'RSET':
          return answer('250 ok');
        default:
          return answer('502 no');
      }
    };
    socket.setEncoding('utf8');
    socket.on('data', (part: string) => {
      const lines = `${rest}${part}`.split('\r\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (data === null) command(line);
        else if (line === '.') {
          mails.push(mailOf(data.join('\r\n'), { from, to, tls: secure, auth }));
          data = null;
          answer(instead.get('.') ?? '250 taken');
        } else data.push(line.replace(/^\./, ''));
      }
    });
    if (secure === 'off' || tls?.from === 'start') answer(instead.get('greeting') ?? '220 mail.test');
  };

  const server =
    tls?.from === 'start'
      ? createTlsServer({ cert: tls.cert, key: tls.key }, (socket) => speak(socket, 'on'))
      : createPlainServer((socket) => speak(socket, 'off'));
  // Also those that never come to speak, as one whose handshake goes wrong.
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    mails,
    said,
    instead,
    close: async () => {
      for (const each of sockets) each.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function mailOf(raw: string, about: Pick<Mail, 'from' | 'to' | 'tls' | 'auth'>): Mail {
  const end = raw.indexOf('\r\n\r\n');
  const lines = raw
    .slice(0, end)
    .replaceAll(/\r\n[ \t]+/g, ' ')
    .split('\r\n');
  const headers = Object.fromEntries(
    lines.map((line) => {
      const [name = '', value = ''] = line.split(/: ?(.*)/s);
      return [name.toLowerCase(), value];
    }),
  );
  const body = raw.slice(end + 4);
  return { ...about, raw, headers, text: decoded(body, headers['content-transfer-encoding'] ?? '7bit') };
}

function decoded(body: string, encoding: string): string {
  if (encoding === 'base64') return Buffer.from(body, 'base64').toString('utf8');
  if (encoding !== 'quoted-printable') return body;
  const bytes = body
    .replaceAll(/=\r\n/g, '')
    .replaceAll(/=([0-9A-F]{2})/g, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
