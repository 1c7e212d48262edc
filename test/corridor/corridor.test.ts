/**
 * Whole requests through the running server: ways in × setup states × routes. Each row is a request and the answer it
 * must get; every accepting row stands beside its refusing twins.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { newToken, sessionTokenPrefix } from '../../src/crypto/token.ts';
import { systemRandom } from '../../src/crypto/random.ts';
import { type Browser, send, type Sent } from '../support/client.ts';
import { type Echo, startEcho } from '../support/echo.ts';
import { admin, setUp, signIn, signInBearer, wrongPassword } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';
import { type RunningServer, startServer } from '../support/server.ts';

interface Row {
  readonly name: string;
  readonly path: string;
  readonly sent?: Sent;
  readonly status: number;
  readonly code?: string;
}

function rows(base: () => string, table: readonly Row[]): void {
  for (const row of table) {
    it(row.name, async () => {
      const got = await send(`${base()}${row.path}`, row.sent);
      if (row.code === undefined) assert.equal(got.status, row.status, got.text);
      else assertProblem(got, row.status, row.code);
    });
  }
}

const navigation = { accept: 'text/html,*/*', 'sec-fetch-mode': 'navigate', 'sec-fetch-site': 'none' } as const;

describe('fresh: nobody gets in, and only setting up works', () => {
  let server: RunningServer;
  let echo: Echo;
  before(async () => {
    echo = await startEcho();
    server = await startServer({ upstream: echo.url });
  });
  after(async () => {
    await server.remove();
    await echo.close();
  });

  rows(
    () => server.console,
    [
      { name: 'status answers', path: '/api/auth/status', status: 200 },
      { name: 'health answers', path: '/healthz', status: 200 },
      { name: 'readiness answers', path: '/readyz', status: 200 },
      {
        name: 'login is not there yet',
        path: '/api/auth/login',
        sent: { body: admin },
        status: 503,
        code: 'not_configured',
      },
      {
        name: 'nor is its second step',
        path: '/api/auth/login/verify',
        sent: { body: { challenge: 'x', totp_token: '123456' } },
        status: 503,
        code: 'not_configured',
      },
      {
        name: 'nor signing in with a passkey',
        path: '/api/auth/login/passkey',
        sent: { body: {} },
        status: 503,
        code: 'not_configured',
      },
      { name: 'second factors are not there yet', path: '/api/auth/factors', status: 503, code: 'not_configured' },
      {
        name: 'a login token can be had: setting up signs in by cookie',
        path: '/api/auth/login/prepare',
        sent: { method: 'POST' },
        status: 200,
      },
      {
        name: 'enable is not there yet',
        path: '/api/auth/enable',
        sent: { body: admin },
        status: 503,
        code: 'not_configured',
      },
      { name: 'sessions are not there yet', path: '/api/auth/sessions', status: 503, code: 'not_configured' },
      { name: 'verify refuses', path: '/api/auth/verify', status: 503, code: 'not_configured' },
      {
        name: 'set-up without a code',
        path: '/api/auth/setup',
        sent: { body: admin },
        status: 400,
        code: 'invalid_request',
      },
      {
        name: 'set-up with a wrong code',
        path: '/api/auth/setup',
        sent: { body: { ...admin, setup_code: 'AAAA-AAAA-AAAA-AAAA' } },
        status: 403,
        code: 'setup_code_invalid',
      },
      {
        name: 'declining with a wrong code',
        path: '/api/auth/decline',
        sent: { body: { setup_code: 'AAAA-AAAA-AAAA-AAAA' } },
        status: 403,
        code: 'setup_code_invalid',
      },
      {
        name: 'skipping without a code',
        path: '/api/auth/skip',
        sent: { method: 'POST' },
        status: 400,
        code: 'invalid_request',
      },
      { name: 'an unknown path', path: '/api/auth/nothing', status: 404, code: 'not_found' },
    ],
  );
  rows(
    () => server.application,
    [
      { name: 'a program does not reach the application', path: '/', status: 503, code: 'not_configured' },
      { name: 'nor does a POST', path: '/x', sent: { body: {} }, status: 503, code: 'not_configured' },
      { name: 'a person gets a page that leads to set-up', path: '/', sent: { headers: navigation }, status: 503 },
    ],
  );

  it('nothing reached the application', () => assert.deepEqual(echo.seen, []));
  it('status tells nothing about users', async () => {
    const { json } = await send(`${server.console}/api/auth/status`);
    assert.deepEqual(json, {
      success: true,
      auth_configured: false,
      auth_enabled: false,
      declined: false,
      authenticated: false,
      username: null,
      totp_enabled: false,
    });
  });
});

