/**
 * Real reverse proxies in front of the application listener (P-20, P-21): whatever a client sends through them, nobody's
 * request becomes part of somebody else's, and WebSockets work and end as they do without.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { send } from '../support/client.ts';
import { withoutPackages } from '../support/debian.ts';
import { framings } from '../support/framings.ts';
import { setUp, signInBearer } from '../support/people.ts';
import { handshake, rawConnection } from '../support/raw-connection.ts';
import { type ReverseProxy, reverseProxyNames, startReverseProxy } from '../support/reverse-proxies.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { startStreaming, type Streaming } from '../support/streaming.ts';
import { pause, settled } from '../support/waiting.ts';

describe('behind', { skip: withoutPackages }, () => {
  let server: RunningServer;
  let app: Streaming;
  let host: string;
  let token: string;
  before(async () => {
    app = await startStreaming();
    server = await startServer({ upstream: app.url, args: ['--trusted-proxies', '127.0.0.1'] });
    token = String((await setUp(server)).json['token']);
    ({ host } = new URL(server.application));
  });
  after(async () => {
    await server.remove();
    await app.close();
  });

  for (const name of reverseProxyNames) {
    describe(name, () => {
      let front: ReverseProxy;
      before(async () => {
        front = await startReverseProxy(name, Number(new URL(server.application).port));
      });
      after(() => front.close());

      const ask = (path: string, more: Readonly<Record<string, string>> = {}) =>
        send(`${front.url}${path}`, { headers: { host, authorization: `Bearer ${token}`, ...more } });

      it('people reach the application, strangers do not', async () => {
        assert.equal((await ask('/page')).status, 200);
        assert.equal((await send(`${front.url}/page-of-strangers`, { headers: { host } })).status, 401);
        assert.ok(app.seen.every(({ target }) => target !== '/page-of-strangers'));
      });

      for (const { name: shape, headers, body } of framings) {
        it(`P-20: ${shape}: nobody's request is swallowed`, async () => {
          const connection = rawConnection(front.port);
          const head = ['POST /outer HTTP/1.1', `Host: ${host}`, `Authorization: Bearer ${token}`, ...headers, '', ''];
          // If it became a request of its own, the next one's headers would be its header's value, and its token its own.
          const inner = `GET /smuggled HTTP/1.1\r\nHost: ${host}\r\nX-Swallow: `;
          connection.send(Buffer.from(head.join('\r\n') + body + inner, 'latin1'));
          await pause(60);
          for (let at = 0; at < 3; at += 1) {
            const path = `/victim-${at}-${app.seen.length}`;
            const got = await ask(path);
            assert.equal(got.status, 200, got.text);
            assert.equal(app.seen.at(-1)?.target, path);
          }
          connection.socket.destroy();
          assert.ok(
            app.seen.every(({ target, headers: seen }) => target !== '/smuggled' && seen['x-swallow'] === undefined),
          );
        });
      }

      it('P-21: two people who take turns on one kept connection each get their own answer', async () => {
        const connection = rawConnection(front.port);
        for (let at = 0; at < 200; at += 1) {
          const mine = at % 2 === 0;
          const from = connection.text().length;
          connection.send(
            `GET /turn-${at} HTTP/1.1\r\nHost: ${host}\r\n${mine ? `Authorization: Bearer ${token}\r\n` : ''}\r\n`,
          );
          await settled(
            () => /HTTP\/1\.1 \d+[\s\S]*\}\s*(0\r\n\r\n)?$/.test(connection.text().slice(from)),
            `turn ${at}`,
          );
          assert.match(connection.text().slice(from), mine ? /^HTTP\/1\.1 200 / : /^HTTP\/1\.1 401 /, `turn ${at}`);
        }
        connection.socket.destroy();
        const turns = app.seen.filter(({ target }) => target.startsWith('/turn-')).slice(-100);
        assert.ok(turns.every(({ headers }) => headers['remote-user'] === 'root1'));
      });

      it('a WebSocket is joined, carries bytes, and ends with its session', async () => {
        const own = await signInBearer(server);
        const connection = rawConnection(front.port);
        connection.send(handshake(host, '/ws', { Authorization: `Bearer ${own}` }));
        await connection.until(/^HTTP\/1\.1 101 [\s\S]*\r\n\r\n/);
        connection.send('through two proxies');
        await connection.until(/through two proxies$/);
        const out = await send(`${server.console}/api/auth/logout`, {
          method: 'POST',
          headers: { authorization: `Bearer ${own}` },
        });
        assert.equal(out.status, 200);
        await connection.closed(5000);
        const stranger = rawConnection(front.port);
        stranger.send(handshake(host, '/ws', { Authorization: `Bearer ${own}` }));
        await stranger.until(/^HTTP\/1\.1 401 /);
        stranger.socket.destroy();
      });

      it('an upload is streamed, an event stream arrives as it is sent', async () => {
        const body = Buffer.alloc(5_000_000, 'u');
        const got = await send(`${front.url}/upload`, {
          headers: { host, authorization: `Bearer ${token}` },
          body,
        });
        assert.equal(got.json['bytes'], body.length);
        const events = rawConnection(front.port);
        events.send(`GET /events?every=50 HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\n\r\n`);
        await events.until(/(data: tick[\s\S]*){3}/);
        events.socket.destroy();
      });
    });
  }
});
