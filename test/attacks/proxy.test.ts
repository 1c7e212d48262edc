/** Attacks through the built-in proxy: framing, identity, retries, answers that are none (security.md 2.9, 2.11; P-20, P-21). */
import assert from 'node:assert/strict';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { send, sendRaw } from '../support/client.ts';
import { setUp } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';
import { type RawUpstream, rawUpstream } from '../support/raw-upstream.ts';
import { type RunningServer, startServer } from '../support/server.ts';

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

describe('one request in, one request out', () => {
  let server: RunningServer;
  let bearer: string;
  const seen: { method: string; url: string; user: string; host: string; body: string }[] = [];
  const upstream = createHttpServer((message, response) => {
    let body = '';
    message.setEncoding('utf8');
    message.on('data', (part: string) => (body += part));
    message.on('end', () => {
      seen.push({
        method: message.method ?? '',
        url: message.url ?? '',
        user: String(message.headers['remote-user']),
        host: String(message.headers.host),
        body,
      });
      response.end('ok');
    });
  });
  before(async () => {
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
    server = await startServer({ upstream: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}` });
    bearer = String((await setUp(server)).json['token']);
  });
  after(async () => {
    await server.remove();
    upstream.closeAllConnections();
    await new Promise((resolve) => upstream.close(resolve));
  });

  const inner = 'GET /admin HTTP/1.1\r\nHost: x\r\nRemote-User: superadmin\r\nContent-Length: 0\r\n\r\n';
  const chunked = `${inner.length.toString(16)}\r\n${inner}\r\n0\r\n\r\n`;
  for (const method of ['GET', 'HEAD', 'DELETE', 'OPTIONS', 'POST', 'PUT', 'PATCH']) {
    for (const [name, framing, body] of [
      ['chunked', 'Transfer-Encoding: chunked', chunked],
      ['a length', `Content-Length: ${inner.length}`, inner],
      [
        'a length that Connection names',
        `Content-Length: ${inner.length}\r\nConnection: content-length, host, close`,
        inner,
      ],
      [
        'chunked, which Connection names',
        'Transfer-Encoding: chunked\r\nConnection: transfer-encoding, close',
        chunked,
      ],
    ] as const) {
      it(`${method} with ${name}: the body stays a body`, async () => {
        const before = seen.length;
        const host = new URL(server.application).host;
        const head = `${method} /page HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${bearer}\r\n${framing}\r\n\r\n`;
        const answer = await sendRaw(Number(new URL(server.application).port), head + body, 600);
        assert.match(answer, /^HTTP\/1\.1 200 /);
        const next = await send(`${server.application}/next`, { headers: { authorization: `Bearer ${bearer}` } });
        assert.equal(next.text, 'ok');
        const added = seen.slice(before);
        assert.deepEqual(
          added.map((each) => [each.method, each.url, each.user]),
          [
            [method, '/page', 'root1'],
            ['GET', '/next', 'root1'],
          ],
        );
        assert.equal(added[0]?.body, inner);
        assert.equal(added[0]?.host, host);
      });
    }
  }
});

describe('applications that misbehave', () => {
  const answers: Readonly<Record<string, string>> = {
    '/switching': 'HTTP/1.1 101 Switching\r\n\r\n',
    '/switching-for-real': 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n',
    '/status-0': 'HTTP/1.1 000 x\r\n\r\n',
    '/status-99': 'HTTP/1.1 099 x\r\n\r\n',
    '/status-999': 'HTTP/1.1 999 x\r\nContent-Length: 0\r\n\r\n',
    '/garbage': 'not http at all\r\n\r\n',
    '/two-lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nokk',
    '/both': 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    '/huge': `HTTP/1.1 200 OK\r\nX: ${'y'.repeat(100_000)}\r\n\r\n`,
    '/hints': `HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n${ok}`,
    '/half': 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhal',
    '/cookies':
      'HTTP/1.1 200 OK\r\nSet-Cookie: =sallyport-account=evil; Path=/\r\nSet-Cookie: =__Host-sallyport-app=evil\r\nSet-Cookie: __Http-sallyport-app=evil\r\nSet-Cookie: __Host-Http-sallyport-admin=evil\r\nSet-Cookie: SALLYPORT-APP=evil\r\nSet-Cookie: fine=1\r\nContent-Length: 0\r\n\r\n',
  };
  let server: RunningServer;
  let upstream: RawUpstream;
  let headers: { authorization: string };
  const calls: string[] = [];
  before(async () => {
    upstream = await rawUpstream((received, socket) => {
      const [line = ''] = received.split('\r\n');
      const [, path = ''] = line.split(' ');
      calls.push(line);
      if (path === '/reset') socket.resetAndDestroy();
      else if (path === '/first') socket.write(ok);
      else {
        socket.write(answers[path] ?? ok, 'latin1');
        if (path === '/half') setTimeout(() => socket.destroy(), 50);
      }
    });
    server = await startServer({ upstream: upstream.url });
    headers = { authorization: `Bearer ${String((await setUp(server)).json['token'])}` };
  });
  after(async () => {
    await server.remove();
    await upstream.close();
  });

  for (const path of [
    '/switching',
    '/switching-for-real',
    '/status-0',
    '/status-99',
    '/garbage',
    '/two-lengths',
    '/both',
    '/huge',
    '/reset',
  ]) {
    it(`${path} is a 502 of ours, and the server lives on`, async () => {
      assertProblem(await send(`${server.application}${path}`, { headers }), 502, 'upstream_unreachable');
      assert.equal((await send(`${server.application}/fine`, { headers })).text, 'ok');
    });
  }

  it('an answer cut short is cut short for the client, too', async () => {
    await assert.rejects(send(`${server.application}/half`, { headers }));
    assert.equal((await send(`${server.application}/fine`, { headers })).text, 'ok');
  });

  it('interim answers are not the answer', async () => {
    assert.equal((await send(`${server.application}/hints`, { headers })).text, 'ok');
  });

  it('no cookie of ours comes from the application, under any prefix, nor without a name', async () => {
    assert.deepEqual((await send(`${server.application}/cookies`, { headers })).cookies, ['fine=1']);
  });

  it('what may not be done twice is never sent twice', async () => {
    for (const method of ['POST', 'DELETE', 'PUT']) {
      // A kept connection first, so that the next request goes over a used one.
      await send(`${server.application}/first`, { headers });
      const before = calls.filter((line) => line.includes('/reset')).length;
      const got = await send(`${server.application}/reset`, { method, headers });
      assert.equal(got.status, 502);
      assert.equal(calls.filter((line) => line.includes('/reset')).length, before + 1, method);
    }
  });

  it('a refused upload is not waited for', async () => {
    const answer = await sendRaw(
      Number(new URL(server.application).port),
      `POST /x HTTP/1.1\r\nHost: ${new URL(server.application).host}\r\nContent-Length: 100000000\r\n\r\nabc`,
      3000,
    );
    assert.match(answer, /^HTTP\/1\.1 401 /);
    assert.match(answer, /connection: close/i);
  });
});

describe('peers that are gone', () => {
  it('a connection reset before its request is read is nobody, not this machine', async () => {
    const server = await startServer({ args: ['--trusted-proxies', '127.0.0.1'] });
    try {
      const token = String((await setUp(server)).json['token']);
      const body = JSON.stringify({ username: 'Root1', password: 'wrong wrong wrong 12' });
      for (let round = 0; round < 20; round += 1) {
        await new Promise<void>((resolve) => {
          const socket = connect(
            { port: Number(new URL(server.console).port), host: '127.0.0.1', localAddress: '127.0.0.9' },
            () => {
              socket.write(
                `POST /api/auth/login HTTP/1.1\r\nHost: ${new URL(server.console).host}\r\nX-Forwarded-For: 198.51.100.5\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
              );
              socket.resetAndDestroy();
            },
          );
          socket.on('close', () => resolve());
          socket.on('error', () => undefined);
        });
      }
      await new Promise((resolve) => setTimeout(resolve, 1500));
      const got = await send(`${server.console}/api/auth/login-attempts?all=1`, {
        headers: { authorization: `Bearer ${token}` },
      });
      const addresses = (got.json['attempts'] as { address: string }[]).map((each) => each.address);
      assert.equal(addresses.includes('198.51.100.5'), false, addresses.join());
    } finally {
      await server.remove();
    }
  });
});
