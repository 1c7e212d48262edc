/** The proxy inside another Node program, with a clock that moves: what is open ends when its session would have. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { send } from '../support/client.ts';
import { embed, type Embedded } from '../support/library.ts';
import { admin } from '../support/people.ts';
import { handshake, rawConnection, type RawConnection } from '../support/raw-connection.ts';
import { startStreaming } from '../support/streaming.ts';

const hour = 3_600_000;
const endsWithin = 5000;

async function inside(
  story: (house: Embedded, open: (path: string) => Promise<RawConnection>) => Promise<void>,
): Promise<void> {
  const app = await startStreaming();
  const house = await embed({ argv: ['--upstream', app.url, '--shared-origin', '--proxy-idle-timeout', '30d'] });
  try {
    const made = await send(`${house.console}/api/auth/setup`, { body: { setup_code: house.setupCode, ...admin } });
    assert.equal(made.status, 201, made.text);
    const { host, port } = new URL(house.console);
    await story(house, async (path) => {
      const signedIn = await send(`${house.console}/api/auth/login`, { body: admin });
      const connection = rawConnection(Number(port));
      connection.send(handshake(host, path, { Authorization: `Bearer ${String(signedIn.json['token'])}` }));
      await connection.until(/^HTTP\/1\.1 101 /);
      return connection;
    });
  } finally {
    await app.close();
    await house.close();
  }
}

describe('a socket in an embedding program', () => {
  it('outlives an hour, and neither the idle time nor the end of its session', async () => {
    await inside(async (house, open) => {
      const connection = await open('/ws');
      house.pass(hour);
      await new Promise((resolve) => setTimeout(resolve, 2500));
      connection.send('an hour later');
      await connection.until(/an hour later$/);
      house.pass(25 * hour);
      await connection.closed(endsWithin);
    });
  });

  it('that is busy all day ends with the absolute end of its session', async () => {
    await inside(async (house, open) => {
      const connection = await open('/ws');
      const talking = setInterval(() => connection.send('.'), 100);
      connection.socket.once('close', () => clearInterval(talking));
      for (let shift = 0; shift < 4; shift += 1) {
        house.pass(8 * hour);
        await new Promise((resolve) => setTimeout(resolve, 1500));
      }
      assert.equal(connection.socket.destroyed, false, 'what the client sends counts as use');
      house.pass(30 * 24 * hour);
      await connection.closed(endsWithin);
    });
  });

  it('is not for strangers', async () => {
    await inside(async (house) => {
      const { host, port } = new URL(house.console);
      const connection = rawConnection(Number(port));
      connection.send(handshake(host, '/ws'));
      await connection.until(/^HTTP\/1\.1 401 /);
      connection.socket.destroy();
    });
  });
});
