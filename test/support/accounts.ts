/** Accounts of an embedded house, each with a bearer session of its own, and what they ask for. */
import assert from 'node:assert/strict';
import { digest } from '../../src/crypto/digest.ts';
import { newSessionId, newUserId, systemRandom } from '../../src/crypto/random.ts';
import { newToken, sessionTokenPrefix } from '../../src/crypto/token.ts';
import { hotp, readBase32, stepAt } from '../../src/crypto/totp.ts';
import type { AuditEvent, UserRow } from '../../src/store/rows.ts';
import type { Address, Millis, Username } from '../../src/types.ts';
import type { Authenticator, PasskeyOptions, Twist } from './authenticator.ts';
import { type Got, send, type Sent } from './client.ts';
import type { Embedded } from './library.ts';
import { admin } from './people.ts';

export interface Account {
  readonly user: UserRow;
  readonly token: string;
}

/** A request of somebody at one of the console's names. */
export type Ask = (method: string, path: string, body?: unknown, more?: Sent) => Promise<Got>;

const hostOf = (house: Embedded, name: string): string => new URL(house.console).host.replace('127.0.0.1', name);

export const originOf = (house: Embedded, name: string): string => `http://${hostOf(house, name)}`;

/** `token` empty: a stranger. */
export function asking(house: Embedded, token = '', name = 'localhost'): Ask {
  return (method, path, body, more = {}) =>
    send(`${house.console}${path}`, {
      method,
      ...(body === undefined ? {} : { body }),
      ...more,
      headers: {
        host: hostOf(house, name),
        ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
        ...more.headers,
      },
    });
}

export async function firstAccount(house: Embedded): Promise<Account> {
  const got = await asking(house)('POST', '/api/auth/setup', { ...admin, setup_code: house.setupCode });
  assert.equal(got.status, 201, got.text);
  const found = await house.engine.userByName(admin.username.toLowerCase() as Username);
  assert.ok(found.kind === 'found');
  return { user: found.user, token: String(got.json['token']) };
}

/** Made at the store, without a password. */
export async function anotherAccount(house: Embedded, name: string, more: Partial<UserRow> = {}): Promise<Account> {
  const user: UserRow = {
    id: newUserId(systemRandom),
    username: name as Username,
    displayName: name,
    email: '',
    privileges: [],
    groups: [],
    active: true,
    sealedPassword: '',
    sealedTotp: '',
    passkeys: 0,
    passwordLength: 'full',
    passwordStanding: 'own',
    realm: 'local',
    disabledBy: '',
    ticketGeneration: 0,
    credentialGeneration: 1,
    createdAt: house.now(),
    ...more,
  };
  assert.equal((await house.sallyport.store.createUser(user, eventAt(house))).kind, 'created');
  return { user, token: await anotherSession(house, user) };
}

/** As a complete sign-in opens one. */
export async function anotherSession(house: Embedded, { id: userId }: Pick<UserRow, 'id'>): Promise<string> {
  const token = newToken(sessionTokenPrefix, systemRandom);
  const now = house.now();
  const found = await house.sallyport.store.userById(userId);
  assert.ok(found.kind === 'found');
  const address = '127.0.0.1' as Address;
  const opened = await house.sallyport.store.openSession({
    opening: {
      session: {
        id: newSessionId(systemRandom),
        digest: digest(token),
        userId,
        kind: 'account',
        transport: 'bearer',
        credentialGeneration: found.user.credentialGeneration,
        bootId: '',
        parentId: null,
        origin: null,
        createdAt: now,
        lastSeenAt: now,
        idleMs: 86_400_000,
        expiresAt: (now + 86_400_000) as Millis,
        authenticatedAt: now,
        address,
        userAgent: '',
      },
      cap: 100,
    },
    device: null,
    deviceCap: 10,
    network: { network: '127.0.0.1/32', at: now, cap: 100 },
    attempt: { userId, address, way: 'password', result: 'ok', at: now },
    audit: eventAt(house),
    newDevice: null,
  });
  assert.equal(opened.kind, 'opened');
  return token;
}

function eventAt(house: Embedded): AuditEvent {
  const nowhere = { actor: '', address: '', peer: '', way: 'host', target: '' };
  return { at: house.now(), event: 'test', ...nowhere, result: 'ok', count: 1 };
}

/** Makes a passkey on the page of that name and adds it: its options, and the answer. */
export async function addPasskey(
  house: Embedded,
  token: string,
  device: Authenticator,
  more: { readonly name?: string; readonly host?: string; readonly twist?: Twist } = {},
): Promise<Got> {
  const { name = 'Key', host = 'localhost', twist = {} } = more;
  const ask = asking(house, token, host);
  const options = await ask('POST', '/api/auth/passkeys/options', {});
  assert.equal(options.status, 200, options.text);
  const created = device.create(options.json, originOf(house, host), twist);
  const added = await ask('POST', '/api/auth/passkeys', { ...created, name });
  assert.equal(added.status, 201, added.text);
  return added;
}

export async function passkeyOptions(house: Embedded, host = 'localhost'): Promise<PasskeyOptions> {
  const got = await asking(house, '', host)('POST', '/api/auth/login/passkey/options', {});
  assert.equal(got.status, 200, got.text);
  return got.json;
}

/** The code of now, or of so many steps later. */
export function codeOf(house: Embedded, secret: unknown, later = 0): string {
  const read = readBase32(String(secret));
  assert.ok(read.kind === 'bytes');
  return hotp(read.bytes, stepAt(house.now()) + later);
}
