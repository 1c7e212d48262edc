/** HTTP as a program sends it, and a browser's worth of cookies where a test needs them. */
import { type Agent, request } from 'node:http';
import { request as secureRequest } from 'node:https';
import { connect } from 'node:net';
import type { ConnectionOptions } from 'node:tls';

export interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** Objects go as JSON with its content type; text and bytes go as they are. */
  readonly body?: unknown;
  /** Another loopback address to come from: 127.0.0.0/8 is all ours. */
  readonly from?: string;
  /** How an `https:` URL is reached, where that is not as everybody in this file does. */
  readonly tls?: ConnectionOptions;
  /** Keeps connections; without one each request has its own. */
  readonly agent?: Agent | false;
}

const trusted: string[] = [];

/** From now on this file's requests over HTTPS take certificates that are vouched for by that one (PEM); no others are taken. */
export function trustFromNowOn(authority: string): void {
  trusted.push(authority);
}

/** What a request to one of our routes carries, whatever form that route takes. */
export function bodyOf(
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  fields: object,
): Pick<Sent, 'headers' | 'body'> {
  if (method === 'GET') return { headers };
  return path.endsWith('/import-csv')
    ? { headers: { ...headers, 'content-type': 'text/csv' }, body: 'username\r\n' }
    : { headers, body: fields };
}

export interface Got {
  readonly status: number;
  /** The words beside it. */
  readonly reason: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly cookies: readonly string[];
  readonly text: string;
  /** The body as JSON; an empty object when it is none. */
  readonly json: Readonly<Record<string, unknown>>;
}

/** Longest until another node has heard of a change (3-rules, What ends what). */
const heardMs = 250;

/** On several nodes the next request reaches another one, which has heard of what this one changed. */
export async function send(url: string, sent: Sent = {}): Promise<Got> {
  const got = await ask(url, sent);
  const unsafe = !['GET', 'HEAD', 'OPTIONS'].includes(sent.method ?? (sent.body === undefined ? 'GET' : 'POST'));
  if (unsafe && got.status < 400 && process.env['SALLYPORT_TEST_STORE'] === 'nodes')
    await new Promise((resolve) => setTimeout(resolve, heardMs));
  return got;
}

function ask(url: string, sent: Sent): Promise<Got> {
  const target = new URL(url);
  const plain = typeof sent.body === 'string' || sent.body instanceof Uint8Array;
  const payload = sent.body === undefined ? undefined : plain ? sent.body : JSON.stringify(sent.body);
  const headers: Record<string, string | readonly string[]> = {
    ...(payload !== undefined && !plain ? { 'content-type': 'application/json' } : {}),
    ...sent.headers,
  };
  return new Promise((resolve, reject) => {
    const secure = target.protocol === 'https:';
    const asking = (secure ? secureRequest : request)(
      {
        ...(secure ? { ca: trusted, ...sent.tls } : {}),
        host: target.hostname.replace(/^\[|\]$/g, ''),
        port: target.port,
        path: `${target.pathname}${target.search}`,
        method: sent.method ?? (payload === undefined ? 'GET' : 'POST'),
        headers: {
          ...headers,
          ...(payload === undefined || 'transfer-encoding' in headers || 'content-length' in headers
            ? {}
            : { 'content-length': String(Buffer.byteLength(payload)) }),
        },
        agent: sent.agent ?? false,
        ...(sent.from === undefined ? {} : { localAddress: sent.from }),
      },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(parts).toString('utf8');
          const flat = Object.fromEntries(
            Object.entries(response.headers).map(([name, value]) => [name, String(value)]),
          );
          resolve({
            status: response.statusCode ?? 0,
            reason: response.statusMessage ?? '',
            headers: flat,
            cookies: response.headers['set-cookie'] ?? [],
            text,
            json: asJson(text),
          });
        });
      },
    );
    asking.on('error', reject);
    if (payload !== undefined) asking.write(payload);
    asking.end();
  });
}

function asJson(text: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}

/** Bytes as they are, for what no client library would send. Resolves with all that came back until the end or the time-out. */
export function sendRaw(port: number, bytes: string | Uint8Array, waitMs = 3000): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    const timer = setTimeout(() => socket.destroy(), waitMs);
    socket.setEncoding('latin1');
    socket.on('data', (part: string) => {
      text += part;
    });
    socket.on('error', (fault: NodeJS.ErrnoException) =>
      fault.code === 'ECONNRESET' || fault.code === 'EPIPE' ? undefined : reject(fault),
    );
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(text);
    });
    socket.write(bytes);
  });
}

/** A browser's cookies and the headers it adds, without the browser. */
export interface Browser {
  readonly cookies: Map<string, string>;
  /** CSRF token of the last answer that gave one. */
  csrf: string;
  send(path: string, sent?: Sent): Promise<Got>;
  /** The same, as one of our own pages does it. */
  page(path: string, sent?: Sent): Promise<Got>;
}

export function browser(base: string, from?: string): Browser {
  const cookies = new Map<string, string>();
  const self: Browser = {
    cookies,
    csrf: '',
    send: async (path, sent = {}) => {
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      const got = await send(`${base}${path}`, {
        ...(from === undefined ? {} : { from }),
        ...sent,
        headers: { ...(cookie === '' ? {} : { cookie }), ...sent.headers },
      });
      for (const line of got.cookies) {
        const [name = '', value = ''] = (line.split(';', 1)[0] ?? '').split(/=(.*)/s);
        if (/Max-Age=0(;|$)/i.test(line)) cookies.delete(name);
        else cookies.set(name, value);
      }
      if (typeof got.json['csrf_token'] === 'string') self.csrf = got.json['csrf_token'];
      return got;
    },
    page: (path, sent = {}) =>
      self.send(path, {
        ...sent,
        headers: {
          origin: base,
          'sec-fetch-site': 'same-origin',
          'sec-fetch-mode': 'cors',
          ...(self.csrf === '' ? {} : { 'x-csrf-token': self.csrf }),
          ...sent.headers,
        },
      }),
  };
  return self;
}