describe('configured: by the rules', () => {
  let server: RunningServer;
  let echo: Echo;
  let person: Browser;
  let bearer: string;
  before(async () => {
    echo = await startEcho();
    server = await startServer({ upstream: echo.url });
    await setUp(server);
    person = await signIn(server);
    bearer = await signInBearer(server);
  });
  after(async () => {
    await server.remove();
    await echo.close();
  });

  const foreign = newToken(sessionTokenPrefix, systemRandom);
  rows(
    () => server.console,
    [
      { name: 'no credential', path: '/api/auth/sessions', status: 401, code: 'unauthorized' },
      {
        name: 'a well-formed token that was never made',
        path: '/api/auth/sessions',
        sent: { headers: { authorization: `Bearer ${foreign}` } },
        status: 401,
        code: 'invalid_token',
      },
      {
        name: 'a token with a broken checksum',
        path: '/api/auth/sessions',
        sent: { headers: { authorization: `Bearer ${foreign.slice(0, -1)}_` } },
        status: 401,
        code: 'invalid_token',
      },
      {
        name: "somebody else's bearer token",
        path: '/api/auth/sessions',
        sent: { headers: { authorization: 'Bearer eyJhbGciOiJub25lIn0.e30.' } },
        status: 401,
        code: 'invalid_token',
      },
      {
        name: 'a bearer header without a token',
        path: '/api/auth/sessions',
        sent: { headers: { authorization: 'Bearer' } },
        status: 400,
        code: 'invalid_request',
      },
      {
        name: 'a bearer token and an API key at once',
        path: '/api/auth/sessions',
        sent: { headers: { authorization: `Bearer ${foreign}`, 'x-api-key': foreign } },
        status: 400,
        code: 'invalid_request',
      },
      {
        name: 'Basic that does not decode',
        path: '/api/auth/sessions',
        sent: { headers: { authorization: 'Basic %%%' } },
        status: 400,
        code: 'invalid_request',
      },
      {
        name: 'Basic with a wrong password',
        path: '/api/auth/sessions',
        sent: { headers: { authorization: `Basic ${Buffer.from('Root1:x').toString('base64')}` } },
        status: 401,
        code: 'invalid_credentials',
      },
      {
        name: 'an unknown scheme',
        path: '/api/auth/sessions',
        sent: { headers: { authorization: 'Digest username="x"' } },
        status: 401,
        code: 'invalid_token',
      },
      {
        name: 'a dead cookie',
        path: '/api/auth/sessions',
        sent: { headers: { cookie: `sallyport-account=${'a'.repeat(43)}` } },
        status: 401,
        code: 'session_expired',
      },
      {
        name: 'an empty cookie',
        path: '/api/auth/sessions',
        sent: { headers: { cookie: 'sallyport-account=' } },
        status: 401,
        code: 'session_expired',
      },
      {
        name: 'a cookie of a kind that is not read here',
        path: '/api/auth/sessions',
        sent: { headers: { cookie: `sallyport-app=${'a'.repeat(43)}` } },
        status: 401,
        code: 'unauthorized',
      },
      {
        name: 'the wrong method',
        path: '/api/auth/login',
        sent: { method: 'GET' },
        status: 405,
        code: 'method_not_allowed',
      },
      { name: 'TRACE', path: '/api/auth/status', sent: { method: 'TRACE' }, status: 405, code: 'method_not_allowed' },
      {
        name: 'the wrong type',
        path: '/api/auth/login',
        sent: { body: 'x', headers: { 'content-type': 'text/plain' } },
        status: 415,
        code: 'unsupported_media_type',
      },
      {
        name: 'too much',
        path: '/api/auth/login',
        sent: {
          body: JSON.stringify({ username: 'x'.repeat(70_000), password: 'x' }),
          headers: { 'content-type': 'application/json' },
        },
        status: 413,
        code: 'payload_too_large',
      },
      {
        name: 'size comes before the credential',
        path: '/api/auth/change-password',
        sent: { body: 'x'.repeat(70_000), headers: { 'content-type': 'application/json' } },
        status: 413,
        code: 'payload_too_large',
      },
      {
        name: 'the credential comes before the body',
        path: '/api/auth/change-password',
        sent: { body: '{', headers: { 'content-type': 'application/json' } },
        status: 401,
        code: 'unauthorized',
      },
      {
        name: 'a wrong password',
        path: '/api/auth/login',
        sent: { body: { ...admin, password: wrongPassword } },
        status: 401,
        code: 'invalid_credentials',
      },
      {
        name: 'an unknown name',
        path: '/api/auth/login',
        sent: { body: { username: 'ghost', password: wrongPassword } },
        status: 401,
        code: 'invalid_credentials',
      },
      {
        name: 'a malformed name is an unknown one',
        path: '/api/auth/login',
        sent: { body: { username: 'a b:c/d', password: wrongPassword } },
        status: 401,
        code: 'invalid_credentials',
      },
      {
        name: 'a password over 1024 bytes',
        path: '/api/auth/login',
        sent: { body: { ...admin, password: 'x'.repeat(1025) } },
        status: 413,
        code: 'payload_too_large',
      },
      {
        name: 'a kind of session that does not exist',
        path: '/api/auth/login',
        sent: { body: { ...admin, kind: 'app' } },
        status: 400,
        code: 'invalid_request',
      },
      {
        name: 'a challenge that nobody made',
        path: '/api/auth/login/verify',
        sent: { body: { challenge: 'a'.repeat(43), totp_token: '123456' } },
        status: 401,
        code: 'invalid_credentials',
      },
      {
        name: 'a second step without an answer',
        path: '/api/auth/login/verify',
        sent: { body: { challenge: 'a'.repeat(43) } },
        status: 400,
        code: 'invalid_request',
      },
      {
        name: 'a code that is a number',
        path: '/api/auth/login/verify',
        sent: { body: { challenge: 'a'.repeat(43), totp_token: 123456 } },
        status: 400,
        code: 'invalid_request',
      },
      {
        name: 'options for a passkey, at an address',
        path: '/api/auth/login/passkey/options',
        sent: { body: {} },
        status: 409,
        code: 'conflict',
      },
      {
        name: 'a passkey, at an address',
        path: '/api/auth/login/passkey',
        sent: { body: {} },
        status: 409,
        code: 'conflict',
      },
      {
        name: 'a passkey that is none',
        path: '/api/auth/login/passkey',
        sent: { body: { passkey: 'x' } },
        status: 400,
        code: 'invalid_request',
      },
      { name: 'second factors of nobody', path: '/api/auth/factors', status: 401, code: 'unauthorized' },
      {
        name: 'a secret for nobody',
        path: '/api/auth/totp/setup',
        sent: { body: { password: admin.password } },
        status: 401,
        code: 'unauthorized',
      },
      {
        name: 'set-up once more',
        path: '/api/auth/setup',
        sent: { body: { ...admin, setup_code: 'x' } },
        status: 403,
        code: 'already_configured',
      },
      {
        name: 'decline after set-up',
        path: '/api/auth/decline',
        sent: { body: { setup_code: 'x' } },
        status: 403,
        code: 'already_configured',
      },
      {
        name: 'skip after set-up',
        path: '/api/auth/skip',
        sent: { body: { setup_code: 'x' } },
        status: 403,
        code: 'already_configured',
      },
      { name: 'enable while it is on', path: '/api/auth/enable', sent: { body: admin }, status: 409, code: 'conflict' },
      {
        name: 'disable without a session',
        path: '/api/auth/disable',
        sent: { body: { password: admin.password } },
        status: 401,
        code: 'unauthorized',
      },
      { name: 'verify without a credential', path: '/api/auth/verify', status: 401, code: 'unauthorized' },
      { name: 'verify with optional=1 and nobody', path: '/api/auth/verify?optional=1', status: 200 },
      {
        name: 'a Host that is not ours',
        path: '/api/auth/status',
        sent: { headers: { host: 'evil.test' } },
        status: 421,
        code: 'misdirected_request',
      },
    ],
  );
  rows(
    () => server.application,
    [
      {
        name: 'a program without a session does not reach the application',
        path: '/secret',
        status: 401,
        code: 'unauthorized',
      },
      {
        name: 'a script of a page gets a 401 it can read',
        path: '/secret',
        sent: { headers: { accept: 'text/html', 'sec-fetch-mode': 'cors' } },
        status: 401,
        code: 'unauthorized',
      },
      { name: 'a person is led to sign in', path: '/secret', sent: { headers: navigation }, status: 302 },
      {
        name: "a token of somebody else's make skips nothing",
        path: '/secret',
        sent: { headers: { authorization: 'Bearer eyJhbGciOiJub25lIn0.e30.' } },
        status: 401,
        code: 'unauthorized',
      },
      {
        name: 'a console cookie is not read here',
        path: '/secret',
        sent: { headers: { cookie: `sallyport-account=${'a'.repeat(43)}` } },
        status: 401,
        code: 'unauthorized',
      },
      { name: 'the API is not on the application', path: '/api/auth/status', status: 401, code: 'unauthorized' },
      { name: 'nothing else lives under /.sallyport/', path: '/.sallyport/nothing', status: 404, code: 'not_found' },
      {
        name: 'a ticket nobody made',
        path: `/.sallyport/callback?ticket=${'a'.repeat(43)}`,
        status: 401,
        code: 'invalid_token',
      },
      {
        name: 'a Host that is not ours',
        path: '/',
        sent: { headers: { host: 'evil.test' } },
        status: 421,
        code: 'misdirected_request',
      },
    ],
  );

  it('a cookie session reads', async () => assert.equal((await person.page('/api/auth/sessions')).status, 200));
  it('a bearer session reads, under each of its header forms', async () => {
    for (const headers of [
      { authorization: `Bearer ${bearer}` },
      { authorization: `bearer ${bearer}` },
      { authorization: `Token ${bearer}` },
      { 'x-api-key': bearer },
    ]) {
      assert.equal((await send(`${server.console}/api/auth/sessions`, { headers })).status, 200);
    }
  });
  it('a bearer token is no cookie, and a cookie no bearer token', async () => {
    assertProblem(
      await send(`${server.console}/api/auth/sessions`, { headers: { cookie: `sallyport-account=${bearer}` } }),
      401,
      'session_expired',
    );
    assertProblem(
      await send(`${server.console}/api/auth/sessions`, {
        headers: { authorization: `Bearer ${person.cookies.get('sallyport-account')}` },
      }),
      401,
      'invalid_token',
    );
  });
  it('a bad header never falls through to a good cookie', async () => {
    assertProblem(
      await person.page('/api/auth/sessions', { headers: { authorization: `Bearer ${foreign}` } }),
      401,
      'invalid_token',
    );
  });
  it('verify names the principal in every identity header', async () => {
    const got = await send(`${server.console}/api/auth/verify`, { headers: { authorization: `Bearer ${bearer}` } });
    assert.equal(got.status, 200);
    assert.equal(got.text, '');
    assert.equal(got.headers['remote-user'], 'root1');
    assert.equal(got.headers['remote-groups'], 'admin');
    assert.equal(got.headers['x-auth-via'], 'session');
    for (const name of ['remote-email', 'x-auth-scopes']) assert.equal(got.headers[name], '');
    assert.equal(got.headers['remote-name'], 'Root1');
  });
  it('verify answers any method', async () => {
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS']) {
      assert.equal(
        (await send(`${server.console}/api/auth/verify`, { method, headers: { authorization: `Bearer ${bearer}` } }))
          .status,
        200,
        method,
      );
    }
  });
  it('verify asks for the kind and the privilege it is told to', async () => {
    const as = { headers: { authorization: `Bearer ${bearer}` } };
    assert.equal((await send(`${server.console}/api/auth/verify?privilege=admin`, as)).status, 200);
    assertProblem(await send(`${server.console}/api/auth/verify?privilege=owner`, as), 403, 'forbidden');
    const got = await person.send('/api/auth/verify?kind=admin');
    assertProblem(got, 401, 'unauthorized');
    assert.match(String(got.json['detail']), /"admin" session/);
    assert.equal((await person.send('/api/auth/verify?kind=account')).status, 200);
    assert.equal((await send(`${server.console}/api/auth/verify?kind=account`, as)).status, 200);
    assertProblem(await send(`${server.console}/api/auth/verify?kind=admin`, as), 401, 'unauthorized');
    assertProblem(await person.send('/api/auth/verify?kind=nothing'), 400, 'invalid_request');
  });
  it('a bearer session reaches the application, and only its identity goes along', async () => {
    const got = await send(`${server.application}/secret?x=1`, {
      headers: { authorization: `Bearer ${bearer}`, 'Remote-User': 'root', Remote_User: 'root' },
    });
    assert.equal(got.status, 200, got.text);
    const seen = echo.seen.at(-1);
    assert.equal(seen?.headers['remote-user'], 'root1');
    assert.equal(seen?.target, '/secret?x=1');
    assert.equal(seen?.headers['authorization'], undefined);
    assert.equal(seen?.headers['remote_user'], undefined);
  });
  it('only one request ever reached the application', () => assert.equal(echo.seen.length, 1));
});
