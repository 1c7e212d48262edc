/** Long, large and broken exchanges through the built-in proxy: streams, uploads, ranges, trailers, hints, early ends. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { send } from '../support/client.ts';
import { enterApplication, setUp, signInBearer } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';
import { rawConnection, type RawConnection } from '../support/raw-connection.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { startStreaming, type Streaming } from '../support/streaming.ts';
import { pause, settled } from '../support/waiting.ts';
import { residentMiB } from '../support/process-figures.ts';

const endsWithin = 5000;
const MiB = 1024 * 1024;

describe('streams through the proxy', () => {
  let server: RunningServer;
  let app: Streaming;
  let port: number;
  let host: string;
  let token: string;
  before(async () => {
    app = await startStreaming();
    server = await startServer({ upstream: app.url });
    token = String((await setUp(server)).json['token']);
    ({ host } = new URL(server.application));
    port = Number(new URL(server.application).port);
  });
  after(async () => {
    await server.remove();
    await app.close();
  });

  const headers = (): { authorization: string } => ({ authorization: `Bearer ${token}` });
  const head = (line: string, more: readonly string[] = []): string =>
    [`${line} HTTP/1.1`, `Host: ${host}`, `Authorization: Bearer ${token}`, ...more, '', ''].join('\r\n');
  const raw = (text: string): RawConnection => {
    const connection = rawConnection(port);
    connection.send(text);
    return connection;
  };
  const lastSeen = (path: string): Streaming['seen'][number] => {
    const found = app.seen.findLast((each) => each.target.startsWith(path));
    assert.ok(found, `${path} did not reach the application`);
    return found;
  };

  it('server-sent events arrive one by one, as they are sent', async () => {
    const connection = raw(head('GET /events?every=50'));
    await connection.until(/data: first/);
    await connection.until(/(data: tick[\s\S]*){3}/);
    connection.socket.destroy();
    await settled(() => lastSeen('/events').ended === 'cut', 'the application was not told that the client went away');
  });

  it('an event stream ends with its session, silent ones too', async () => {
    for (const path of ['/events?every=100', '/quiet-events']) {
      const { console, application } = await enterApplication(server);
      const connection = rawConnection(port);
      connection.send(
        `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nCookie: sallyport-app=${application.cookies.get('sallyport-app')}\r\n\r\n`,
      );
      await connection.until(/data: first/);
      const out = await console.send('/api/auth/logout', { method: 'POST', headers: { 'x-csrf-token': console.csrf } });
      assert.equal(out.status, 200);
      await connection.closed(endsWithin);
      assert.doesNotMatch(connection.text(), /0\r\n\r\n$/, 'cut, not ended as if it were whole');
      await settled(() => lastSeen(path).ended === 'cut', path);
    }
  });

  it('a download under way ends with its session; a request that waits for its answer is refused', async () => {
    const other = await signInBearer(server);
    const slow = rawConnection(port);
    slow.send(`GET /download?bytes=${400 * MiB} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${other}\r\n\r\n`);
    await slow.until(/^HTTP\/1\.1 200 /);
    slow.socket.pause();
    const waiting = rawConnection(port);
    waiting.send(`GET /never HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${other}\r\n\r\n`);
    await settled(() => app.seen.some((each) => each.target === '/never'), 'the request did not arrive');
    const out = await send(`${server.console}/api/auth/logout`, {
      method: 'POST',
      headers: { authorization: `Bearer ${other}` },
    });
    assert.equal(out.status, 200, out.text);
    await waiting.until(/^HTTP\/1\.1 401 [\s\S]*invalid_token/, endsWithin);
    await settled(() => lastSeen('/download').ended === 'cut', 'the download went on', endsWithin);
    slow.socket.destroy();
  });

  it('1 GiB up, in memory that stays what it was', async () => {
    const before = residentMiB(server);
    const size = 1024 * MiB;
    const piece = Buffer.alloc(MiB, 'u');
    const hash = createHash('sha256');
    let most = 0;
    const watching = setInterval(() => (most = Math.max(most, residentMiB(server))), 20);
    const answer = await new Promise<string>((resolve, reject) => {
      const asking = request(
        `${server.application}/upload`,
        { method: 'POST', headers: { ...headers(), 'content-length': size } },
        (response) => {
          let text = '';
          response.on('data', (part: Buffer) => (text += part.toString()));
          response.on('end', () => resolve(text));
        },
      );
      asking.on('error', reject);
      let left = size;
      const more = (): void => {
        while (left > 0) {
          left -= piece.length;
          hash.update(piece);
          if (!asking.write(piece)) return void asking.once('drain', more);
        }
        asking.end();
      };
      more();
    });
    clearInterval(watching);
    assert.deepEqual(JSON.parse(answer), { bytes: size, digest: hash.digest('hex') });
    assert.ok(most > 0 && most - before < 96, `it grew by ${Math.round(most - before)} MiB`);
  });

  it('1 GiB down to a slow reader, in memory that stays what it was', async () => {
    const before = residentMiB(server);
    let most = 0;
    let got = 0;
    await new Promise<void>((resolve, reject) => {
      const asking = request(
        `${server.application}/download?bytes=${1024 * MiB}`,
        { headers: headers() },
        (response) => {
          response.on('data', (part: Buffer) => {
            const pauses = Math.floor(got / (64 * MiB)) !== Math.floor((got + part.length) / (64 * MiB));
            got += part.length;
            if (!pauses) return;
            most = Math.max(most, residentMiB(server));
            response.pause();
            setTimeout(() => response.resume(), 30);
          });
          response.on('end', resolve);
        },
      );
      asking.on('error', reject);
      asking.end();
    });
    assert.equal(got, 1024 * MiB);
    assert.ok(most > 0 && most - before < 96, `it grew by ${Math.round(most - before)} MiB`);
  });

  it('ranges, conditional headers and HEAD pass as they are', async () => {
    const part = await send(`${server.application}/file`, { headers: { ...headers(), range: 'bytes=10-19' } });
    assert.deepEqual([part.status, part.headers['content-range'], part.text], [206, 'bytes 10-19/1000', '0123456789']);
    const only = await send(`${server.application}/file`, { method: 'HEAD', headers: headers() });
    assert.deepEqual([only.status, only.headers['content-length'], only.text], [200, '1000', '']);
    assert.equal(only.headers['etag'], '"one"');
    const conditional = { ...headers(), 'if-none-match': '"one"', 'if-range': '"one"' };
    await send(`${server.application}/conditional`, { headers: conditional });
    assert.equal(lastSeen('/conditional').headers['if-none-match'], '"one"');
  });

  it('trailers pass both ways, but none that would be read as a header of ours', async () => {
    const down = raw(head('GET /trailers', ['TE: trailers', 'Connection: close']));
    await down.closed();
    assert.match(down.text(), /^Trailer: X-Checksum\r$/m);
    assert.match(down.text(), /0\r\nX-Checksum: abc\r\n\r\n$/);
    assert.doesNotMatch(down.text(), /evil|X-Forwarded-For/);

    const up = raw(
      `${head('POST /with-trailers', ['Transfer-Encoding: chunked', 'Trailer: X-Sum, Remote-User, Content-Length', 'Connection: close'])}4\r\nbody\r\n0\r\nX-Sum: 12\r\nRemote-User: superadmin\r\nREMOTE_USER: superadmin\r\nX-Forwarded-For: 127.0.0.1\r\nAuthorization: Bearer x\r\nCookie: a=b\r\nHost: evil\r\nSec-Fetch-Site: none\r\n\r\n`,
    );
    await up.until(/^HTTP\/1\.1 200 /);
    const seen = lastSeen('/with-trailers');
    assert.deepEqual({ ...seen.trailers }, { 'x-sum': '12' });
    assert.equal(seen.headers.trailer, 'X-Sum');
    assert.equal(seen.headers['remote-user'], 'root1');
    assert.equal(seen.bytes, 4);
  });

  it('a client that knows no trailers gets the body all the same, and HTTP/1.0 gets it without chunks', async () => {
    assert.equal((await send(`${server.application}/trailers`, { headers: headers() })).text, 'body');
    const old = raw(`GET /trailers HTTP/1.0\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\n\r\n`);
    await old.closed();
    assert.match(old.text(), /\r\n\r\nbody$/);
  });

  it('interim answers pass: early hints and processing, then the answer', async () => {
    const connection = raw(head('GET /hints', ['Connection: close']));
    await connection.closed();
    assert.match(
      connection.text(),
      /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/style\.css>; rel=preload; as=style\r\n\r\nHTTP\/1\.1 102 Processing\r\n\r\nHTTP\/1\.1 200 OK\r\n[\s\S]*after hints/,
    );
    const old = raw(`GET /hints HTTP/1.0\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\n\r\n`);
    await old.closed();
    assert.match(old.text(), /^HTTP\/1\.1 200 OK\r\n/);
  });

  it('Expect: 100-continue goes to the application: it is asked before the body is sent', async () => {
    const welcome = raw(head('PUT /welcome', ['Content-Length: 5', 'Expect: 100-continue', 'Connection: close']));
    await welcome.until(/^HTTP\/1\.1 100 Continue\r\n\r\n/);
    assert.equal(lastSeen('/welcome').headers.expect, '100-continue');
    welcome.send('hello');
    await welcome.until(/"bytes":5/);
    const refused = raw(head('PUT /refuse-continue', ['Content-Length: 5', 'Expect: 100-continue']));
    await refused.until(/^HTTP\/1\.1 417 /);
    await refused.closed();
    assert.doesNotMatch(refused.text(), /100 Continue/);
  });

  it('a stranger who expects 100-continue is refused before a byte of the body', async () => {
    const connection = rawConnection(port);
    connection.send(
      `PUT /stranger HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n\r\n`,
    );
    await connection.until(/^HTTP\/1\.1 401 /);
    await connection.closed();
    assert.doesNotMatch(connection.text(), /100 Continue/);
  });

  it('an answer before the end of an upload arrives, and the connection ends', async () => {
    for (const path of ['/early', '/early-kind']) {
      const connection = raw(head(`POST ${path}`, [`Content-Length: ${50 * MiB}`]));
      const sending = setInterval(() => connection.send(Buffer.alloc(64 * 1024)), 5);
      await connection.until(/^HTTP\/1\.1 (413 [\s\S]*too much|409 [\s\S]*conflict)$/);
      assert.match(connection.text(), /^connection: close\r$/im);
      await connection.closed();
      clearInterval(sending);
    }
  });

  it('a client that only sends, and then reads, gets the early answer all the same', async () => {
    const got = await send(`${server.application}/early-kind`, { headers: headers(), body: Buffer.alloc(30 * MiB) });
    assert.deepEqual([got.status, got.text], [409, 'conflict']);
  });

  it('an answer cut short is cut short for the client, with a length and without', async () => {
    await assert.rejects(send(`${server.application}/cut`, { headers: headers() }));
    await assert.rejects(send(`${server.application}/cut-chunked`, { headers: headers() }));
    assert.equal((await send(`${server.application}/fine`, { headers: headers() })).status, 200);
  });

  it('nothing stays open at the application after its clients have left, mid-body, mid-answer, in hundreds', async () => {
    for (let round = 0; round < 300; round += 1) {
      const connection = rawConnection(port);
      connection.send(
        [
          head('GET /never'),
          head('POST /upload-cut', ['Content-Length: 1000000']) + 'x'.repeat(1000),
          head(`GET /download?bytes=${10 * MiB}`),
          head('GET /events').slice(0, -8),
        ][round % 4] ?? '',
      );
      setTimeout(() => connection.socket.resetAndDestroy(), (round % 10) * 3);
      if (round % 50 === 49) await pause(50);
    }
    await settled(() => app.open() === 0, `${app.open()} requests stayed open`);
  });
});

describe('applications that keep people waiting', () => {
  let server: RunningServer;
  let app: Streaming;
  let headers: { authorization: string };
  before(async () => {
    app = await startStreaming();
    server = await startServer({
      upstream: app.url,
      args: ['--proxy-answer-timeout', '1s', '--proxy-idle-timeout', '2s', '--proxy-body-limit', '64KiB'],
    });
    headers = { authorization: `Bearer ${String((await setUp(server)).json['token'])}` };
  });
  after(async () => {
    await server.remove();
    await app.close();
  });

  it('no answer in time is 504: a problem answer for programs, a page for people', async () => {
    assertProblem(await send(`${server.application}/never`, { headers }), 504, 'upstream_timeout');
    const page = await send(`${server.application}/never`, {
      headers: { ...headers, accept: 'text/html', 'sec-fetch-mode': 'navigate' },
    });
    assert.equal(page.status, 504);
    assert.match(page.headers['content-type'] ?? '', /^text\/html/);
    assert.match(page.text, /did not answer in time/);
    await settled(() => app.open() === 0, 'the application was not told');
  });

  it('an answer that stops is cut; one that trickles is not', async () => {
    await assert.rejects(send(`${server.application}/quiet-events`, { headers }));
    const { host, port } = new URL(server.application);
    const trickle = rawConnection(Number(port));
    trickle.send(`GET /events?every=500 HTTP/1.1\r\nHost: ${host}\r\nAuthorization: ${headers.authorization}\r\n\r\n`);
    await trickle.until(/(data: tick[\s\S]*){8}/, 8000);
    trickle.socket.destroy();
  });

  it('bodies over the limit are 413, told by their length or found on the way', async () => {
    const much = Buffer.alloc(65 * 1024);
    const least = Buffer.alloc(64 * 1024);
    assertProblem(await send(`${server.application}/upload`, { headers, body: much }), 413, 'payload_too_large');
    const chunked = { ...headers, 'transfer-encoding': 'chunked' };
    assertProblem(
      await send(`${server.application}/upload`, { headers: chunked, body: much }),
      413,
      'payload_too_large',
    );
    assert.equal((await send(`${server.application}/upload`, { headers, body: least })).json['bytes'], least.length);
    assert.equal(
      (await send(`${server.application}/upload`, { headers: chunked, body: least })).json['bytes'],
      least.length,
    );
  });
});

describe('applications that are not there', () => {
  it('refusing, and never accepting, is 502 with a page for people', async () => {
    // A listener whose queue is full takes no more connections.
    const full = createTcpServer();
    await new Promise<void>((resolve) => full.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, resolve));
    const { port } = full.address() as AddressInfo;
    await new Promise<void>((resolve) => full.close(() => resolve()));
    const server = await startServer({
      upstream: `http://127.0.0.1:${port}`,
      args: ['--proxy-connect-timeout', '500ms'],
    });
    try {
      const headers = { authorization: `Bearer ${String((await setUp(server)).json['token'])}` };
      assertProblem(await send(`${server.application}/x`, { headers }), 502, 'upstream_unreachable');
      const page = await send(`${server.application}/x`, { headers: { ...headers, accept: 'text/html' } });
      assert.equal(page.status, 502);
      assert.match(page.text, /<h1>Application unreachable<\/h1>/);
      assert.doesNotMatch(page.text, /ECONNREFUSED|127\.0\.0\.1:\d+\/x/);
    } finally {
      await server.remove();
    }
  });

  it('an address that swallows connections is given up in time', async (context) => {
    // 192.0.2.0/24 is reserved for documentation (RFC 5737); where a router answers for it, there is nothing to wait for.
    const server = await startServer({
      upstream: 'http://192.0.2.1:9',
      args: ['--proxy-connect-timeout', '1s'],
    });
    try {
      const headers = { authorization: `Bearer ${String((await setUp(server)).json['token'])}` };
      assertProblem(await send(`${server.application}/x`, { headers }), 502, 'upstream_unreachable');
      if (!server.log().includes('application unreachable')) context.diagnostic('given up by the time-out');
    } finally {
      await server.remove();
    }
  });
});
