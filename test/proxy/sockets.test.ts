/**
 * WebSockets through the built-in proxy (3-rules, Proxied requests; P-24): who gets one, what reaches the application,
 * and that an open one ends with its session.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { send } from '../support/client.ts';
import { admin, enterApplication, setUp, signInBearer } from '../support/people.ts';
import { handshake, rawConnection, type RawConnection } from '../support/raw-connection.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { startStreaming, type Streaming } from '../support/streaming.ts';
import { pause } from '../support/waiting.ts';

/** A socket must be gone this long after its session (3-rules, Proxied requests). */
const endsWithin = 5000;

describe('WebSockets', () => {
  let server: RunningServer;
  let app: Streaming;
  let port: number;
  let host: string;
  before(async () => {
    app = await startStreaming();
    server = await startServer({ upstream: app.url });
    await setUp(server);
    ({ host } = new URL(server.application));
    port = Number(new URL(server.application).port);
  });
  after(async () => {
    await server.remove();
    await app.close();
  });

  const asked = (path: string): (typeof app.seen)[number][] => app.seen.filter((each) => each.target === path);
  const open = async (path: string, headers: Readonly<Record<string, string>>): Promise<RawConnection> => {
    const connection = rawConnection(port);
    connection.send(handshake(host, path, headers));
    await connection.until(/^HTTP\/1\.1 101 Switching Protocols\r\n[\s\S]*\r\n\r\n/);
    return connection;
  };
  const bearer = async (): Promise<{ Authorization: string }> => ({
    Authorization: `Bearer ${await signInBearer(server)}`,
  });

  it('carries bytes both ways, tells the application who it is, and keeps our cookies and tokens to itself', async () => {
    const { application } = await enterApplication(server);
    const connection = await open('/ws-whole', {
      Origin: server.application,
      Cookie: `theirs=1; sallyport-app=${application.cookies.get('sallyport-app')}`,
      'Remote-User': 'superadmin',
      'X-Forwarded-For': '198.51.100.9',
    });
    const headers = asked('/ws-whole')[0]?.headers ?? {};
    assert.equal(headers['remote-user'], 'root1');
    assert.equal(headers['x-forwarded-for'], '127.0.0.1');
    assert.equal(headers.cookie, 'theirs=1');
    assert.equal(headers['sec-websocket-key'], 'dGhlIHNhbXBsZSBub25jZQ==');
    const head = connection.text();
    assert.match(head, /^Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r$/m);
    assert.match(head, /^Set-Cookie: fine=1\r$/m);
    assert.doesNotMatch(head, /evil/);
    for (const word of ['one', 'two', 'three']) {
      connection.send(word);
      await connection.until(new RegExp(`${word}$`));
    }
    connection.socket.destroy();
  });

  it('what the application says at once arrives, and what it says last, too', async () => {
    const hello = await open('/ws-hello', await bearer());
    await hello.until(/hello$/);
    hello.socket.destroy();
    const bye = await open('/ws-close', await bearer());
    await bye.until(/bye$/);
    await bye.closed();
  });

  it('a megabyte each way stays whole', async () => {
    const connection = await open('/ws', await bearer());
    const many = 'a'.repeat(1024 * 1024);
    connection.send(`<${many}>`);
    const echoed = await connection.until(/<a*>$/);
    assert.equal(echoed.length, many.length + 2);
    connection.socket.destroy();
  });

  it('the application learns at once that the client is gone', async () => {
    const connection = await open('/ws', await bearer());
    const before = app.sockets.size;
    connection.socket.destroy();
    for (let tries = 0; app.sockets.size >= before && tries < 100; tries += 1) await pause(20);
    assert.equal(app.sockets.size, before - 1);
  });

  for (const [who, headers] of [
    ['a stranger', {}],
    ['somebody with a token that is none', { Authorization: `Bearer sps_${'a'.repeat(36)}` }],
    ['somebody with a dead cookie', { Cookie: `sallyport-app=${'a'.repeat(43)}` }],
  ] as const) {
    it(`${who} gets none, and the application hears nothing`, async () => {
      const connection = rawConnection(port);
      connection.send(handshake(host, '/ws-stranger', { Origin: server.application, ...headers }));
      await connection.until(/^HTTP\/1\.1 401 [\s\S]*application\/problem\+json/);
      await connection.closed();
      assert.deepEqual(asked('/ws-stranger'), []);
    });
  }

  for (const origin of ['https://evil.test', 'null', 'http://localhost:1', '']) {
    it(`a page of "${origin}" gets none with somebody's cookie`, async () => {
      const { application } = await enterApplication(server);
      const connection = rawConnection(port);
      const Cookie = `sallyport-app=${application.cookies.get('sallyport-app')}`;
      connection.send(handshake(host, '/ws-foreign', { Origin: origin, Cookie }));
      await connection.until(/^HTTP\/1\.1 403 [\s\S]*csrf_failed/);
      assert.deepEqual(asked('/ws-foreign'), []);
    });
  }

  it('an application that refuses is passed on; what the client sent behind the handshake is no request', async () => {
    const connection = rawConnection(port);
    const inner = `GET /smuggled HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
    connection.send(handshake(host, '/ws-refused', await bearer()) + inner);
    await connection.until(/^HTTP\/1\.1 426 [\s\S]*nope$/);
    await connection.closed();
    assert.equal(connection.text().split('HTTP/1.1 ').length, 2, connection.text());
    assert.deepEqual(asked('/smuggled'), []);
  });

  it('an application that switches to something else has not answered', async () => {
    const connection = rawConnection(port);
    connection.send(handshake(host, '/ws-other', await bearer()));
    await connection.until(/^HTTP\/1\.1 502 [\s\S]*upstream_unreachable/);
    await connection.closed();
  });

  for (const [name, headers, without] of [
    ['another protocol (h2c)', { Upgrade: 'h2c', 'HTTP2-Settings': 'AAMAAABkAAQAAP__' }, []],
    ['two protocols', { Upgrade: 'websocket, h2c' }, []],
    ['a version that is none', { 'Sec-WebSocket-Version': '777' }, []],
    ['no key', {}, ['Sec-WebSocket-Key']],
    ['a key that is none', { 'Sec-WebSocket-Key': 'short' }, []],
    ['a body', { 'Content-Length': '5' }, []],
  ] as const) {
    it(`${name}: a plain request, answered as one, and never switched`, async () => {
      const connection = rawConnection(port);
      const path = `/plain-${name.replaceAll(/\W/g, '-')}`;
      connection.send(handshake(host, path, { ...(await bearer()), ...headers }, without));
      if ('Content-Length' in headers) connection.send('hello');
      await connection.until(/^HTTP\/1\.1 200 [\s\S]*"digest"/);
      const [first] = asked(path);
      assert.equal(first?.headers.upgrade, undefined);
      assert.equal(first?.headers.connection, 'keep-alive');
      connection.socket.destroy();
    });
  }

  it('a handshake behind a request that is still under way waits, and does not end the process', async () => {
    const token = await bearer();
    const connection = rawConnection(port);
    connection.send(
      `GET /never HTTP/1.1\r\nHost: ${host}\r\nAuthorization: ${token.Authorization}\r\n\r\n${handshake(host, '/ws-behind', token)}`,
    );
    await pause(300);
    assert.equal(connection.text(), '');
    assert.deepEqual(asked('/ws-behind'), []);
    connection.socket.destroy();
    assert.equal((await send(`${server.console}/healthz`)).status, 200);
  });

  describe('end with their session', () => {
    it('signed out at the console', async () => {
      const { console, application } = await enterApplication(server);
      const Cookie = `sallyport-app=${application.cookies.get('sallyport-app')}`;
      const connection = await open('/ws', { Origin: server.application, Cookie });
      const other = await open('/ws', await bearer());
      const out = await console.send('/api/auth/logout', { method: 'POST', headers: { 'x-csrf-token': console.csrf } });
      assert.equal(out.status, 200, out.text);
      assert.ok((await connection.closed(endsWithin)) < endsWithin);
      const again = rawConnection(port);
      again.send(handshake(host, '/ws', { Origin: server.application, Cookie }));
      await again.until(/^HTTP\/1\.1 401 /);
      // Somebody else's goes on.
      other.send('still here');
      await other.until(/still here$/);
      other.socket.destroy();
    });

    it('ended in the list of sessions', async () => {
      const token = await bearer();
      const connection = await open('/ws', token);
      const sessions = await send(`${server.console}/api/auth/sessions`, {
        headers: { authorization: token.Authorization },
      });
      const id = (sessions.json['sessions'] as { id: string; current: boolean }[]).find((each) => each.current)?.id;
      const ended = await send(`${server.console}/api/auth/sessions/${id}`, {
        method: 'DELETE',
        headers: { authorization: token.Authorization },
      });
      assert.equal(ended.status, 200, ended.text);
      await connection.closed(endsWithin);
    });

    it('the password changed', async () => {
      const own = await signInBearer(server);
      const connection = await open('/ws', await bearer());
      const changed = await send(`${server.console}/api/auth/change-password`, {
        headers: { authorization: `Bearer ${own}` },
        body: { old_password: admin.password, new_password: `${admin.password} again` },
      });
      assert.equal(changed.status, 200, changed.text);
      await connection.closed(endsWithin);
      const back = await send(`${server.console}/api/auth/change-password`, {
        headers: { authorization: `Bearer ${String(changed.json['token'])}` },
        body: { old_password: `${admin.password} again`, new_password: admin.password },
      });
      assert.equal(back.status, 200, back.text);
    });
  });
});

describe('WebSockets and time', () => {
  it('silence ends the session under an open socket; what the client sends keeps it', async () => {
    const app = await startStreaming();
    const server = await startServer({ upstream: app.url, args: ['--session-account-idle', '4s'] });
    try {
      await setUp(server);
      const { host, port } = new URL(server.application);
      const openOne = async (): Promise<RawConnection> => {
        const connection = rawConnection(Number(port));
        connection.send(handshake(host, '/ws', { Authorization: `Bearer ${await signInBearer(server)}` }));
        await connection.until(/^HTTP\/1\.1 101 /);
        return connection;
      };
      const [silent, busy] = [await openOne(), await openOne()];
      const talking = setInterval(() => busy.send('.'), 500);
      await silent.closed(4000 + endsWithin);
      busy.send('alive');
      await busy.until(/alive$/);
      clearInterval(talking);
      await busy.closed(4000 + endsWithin);
    } finally {
      await server.remove();
      await app.close();
    }
  });

  it('a socket without a byte either way is cut after the idle time-out', async () => {
    const app = await startStreaming();
    const server = await startServer({ upstream: app.url, args: ['--proxy-idle-timeout', '1s'] });
    try {
      await setUp(server);
      const { host, port } = new URL(server.application);
      const connection = rawConnection(Number(port));
      connection.send(handshake(host, '/ws', { Authorization: `Bearer ${await signInBearer(server)}` }));
      await connection.until(/^HTTP\/1\.1 101 /);
      await connection.closed(endsWithin);
      for (let tries = 0; app.sockets.size > 0 && tries < 100; tries += 1) await pause(20);
      assert.equal(app.sockets.size, 0);
    } finally {
      await server.remove();
      await app.close();
    }
  });

  it('do not hold up the end of the server, which is told to both sides', async () => {
    const app = await startStreaming();
    const server = await startServer({ upstream: app.url });
    await setUp(server);
    const { host, port } = new URL(server.application);
    const connection = rawConnection(Number(port));
    connection.send(handshake(host, '/ws', { Authorization: `Bearer ${await signInBearer(server)}` }));
    await connection.until(/^HTTP\/1\.1 101 /);
    const ended = server.end();
    await connection.closed(endsWithin);
    assert.equal(await ended, 0);
    assert.equal(app.sockets.size, 0);
    await server.remove();
    await app.close();
  });

  it('an installation that is open to everybody closes its sockets when it is set up', async () => {
    const app = await startStreaming();
    const server = await startServer({ upstream: app.url });
    try {
      const declined = await send(`${server.console}/api/auth/decline`, { body: { setup_code: server.setupCode } });
      assert.equal(declined.status, 200, declined.text);
      const { host, port } = new URL(server.application);
      const connection = rawConnection(Number(port));
      connection.send(handshake(host, '/ws'));
      await connection.until(/^HTTP\/1\.1 101 /);
      await setUp(server);
      await connection.closed(endsWithin);
    } finally {
      await server.remove();
      await app.close();
    }
  });
});
