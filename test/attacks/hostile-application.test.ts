/** An application that turned against the proxy in front of it: hints without end, answers that are two, bodies where none may be. */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { send } from '../support/client.ts';
import { setUp } from '../support/people.ts';
import { handshake, rawConnection, type RawConnection } from '../support/raw-connection.ts';
import { type RawUpstream, rawUpstream } from '../support/raw-upstream.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { pause } from '../support/waiting.ts';
import { residentMiB } from '../support/process-figures.ts';

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const chunked = 'Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n';

/** For Node's own pattern each further pair doubles the time. */
const endlessLink = `</x>${';a=b'.repeat(60)}"`;

const answers: Readonly<Record<string, string>> = {
  '/endless-link': `HTTP/1.1 103 Early Hints\r\nLink: ${endlessLink}\r\n\r\n${ok}`,
  '/many-hints': `${'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n'.repeat(500)}${ok}`,
  '/odd-hint': `HTTP/1.1 103 Early Hints\r\nLink: </x>, </y>; rel="a b"\r\nLink: </z>\r\n\r\n${ok}`,
  '/good-hints': `HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload; as="style"\r\nLink: </b>; crossorigin\r\n\r\n${ok}`,
  '/204-trailers': `HTTP/1.1 204 No Content\r\n${chunked}`,
  '/304-trailers': `HTTP/1.1 304 Not Modified\r\n${chunked}`,
  '/204-length': 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n',
  '/204-body': `HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`,
  '/two-answers': `${ok}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`,
};

describe('an application that turned', () => {
  let server: RunningServer;
  let upstream: RawUpstream;
  let port: number;
  let head: (line: string, ...more: string[]) => string;
  before(async () => {
    upstream = await rawUpstream((received, socket: Socket) => {
      const [, path = ''] = (received.split('\r\n')[0] ?? '').split(' ');
      if (path === '/flood') {
        const hint = `HTTP/1.1 103 Early Hints\r\nLink: </${'x'.repeat(500)}>\r\nX: ${'y'.repeat(10_000)}\r\n\r\n`;
        const more = (): void => {
          while (socket.writable && socket.write(hint));
        };
        socket.on('drain', more);
        more();
      } else if (path !== '/silent' && received.includes(' HTTP/1.1\r\n')) socket.write(answers[path] ?? ok, 'latin1');
    });
    server = await startServer({ upstream: upstream.url, args: ['--proxy-answer-timeout', '3s'] });
    const token = String((await setUp(server)).json['token']);
    const { host } = new URL(server.application);
    port = Number(new URL(server.application).port);
    head = (line, ...more) =>
      [`${line} HTTP/1.1`, `Host: ${host}`, `Authorization: Bearer ${token}`, ...more, '', ''].join('\r\n');
  });
  after(async () => {
    await server.remove();
    await upstream.close();
  });

  const raw = (...requests: string[]): RawConnection => {
    const connection = rawConnection(port);
    connection.send(requests.join(''));
    return connection;
  };
  const fine = (): string => head('GET /fine', 'Connection: close');

  it('a hint that no pattern finishes costs nothing, and the answer comes', async () => {
    const connection = raw(head('GET /endless-link', 'Connection: close'));
    await connection.until(/^HTTP\/1\.1 200 [\s\S]*ok$/, 2000);
    assert.equal((await send(`${server.console}/healthz`)).status, 200);
  });

  it('hints pass a few times, when they are plain, each as it came', async () => {
    const many = raw(head('GET /many-hints', 'Connection: close'));
    await many.closed();
    assert.equal((many.text().match(/103 Early Hints/g) ?? []).length, 8);
    assert.match(many.text(), /200 OK[\s\S]*ok$/);
    const odd = raw(head('GET /odd-hint', 'Connection: close'));
    await odd.closed();
    assert.doesNotMatch(odd.text(), /103/);
    const good = raw(head('GET /good-hints', 'Connection: close'));
    await good.closed();
    assert.match(
      good.text(),
      /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a\.css>; rel=preload; as="style", <\/b>; crossorigin\r\n/,
    );
  });

  it('a flood of hints to somebody who does not read stays small and ends', { timeout: 30_000 }, async () => {
    const before = residentMiB(server);
    const connection = raw(head('GET /flood'));
    connection.socket.pause();
    await pause(2500);
    assert.ok(residentMiB(server) - before < 100, `it grew by ${Math.round(residentMiB(server) - before)} MiB`);
    connection.socket.resume();
    await connection.until(/HTTP\/1\.1 504 /, 10_000);
    connection.socket.destroy();
  });

  for (const path of ['/204-trailers', '/304-trailers', '/204-length', '/204-body', '/two-answers']) {
    it(`${path}: the next answer on the connection is the next request's`, async () => {
      const connection = raw(head(`GET ${path}`), fine());
      await connection.closed();
      const statuses = [...connection.text().matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status);
      const first = /^\/(\d+)/.exec(path)?.[1] ?? '200';
      assert.deepEqual(statuses, [first, '200'], connection.text());
      assert.match(connection.text(), /\r\n\r\nok$/);
      assert.doesNotMatch(connection.text(), /evil/);
      if (first === '204') assert.doesNotMatch(connection.text().split('HTTP/1.1 200')[0] ?? '', /content-length/i);
    });
  }

  it('hears of a request before its body begins', async () => {
    const connection = raw(head('POST /silent', 'Transfer-Encoding: chunked'));
    const heard = (): boolean => upstream.connections.some((each) => each.includes('POST /silent HTTP/1.1\r\n'));
    for (let tries = 0; !heard() && tries < 100; tries += 1) await pause(10);
    assert.ok(heard());
    connection.socket.destroy();
  });

  it('an HTTP/1.0 client that expects is not told to continue', async () => {
    const old = raw(head('POST /fine', 'Content-Length: 2', 'Expect: 100-continue').replace('HTTP/1.1', 'HTTP/1.0'));
    old.send('hi');
    await old.closed();
    assert.match(old.text(), /^HTTP\/1\.1 200 /);
  });

  it('a client that leaves while its handshake is not answered is noticed on both sides', async () => {
    const { host } = new URL(server.application);
    const before = upstream.connections.length;
    const leaving = Array.from({ length: 5 }, () =>
      raw(handshake(host, '/silent', { Authorization: /Authorization: (.*)/.exec(head('x'))?.[1] ?? '' })),
    );
    for (let tries = 0; upstream.connections.length < before + 5 && tries < 100; tries += 1) await pause(20);
    for (const each of leaving) each.socket.end();
    await Promise.all(leaving.map((each) => each.closed(2000)));
  });
});
