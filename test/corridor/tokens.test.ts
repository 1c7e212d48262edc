/**
 * Every route of the table × every way in but Basic × every class of scopes, over HTTP, with the answer each cell must get
 * (`support/corridor.ts`). Name and secret are beside this, in `basic.test.ts`.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { systemRandom } from '../../src/crypto/random.ts';
import { newToken } from '../../src/crypto/token.ts';
import type { Route } from '../../src/http/route.ts';
import { ownScopes } from '../../src/principal/scopes.ts';
import { type Browser, send } from '../support/client.ts';
import {
  askIn,
  faultsOf,
  fittingBody,
  inGroups,
  type Locality,
  nameOf,
  refused,
  type SessionShown,
  type Showing,
  type Standing,
  table,
  type TokenShown,
  turnedAway,
  wantedIn,
  type Way,
} from '../support/corridor.ts';
import { asAdmin, bearer, login, passwordOf, settle } from '../support/invited.ts';
import { askAs, basic, issue, type IssuedToken, ticketFor, tokensPath, wideLimits } from '../support/tokens.ts';
import { admin, setUp, signIn } from '../support/people.ts';
import { ticketOf } from '../support/signed-tickets.ts';
import { type RunningServer, startServer } from '../support/server.ts';

/** Another text of the same form. */
const otherwise = (text: string): string => `${text.slice(0, -2)}${text.endsWith('AA') ? 'BA' : 'AA'}`;

/** A row without a need does not compile: none of the three sorts. */
type Compiling<Row> = Row extends Route ? Row : never;
type WithoutNeed<Row> = Row extends Route ? Omit<Row, 'need'> : never;
type Sorts<Row> = [Row] extends [never] ? 'none' : 'some';
const compiling: Sorts<Compiling<Route>> = 'some';
const compilingWithoutNeed: Sorts<Compiling<WithoutNeed<Route>>> = 'none';

/** Every own scope is a class of its own, also one that is added one day. */
const classes: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  read_only: { scope: 'read_only' },
  full_admin: { scope: 'full_admin' },
  '*': { scopes: ['*'] },
  'admin:all': { scopes: ['admin:all'] },
  'admin:*': { scopes: ['admin:*'] },
  'read:projects': { scopes: ['read:projects'] },
  ...Object.fromEntries(Object.keys(ownScopes).map((scope) => [scope, { scopes: [scope] }])),
};
const scopesOfClass = (name: string): readonly string[] =>
  ({ read_only: ['read:*'], full_admin: ['*', 'sallyport:admin'] })[name] ?? [name];

const standings = ['admin', 'demoted'] as const satisfies readonly Standing[];

