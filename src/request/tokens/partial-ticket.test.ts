import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newSecret, systemRandom } from '../../crypto/random.ts';
import type { Millis } from '../../types.ts';
import { secretOfPartialTicket, writePartialTicket } from './partial-ticket.ts';
import { meantAsTicket, readTicket } from './signed-ticket.ts';

test('a partial ticket says what is wanted, keeps its secret to itself, and is no whole ticket', () => {
  for (let round = 0; round < 50; round += 1) {
    const secret = newSecret(systemRandom);
    const wanted = { totp: true, recovery: [0, 1], webauthn: { publicKey: { rpId: 'a:b', challenge: secret } } };
    const text = writePartialTicket('PVE', { wanted, at: 1_795_856_253_999 as Millis, secret });
    const said = /^PVE:!tfa!([^:]+):6B0A977D::[A-Za-z0-9+/]{43}$/.exec(text)?.[1];
    assert.deepEqual(JSON.parse(decodeURIComponent(said ?? '')), wanted);
    assert.equal(secretOfPartialTicket(text), secret);
    assert.equal(readTicket(text, 'PVE').kind, 'malformed');
    assert.equal(meantAsTicket(text, 'PVE'), 'ticket');
  }
});
