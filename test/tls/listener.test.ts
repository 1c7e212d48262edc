/** A listener that speaks TLS, and changes what it speaks while it is open (security.md 2.10 ). */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent } from 'node:https';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, it } from 'node:test';
import type { ConnectionOptions } from 'node:tls';
import { openServer } from '../../src/server.ts';
import { send, sendRaw } from '../support/client.ts';
import { handshake, rawConnection } from '../support/raw-connection.ts';
import { startStreaming } from '../support/streaming.ts';
import { ask, type DoorOptions, everything, makePairs, openTlsDoor, type Pairs, plain } from '../support/tls-door.ts';
import { secured, type TlsDoor } from '../support/tls-door.ts';
import { pause, settled } from '../support/waiting.ts';

const page = { accept: 'text/html' };
/** The beginning of a ClientHello: a record of 512 bytes that never comes whole. */
const stalled = Buffer.from('16030102000100', 'hex');

describe('a listener with TLS', () => {
  let pairs: Pairs;
  let door: TlsDoor;
  before(async () => {
    pairs = await makePairs();
  });
  after(() => pairs.remove());
  afterEach(() => door.close());
  const open = async (options: Partial<DoorOptions> = {}): Promise<string> => {
    door = await openTlsDoor({ serving: pairs.one.serving, ...options });
    return `http://${door.host}`;
  };
  const request = (line: string, more: readonly string[] = []): string =>
    [line, `Host: ${door.host}`, ...more, '', ''].join('\r\n');

  it('answers over HTTPS, and keeps the connection', async () => {
    await open();
    const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: pairs.ca });
    const { status, serial, json } = await ask(door, pairs.ca, '/page?a=b', agent);
    assert.deepEqual([status, serial, json['transport'], json['target']], [200, pairs.one.serial, 'tls', '/page?a=b']);
    assert.equal(json['peer'], '127.0.0.1');
    const [first] = Object.values(agent.freeSockets).flatMap((each) => each ?? []);
    await ask(door, pairs.ca, '/again', agent);
    const [second] = Object.values(agent.freeSockets).flatMap((each) => each ?? []);
    assert.equal(first, second);
    agent.destroy();
  });

  it('X-02: a page in the clear is led to HTTPS, where it was asked for', async () => {
    const url = await open();
    for (const target of ['/', '/auth/login?back=%2Fa', '//evil.test/', '/\\evil.test']) {
      for (const method of ['GET', 'HEAD']) {
        const text = await sendRaw(door.port, request(`${method} ${target} HTTP/1.1`, ['Accept: text/html']), 1000);
        assert.match(text, /^HTTP\/1\.1 308 /);
        assert.ok(text.includes(`\r\nlocation: https://${door.host}${target}\r\n`), text);
        assert.match(text, /\r\nconnection: close\r\n/i);
        assert.doesNotMatch(text, /set-cookie/i);
      }
    }
    const foreign = await send(url, { headers: { ...page, host: 'evil.test' } });
    assert.equal(foreign.status, 421);
    assert.equal(foreign.headers['location'], undefined);
    assert.deepEqual(door.seen, []);
  });

  it('X-02: everything else in the clear is refused and closed, without a word of it being read', async () => {
    await open();
    const proxied = ['Accept: text/html', 'X-Forwarded-Proto: https', 'X-Forwarded-For: 10.0.0.1'];
    for (const [line, headers] of [
      ['POST /auth/login HTTP/1.1', ['Accept: text/html', 'Content-Length: 100000']],
      ['POST /auth/login HTTP/1.1', ['Expect: 100-continue', 'Content-Length: 10']],
      ['GET /api/auth/me HTTP/1.1', proxied],
      ['GET /api HTTP/1.1', proxied],
      ['GET /page HTTP/1.1', ['Accept: application/json']],
      ['GET http://evil.test/ HTTP/1.1', ['Accept: text/html']],
      ['OPTIONS * HTTP/1.1', []],
      ['GET /ws HTTP/1.1', ['Accept: text/html', 'Upgrade: websocket', 'Connection: Upgrade']],
    ] as const) {
      const connection = rawConnection(door.port, line === 'GET /api HTTP/1.1' ? '127.0.0.9' : undefined);
      connection.send(request(line, headers) + (headers[0]?.startsWith('Upgrade') === true ? '' : 'x'.repeat(20)));
      const text = await connection.until(/^HTTP\/1\.1 403 [\s\S]*"request_id"/);
      assert.ok(text.includes(`This port speaks HTTPS: https://${door.host}`), text);
      assert.match(text, /connection: close/i);
      assert.doesNotMatch(text, /set-cookie|location/i);
      await connection.closed(5000);
      assert.equal(connection.text().split('HTTP/1.1 ').length, 2, 'one answer');
    }
    const socket = rawConnection(door.port);
    socket.send(handshake(door.host, '/ws'));
    await socket.until(/^HTTP\/1\.1 403 /);
    await socket.closed(5000);
    assert.deepEqual(door.seen, []);
  });

  it('X-09: what is neither is answered 400 and closed', async () => {
    await open();
    for (const bytes of ['STARTTLS\r\n', 'EHLO example.test\r\n', '\x80\x2e\x01\x03\x01', '\x00'.repeat(40)]) {
      const connection = rawConnection(door.port);
      connection.send(Buffer.from(bytes, 'latin1'));
      await connection.closed(5000);
      assert.match(connection.text(), /^HTTP\/1\.1 400 /);
    }
    const broken = await secured(door, { ca: pairs.ca });
    const answer = everything(broken);
    broken.write('garbage\r\n\r\n');
    assert.match(await answer, /^HTTP\/1\.1 400 [\s\S]*problem\+json/);
    // A handshake that goes wrong ends without a word, here and in the log.
    const wrong = rawConnection(door.port);
    wrong.send(Buffer.concat([Buffer.from('1603010020', 'hex'), Buffer.alloc(32, 7)]));
    await wrong.closed(5000);
    assert.equal((await ask(door, pairs.ca, '/')).status, 200);
    assert.deepEqual(door.told, []);
  });

  it('changes what it speaks, and what is under way goes on', async () => {
    const url = await open({ serving: plain });
    assert.equal((await send(url)).json['transport'], 'plain');
    const old = rawConnection(door.port);
    old.send(request('GET /slow HTTP/1.1'));
    await settled(() => door.seen.includes('/slow'), 'asked');
    door.serve(pairs.one.serving);
    const first = await secured(door, { ca: pairs.ca });
    let text = '';
    first.on('data', (part: Buffer) => (text += part.toString('latin1')));
    first.write(request('GET /slow HTTP/1.1'));
    await settled(() => door.seen.filter((each) => each === '/slow').length === 2, 'asked over TLS');
    assert.equal((await ask(door, pairs.ca, '/')).serial, pairs.one.serial);
    door.serve(pairs.two.serving);
    assert.equal((await ask(door, pairs.ca, '/')).serial, pairs.two.serial);
    door.release();
    await old.until(/^HTTP\/1\.1 200 [\s\S]*"plain"/);
    // What was begun in the clear is answered, and nothing more.
    old.send(request('GET /more HTTP/1.1'));
    await old.until(/HTTP\/1\.1 403 /);
    await old.closed(5000);
    door.serve(plain);
    assert.equal((await send(url)).json['transport'], 'plain');
    await settled(() => text.includes('"tls"'), 'the slow answer');
    first.write(request('GET /more HTTP/1.1'));
    await settled(() => text.split('HTTP/1.1 200').length === 3, 'the next on the same connection');
    first.destroy();
    await assert.rejects(ask(door, pairs.ca, '/'));
  });

  it('a hundred changes under load fail nobody', async () => {
    await open();
    const load = { going: true };
    const served = new Set<string>();
    let answers = 0;
    const client = async (): Promise<void> => {
      while (load.going) {
        const { status, serial } = await ask(door, pairs.ca, '/');
        assert.equal(status, 200);
        served.add(serial);
        answers += 1;
      }
    };
    const clients = Array.from({ length: 8 }, client);
    for (let at = 0; at < 100; at += 1) {
      door.serve(at % 2 === 0 ? pairs.two.serving : pairs.one.serving);
      await pause(10);
    }
    load.going = false;
    await Promise.all(clients);
    assert.ok(answers > 8);
    assert.deepEqual([...served].toSorted(), [pairs.one.serial, pairs.two.serial].toSorted());
    assert.deepEqual(door.told, []);
  });

  it('X-09: handshakes that stall, or come byte by byte, or never begin are ended in time, and others are served', async () => {
    await open({ handshakeMs: 1500 });
    const slow = Array.from({ length: 300 }, (_, at) => {
      const connection = rawConnection(door.port);
      if (at % 3 === 0) connection.send(stalled);
      if (at % 3 === 1) {
        let next = 0;
        const drip = setInterval(() => connection.send(stalled.subarray(next, (next += 1)) ?? 'x'), 100);
        connection.socket.once('close', () => clearInterval(drip));
      }
      return connection;
    });
    for (let at = 0; at < 10; at += 1) assert.equal((await ask(door, pairs.ca, '/')).status, 200);
    await Promise.all(slow.map((each) => each.closed(10_000)));
    assert.ok(slow.every((each) => each.text() === ''));
    assert.equal((await ask(door, pairs.ca, '/')).status, 200);
  });

  it('X-09: a connection that has done its handshake and asked is not ended for others, when there are too many', async () => {
    await open({ mostConnections: 20 });
    const due = await secured(door, { ca: pairs.ca });
    let text = '';
    due.on('data', (part: Buffer) => (text += part.toString('latin1')));
    due.write(request('GET /slow HTTP/1.1'));
    await settled(() => door.seen.includes('/slow'), 'asked');
    const slow = Array.from({ length: 60 }, () => {
      const connection = rawConnection(door.port);
      connection.send(stalled);
      return connection;
    });
    await settled(() => slow.filter((each) => each.socket.destroyed).length >= 40, 'room is made');
    assert.equal((await ask(door, pairs.ca, '/')).status, 200);
    door.release();
    await settled(() => text.includes('"tls"'), 'the answer that was due');
    due.destroy();
    for (const each of slow) each.socket.destroy();
  });

  it('a handshake in small pieces is a handshake', async () => {
    await open();
    const relay = createServer((here) => {
      const there = connect(door.port, '127.0.0.1').setNoDelay(true);
      here.on('error', () => there.destroy());
      there.on('error', () => here.destroy());
      there.pipe(here);
      void (async () => {
        for await (const part of here as AsyncIterable<Buffer>)
          for (const byte of part) {
            there.write(Buffer.of(byte));
            await pause(0);
          }
      })().catch(() => there.destroy());
    });
    relay.listen(0, '127.0.0.1');
    await once(relay, 'listening');
    const client = await secured({ port: (relay.address() as AddressInfo).port }, { ca: pairs.ca });
    const answer = everything(client);
    client.write(request('GET / HTTP/1.1', ['Connection: close']));
    assert.match(await answer, /^HTTP\/1\.1 200 /);
    relay.close();
  });

  it('X-01: TLS 1.2 and 1.3 with forward secrecy, HTTP/1.1 alone, and no second handshake', async () => {
    await open();
    for (const [name, options] of Object.entries<ConnectionOptions>({
      'TLS 1.1': { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' },
      CBC: { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES256-SHA384:ECDHE-ECDSA-AES128-SHA' },
      'no forward secrecy': { maxVersion: 'TLSv1.2', ciphers: 'AES128-GCM-SHA256:AES256-GCM-SHA384' },
      'HTTP/2': { ALPNProtocols: ['h2'] },
    })) {
      await assert.rejects(secured(door, { ca: pairs.ca, ...options }), { code: /^ERR_SSL_.*ALERT/ }, name);
    }
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const client = await secured(door, {
        ca: pairs.ca,
        minVersion: version,
        maxVersion: version,
        ALPNProtocols: ['h2', 'http/1.1'],
      });
      assert.deepEqual([client.getProtocol(), client.alpnProtocol], [version, 'http/1.1']);
      if (version === 'TLSv1.2') {
        const again = await new Promise<Error | null>((resolve) => {
          client.once('error', resolve);
          client.renegotiate({}, resolve);
        });
        assert.ok(again instanceof Error);
      }
      client.destroy();
    }
    assert.equal((await ask(door, pairs.ca, '/')).status, 200);
  });

  it('a session that began with one certificate is not taken up with the next', async () => {
    await open();
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      door.serve(pairs.one.serving);
      const visit = async (session?: Buffer): Promise<readonly [Buffer, 'resumed' | 'new', string]> => {
        const client = await secured(door, {
          ca: pairs.ca,
          minVersion: version,
          maxVersion: version,
          ...(session === undefined ? {} : { session }),
        });
        let ticket: Buffer = client.getSession() ?? Buffer.alloc(0);
        client.on('session', (given: Buffer) => (ticket = given));
        const { serialNumber = '' } = client.getPeerX509Certificate() ?? {};
        const how = client.isSessionReused() ? 'resumed' : 'new';
        const answer = everything(client);
        client.write(request('GET / HTTP/1.1', ['Connection: close']));
        assert.match(await answer, /^HTTP\/1\.1 200 /);
        return [ticket, how, serialNumber];
      };
      const [session] = await visit();
      assert.equal((await visit(session))[1], 'resumed', version);
      door.serve(pairs.two.serving);
      const [, how, serial] = await visit(session);
      assert.deepEqual([how, serial], ['new', pairs.two.serial]);
    }
  });

  it('joins WebSockets to the application', async () => {
    const app = await startStreaming();
    await open({ upstream: app.url });
    const client = await secured(door, { ca: pairs.ca });
    let text = '';
    client.on('data', (part: Buffer) => (text += part.toString('latin1')));
    client.write(handshake(door.host, '/app/ws'));
    await settled(() => text.startsWith('HTTP/1.1 101 '), 'the handshake');
    client.write('over TLS');
    await settled(() => text.endsWith('over TLS'), 'the echo');
    client.end();
    await once(client, 'close');
    await settled(() => app.sockets.size === 0, 'the other side ends');
    await app.close();
  });

  it('a long answer arrives whole, and the next behind it', async () => {
    const large = 'x'.repeat(12_000);
    await open();
    const client = await secured(door, { ca: pairs.ca });
    const answer = everything(client);
    const line = `GET /?${large} HTTP/1.1`;
    client.write(request(line) + request(line, ['Connection: close']));
    const text = await answer;
    assert.equal(text.split(`"target":"/?${large}"`).length, 3);
    assert.equal(text.split('HTTP/1.1 200 ').length, 3);
  });

  it('a unix socket speaks plain HTTP, whatever is served elsewhere', async () => {
    await open();
    const folder = await mkdtemp(join(tmpdir(), 'sallyport-tls-'));
    const path = join(folder, 'socket');
    const opening = await openServer({
      door: 'control',
      listener: { kind: 'unix', path },
      serving: () => pairs.one.serving,
      mostConnections: 10,
      log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    });
    assert.ok(opening.kind === 'open');
    opening.server.secure();
    const client = connect(path);
    client.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    const [answer] = await once(client, 'data');
    assert.match(String(answer), /^HTTP\/1\.1 503 /);
    client.destroy();
    await opening.server.stop();
    await rm(folder, { recursive: true });
  });

  it('a stop ends what is silent at once, and what is under way when it is done', async () => {
    await open();
    const silent = [rawConnection(door.port), rawConnection(door.port)];
    silent[0]?.send(stalled);
    const idle = await secured(door, { ca: pairs.ca });
    const asked = await secured(door, { ca: pairs.ca });
    const kept = new Agent({ keepAlive: true, ca: pairs.ca });
    await ask(door, pairs.ca, '/', kept);
    const answer = everything(asked);
    asked.write(request('GET /slow HTTP/1.1'));
    await settled(() => door.seen.includes('/slow'), 'asked');
    const stopped = door.server.stop();
    await Promise.all([...silent.map((each) => each.closed(5000)), once(idle, 'close')]);
    assert.equal(asked.destroyed, false);
    door.release();
    assert.match(await answer, /^HTTP\/1\.1 200 [\s\S]*"tls"/);
    await stopped;
    kept.destroy();
  });
});