describe('every route, every way in, every class of scopes', () => {
  let server: RunningServer;
  const ways: Way[] = [];
  const reached = new Set<string>();

  const people = new Map<Standing, { readonly session: string; readonly account: Browser; readonly admin: Browser }>();
  const tokens = new Map<string, IssuedToken>();
  const keyOf = (standing: Standing, name: string): string => `${standing} ${name}`;
  const secretOf = (standing: Standing, name: string): string =>
    tokens.get(keyOf(standing, name))?.secret ?? assert.fail(`no token ${standing} ${name}`);

  before(async () => {
    server = await startServer();
    const first = String((await setUp(server)).json['token']);
    const root = asAdmin(server.console, first);
    const { id } = await settle(server.console, root, 'mallory', { privileges: ['admin'] });
    const asMallory = { username: 'mallory', password: passwordOf('mallory') };
    const signedIn = await login(server.console, asMallory.username, asMallory.password);
    for (const [standing, session, who] of [
      ['admin', first, {}],
      ['demoted', String(signedIn.json['token']), asMallory],
    ] as const)
      people.set(standing, {
        session,
        account: await signIn(server, who),
        admin: await signIn(server, { ...who, kind: 'admin' }),
      });
    const made = standings.flatMap((standing) => Object.keys(classes).map((name) => ({ standing, name })));
    await inGroups(made, 20, async ({ standing, name }) => {
      const ask = askAs(server.console, people.get(standing)?.session ?? '');
      const body = { ...classes[name], token_name: name, rate_limit: wideLimits };
      tokens.set(keyOf(standing, name), await issue(ask, body));
    });
    assert.equal((await root.patch(id, { privileges: [] })).status, 200);
    ways.push(...(await allWays()));
  });
  after(() => server.remove());

  async function allWays(): Promise<readonly Way[]> {
    const always = (headers: Readonly<Record<string, string>>, query?: string) => (): Showing => ({
      headers,
      ...(query === undefined ? {} : { query }),
    });
    const forms: readonly (readonly [string, (secret: string) => Readonly<Record<string, string>>])[] = [
      ['Bearer', bearer],
      ['Token', (secret) => ({ authorization: `Token ${secret}` })],
      ['X-API-Key', (secret) => ({ 'x-api-key': secret })],
    ];
    const living = standings.flatMap((owner) =>
      Object.keys(classes).flatMap((name) =>
        forms.map(([form, headersOf]): Way => ({
          name: `${form}: token ${name} of ${owner}`,
          shown: { kind: 'token', scopes: scopesOfClass(name), owner },
          show: always(headersOf(secretOf(owner, name))),
        })),
      ),
    );
    const sessions = standings.flatMap((owner): readonly Way[] => {
      const { session, account, admin } = people.get(owner) ?? assert.fail();
      const cookies = [
        ['account', account],
        ['admin', admin],
      ] as const;
      return [
        {
          name: `bearer session of ${owner}`,
          shown: { kind: 'session', owner, sessionKind: 'account', csrf: 'not-asked' },
          show: always(bearer(session)),
        },
        ...cookies.flatMap(([sessionKind, person]) => {
          const cookie = `sallyport-${sessionKind}=${person.cookies.get(`sallyport-${sessionKind}`)}`;
          const right = { cookie, 'x-csrf-token': person.csrf };
          const headers = {
            right,
            wrong: { cookie, 'x-csrf-token': otherwise(person.csrf) },
            foreign: { ...right, 'sec-fetch-site': 'cross-site' },
          } as const;
          return (['right', 'wrong', 'foreign'] as const).map((csrf): Way => ({
            name: `${sessionKind} cookie of ${owner}, CSRF ${csrf}`,
            shown: { kind: 'session', owner, sessionKind, csrf },
            show: always(headers[csrf]),
          }));
        }),
      ];
    });
    const parents: readonly (readonly [string, string, SessionShown | TokenShown])[] = standings.flatMap((owner) => {
      const ofTokens = ['full_admin', 'admin:credentials', 'sallyport:metrics', 'read_only'].map(
        (name) => [name, secretOf(owner, name), { kind: 'token', scopes: scopesOfClass(name), owner }] as const,
      );
      const { session } = people.get(owner) ?? assert.fail();
      const inPerson = { kind: 'session', owner, sessionKind: 'account', csrf: 'not-asked' } as const;
      return [['session', session, inPerson] as const, ...ofTokens];
    });
    const tickets = parents.map(([name, held, of]): Way => ({
      name: `ticket of ${name} of ${of.owner}`,
      shown: { kind: 'ticket', of },
      show: async (path) => ({
        headers: {},
        query: `?ticket=${await ticketFor(askAs(server.console, held), path)}`,
      }),
    }));
    return [
      { name: 'nothing', shown: { kind: 'nothing' }, show: always({}) },
      ...tickets,
      ...(await signedTickets()),
      ...sessions,
      ...living,
      ...(await deadWays(forms, always)),
    ];
  }

  async function signedTickets(): Promise<readonly Way[]> {
    const dead = (carried: 'cookie' | 'header') =>
      ({ kind: 'dead', code: carried === 'cookie' ? 'session_expired' : 'invalid_token' }) as const;
    const foreign = { 'sec-fetch-site': 'cross-site' };
    const ways: Way[] = [];
    const add = (name: string, shown: Way['shown'], headers: Readonly<Record<string, string>>, from?: string): void => {
      ways.push({ name, shown, show: () => ({ headers }), ...(from === undefined ? {} : { from }) });
    };
    for (const [owner, who] of [
      ['admin', admin],
      ['demoted', { username: 'mallory', password: passwordOf('mallory') }],
    ] as const) {
      const { ticket, csrf } = await ticketOf(server, who);
      const [inHost, inPlain] = [`__Host-SPAuthCookie=${ticket}`, `SPAuthCookie=${ticket}`];
      const right = { cookie: inHost, csrfpreventiontoken: csrf };
      const wrong = { ...right, csrfpreventiontoken: otherwise(csrf) };
      const shown = (carried: 'cookie' | 'header', how: 'not-asked' | 'right' | 'wrong' | 'foreign'): Way['shown'] => ({
        kind: 'signed-ticket',
        owner,
        carried,
        csrf: how,
      });
      add(`ticket cookie of ${owner}`, shown('cookie', 'right'), right);
      add(`its other name, of ${owner}`, shown('cookie', 'right'), { ...right, cookie: inPlain });
      add(`ticket cookie of ${owner}, CSRF wrong`, shown('cookie', 'wrong'), wrong);
      add(`ticket cookie of ${owner}, CSRF foreign`, shown('cookie', 'foreign'), { ...right, ...foreign });
      const inHeader = { authorization: `SPAuthCookie=${ticket}` };
      add(`ticket header of ${owner}`, shown('header', 'not-asked'), inHeader);
      add(`ticket header of ${owner}, foreign`, shown('header', 'foreign'), { ...inHeader, ...foreign });
    }
    const { ticket: gone, csrf } = await ticketOf(server, admin);
    const { ticket: genuine } = await ticketOf(server, admin);
    const out = { method: 'DELETE', headers: { authorization: `SPAuthCookie=${gone}` } };
    assert.equal((await send(`${server.console}/api2/json/access/ticket`, out)).status, 200);
    const forged = otherwise(genuine);
    for (const [at, [what, ticket]] of Object.entries({ 'signed out': gone, forged, foreign: 'x' }).entries()) {
      add(
        `a ticket cookie, ${what}`,
        dead('cookie'),
        { cookie: `__Host-SPAuthCookie=${ticket}`, csrfpreventiontoken: csrf },
        `127.66.70.${at + 1}`,
      );
      add(
        `a ticket header, ${what}`,
        dead('header'),
        { authorization: `SPAuthCookie=${ticket}` },
        `127.66.71.${at + 1}`,
      );
    }
    return ways;
  }

  async function deadWays(
    forms: readonly (readonly [string, (secret: string) => Readonly<Record<string, string>>])[],
    always: (headers: Readonly<Record<string, string>>, query?: string) => () => Showing,
  ): Promise<readonly Way[]> {
    const ask = askAs(server.console, people.get('admin')?.session ?? '');
    const made = (more = {}) => issue(ask, { scope: 'full_admin', rate_limit: wideLimits, ...more });
    const [revoked, inactive, rotated, offList] = [
      await made(),
      await made(),
      await made(),
      await made({ ip_allowlist: ['203.0.113.0/24'] }),
    ];
    assert.equal((await ask('DELETE', `${tokensPath}/${revoked.id}`)).status, 200);
    assert.equal((await ask('PATCH', `${tokensPath}/${inactive.id}`, { active: false })).status, 200);
    assert.equal((await ask('POST', `${tokensPath}/${rotated.id}/rotate`, {})).status, 200);
    const unknown = newToken('spt_', systemRandom);
    const secrets = {
      'a wrong checksum': `${unknown.slice(0, -1)}${unknown.endsWith('a') ? 'b' : 'a'}`,
      'no checksum': unknown.slice(0, -6),
      'a right checksum, never made': unknown,
      'a revoked one': revoked.secret,
      'an inactive one': inactive.secret,
      'a replaced one': rotated.secret,
    };
    const dead = { kind: 'dead', code: 'invalid_token' } as const;
    const wrong = { kind: 'dead', code: 'invalid_credentials' } as const;
    const alive = secretOf('admin', 'full_admin');
    const spent = await ticketFor(ask, '/api/auth/users');
    const other = await ticketFor(ask, '/api/auth/elsewhere');
    assert.equal((await send(`${server.console}/api/auth/users?ticket=${spent}`)).status, 200);
    return [
      ...Object.entries(secrets).flatMap(([what, secret], number) =>
        forms.map(([form, headersOf], at): Way => ({
          name: `${form}: ${what}`,
          shown: dead,
          show: always(headersOf(secret)),
          from: `127.66.${number}.${at + 1}`,
        })),
      ),
      { name: 'off its list', shown: { kind: 'off-list' }, show: always(bearer(offList.secret)) },
      { name: 'Basic, the token as name', shown: wrong, show: always({ authorization: basic(`${alive}:`) }) },
      { name: 'two tokens', shown: { kind: 'unreadable' }, show: always({ ...bearer(alive), 'x-api-key': alive }) },
      { name: 'an empty bearer', shown: { kind: 'unreadable' }, show: always({ authorization: 'Bearer' }) },
      {
        name: 'a dead token beside a living cookie',
        shown: dead,
        show: always({ ...bearer(unknown), cookie: `sallyport-account=${cookieOf('admin')}` }),
        from: '127.66.50.1',
      },
      {
        name: 'a dead cookie',
        shown: { kind: 'dead', code: 'session_expired' },
        show: always({ cookie: `sallyport-account=${'a'.repeat(43)}` }),
        from: '127.66.51.1',
      },
      ...Object.entries({ 'a spent ticket': spent, 'a ticket for another path': other, 'no ticket': 'x' }).map(
        ([name, ticket], at): Way => ({
          name,
          shown: dead,
          show: always({}, `?ticket=${ticket}`),
          from: `127.66.52.${at + 1}`,
        }),
      ),
      {
        name: 'a spent ticket beside a living token',
        shown: dead,
        show: always(bearer(alive), `?ticket=${spent}`),
        from: '127.66.53.1',
      },
    ];
  }

  const cookieOf = (standing: Standing): string =>
    people.get(standing)?.account.cookies.get('sallyport-account') ?? assert.fail();

  const sweep = async (row: Route, locality: Locality): Promise<void> => {
    const faults: string[] = [];
    await inGroups(ways, 20, async (way) => {
      const got = await askIn(server.console, row, way, locality);
      faults.push(...faultsOf(row, way, locality, wantedIn(row, way, locality), got));
      reached.add(`${nameOf(row)} ${locality} ${way.name}`);
    });
    assert.deepEqual(faults, []);
  };

  for (const row of table) {
    it(`${nameOf(row)}: ${row.need.kind}`, () => sweep(row, 'remote'));
    if (row.need.kind === 'local') it(`${nameOf(row)}, on this machine`, () => sweep(row, 'local'));
  }

  it('every cell was reached, and every own scope is a class', () => {
    const locals = table.filter((row) => row.need.kind === 'local').length;
    assert.equal(new Set(ways.map((way) => way.name)).size, ways.length);
    assert.equal(reached.size, (table.length + locals) * ways.length);
    for (const scope of Object.keys(ownScopes))
      for (const standing of standings) assert.ok(tokens.has(keyOf(standing, scope)), scope);
    assert.deepEqual([compiling, compilingWithoutNeed], ['some', 'none']);
  });

  it('no need is met by a token that another need does not name: the table asks for own scopes alone', () => {
    for (const { need } of table)
      if ('scope' in need && need.scope !== 'any') assert.ok(need.scope in ownScopes, need.scope);
  });

  it('nothing satisfies step-up but the person: a token or a ticket that reaches the action is asked for the password', async () => {
    const faults: string[] = [];
    const programs = ways.filter(
      ({ shown }) => shown.kind === 'token' || shown.kind === 'ticket' || shown.kind === 'signed-ticket',
    );
    let asked = 0;
    for (const row of table.filter(({ stepUp }) => stepUp === 'fresh'))
      await inGroups(programs, 20, async (way) => {
        const away = turnedAway(row, way, 'remote');
        const got = await askIn(server.console, row, way, 'remote', fittingBody(row));
        faults.push(...faultsOf(row, way, 'remote', away ?? refused(403, 'reauthentication_required'), got));
        if (away !== null) return;
        asked += 1;
        if (!Array.isArray(got.json['methods'])) faults.push(`${nameOf(row)} × ${way.name}: no methods`);
      });
    assert.deepEqual(faults, []);
    assert.ok(asked > 20, `only ${asked} got so far`);
  });

  it('path and method, then size, then type come before whatever a request shows', async () => {
    const dead = ways.filter(({ shown }) => shown.kind === 'dead' || shown.kind === 'unreadable');
    const json = { 'content-type': 'application/json' };
    for (const way of dead) {
      const { headers, query = '' } = await way.show(tokensPath);
      for (const [method, path, body, more, status, code] of [
        ['GET', '/api/auth/nothing', undefined, {}, 404, 'not_found'],
        ['PUT', tokensPath, '[]', json, 405, 'method_not_allowed'],
        ['POST', tokensPath, 'x'.repeat(70_000), { 'content-type': 'text/plain' }, 413, 'payload_too_large'],
        ['POST', tokensPath, '{}', { 'content-type': 'text/plain' }, 415, 'unsupported_media_type'],
      ] as const) {
        const from = way.from === undefined ? {} : { from: way.from };
        const sent = { method, headers: { ...headers, ...more }, ...from, ...(body === undefined ? {} : { body }) };
        const got = await send(`${server.console}${path}${query}`, sent);
        assert.deepEqual([got.status, got.json['error_code']], [status, code], `${method} ${path} × ${way.name}`);
      }
    }
  });
});
