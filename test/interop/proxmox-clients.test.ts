/**
 * Programs that were written for Proxmox, as they come, against a server that stands in front of an application: over HTTPS,
 * on one origin, with `PVE` as the ticket's prefix (PX1 to PX7). What they are given and how they are refused is for them to judge.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { PveClient } from '@corsinvest/cv4pve-api-javascript';
import proxmoxApi, { ProxmoxEngine } from 'proxmox-api';
import { type Commands, commandsOf } from '../support/commands.ts';
import { need, withoutPackages } from '../support/debian.ts';
import { passwordOf, redeem } from '../support/invited.ts';
import { setUp } from '../support/people.ts';
import { type Phone, phone } from '../support/phone.ts';
import { openWorkshop, type SecureHouse, startSecure, type Workshop } from '../support/secure-house.ts';
import { askAs, type AskAs, issue } from '../support/tokens.ts';

const nodes = [{ node: 'pve1', status: 'online', type: 'node' }];

/** What an application behind the proxy answers that knows nothing of signing in. */
interface StandIn {
  readonly url: string;
  readonly seen: { readonly target: string; readonly method: string; readonly headers: IncomingHttpHeaders }[];
  readonly close: () => Promise<void>;
}

async function startStandIn(): Promise<StandIn> {
  const seen: StandIn['seen'] = [];
  const server: Server = createServer((message, response) => {
    const { url: target = '', method = '', headers } = message;
    seen.push({ target, method, headers });
    message.resume();
    response.writeHead(200, { 'content-type': 'application/json;charset=UTF-8' });
    response.end(JSON.stringify({ data: target === '/api2/json/nodes' ? nodes : null }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

let workshop: Workshop;
let application: StandIn;
let house: SecureHouse & { readonly commands: Commands };

interface Person {
  readonly password: string;
  /** As whoever it is of asks for things. */
  readonly ask: AskAs;
}

async function person(username: string): Promise<Person> {
  // On a shared origin every change of accounts asks for the password: the host's word is asked for none.
  await house.commands.well('add', username);
  const { link } = await house.commands.json('invite', username);
  const password = passwordOf(username);
  const got = await redeem(house.console, link, password);
  assert.equal(got.status, 201, got.text);
  return { password, ask: askAs(house.console, String(got.json['token'])) };
}

async function withCodes({ ask, password }: Person): Promise<Phone> {
  const begun = await ask('POST', '/api/auth/totp/setup', { password });
  assert.equal(begun.status, 200, begun.text);
  const codes = phone(String(begun.json['secret']));
  const enabled = await ask('POST', '/api/auth/totp/enable', { token: await codes.next() });
  assert.equal(enabled.status, 200, enabled.text);
  return codes;
}

before(async () => {
  workshop = await openWorkshop();
  setDefaultCACertificates([...getCACertificates('default'), readFileSync(workshop.authority.ca, 'utf8')]);
  application = await startStandIn();
  const started = await startSecure({
    pair: workshop.pair('house'),
    upstream: application.url,
    args: ['--shared-origin', 'true', '--ticket-prefix', 'PVE'],
  });
  await setUp(started);
  house = { ...started, commands: commandsOf('user', () => started.data) };
});
after(async () => {
  await house.remove();
  await application.close();
  workshop.remove();
});

type EngineOptions = ConstructorParameters<typeof ProxmoxEngine>[0];
type Fetch = NonNullable<EngineOptions['fetch']>;

/** The client sets the length of its body itself, which the `fetch` it brings refuses in newer versions: it goes without. */
const withoutLength: Fetch = (url, { headers, ...init } = {}) => {
  const kept = Object.entries(headers as Record<string, string>).filter(([name]) => name !== 'Content-Length');
  return fetch(url, {
    ...init,
    headers: Object.fromEntries(kept),
  } as unknown as RequestInit) as unknown as ReturnType<Fetch>;
};

describe('npm proxmox-api', () => {
  const at = (): Pick<EngineOptions, 'host' | 'port' | 'fetch'> => ({
    host: '127.0.0.1',
    port: house.port,
    fetch: withoutLength,
  });

  it('signs in with a password, reads and changes, and is itself at the application', async () => {
    const { password } = await person('nora');
    const client = proxmoxApi({ ...at(), username: 'nora@pve', password });
    assert.deepEqual(await client.nodes.$get(), nodes);
    assert.match((await client.version.$get()).version, /^\d+\.\d+/);
    const [last] = application.seen.slice(-1);
    assert.deepEqual([last?.headers['remote-user'], last?.headers['x-auth-via']], ['nora', 'ticket']);
    assert.equal(last?.headers['cookie'], undefined, 'our cookie reached the application');
  });

  it('signs in anew by itself when its ticket is over, as it does with Proxmox', async () => {
    const { ask, password } = await person('olaf');
    const engine = new ProxmoxEngine({ ...at(), username: 'olaf@local', password });
    await engine.doRequest('GET', '/api2/json/nodes', '/nodes');
    const first = engine.ticket;
    assert.equal((await ask('DELETE', '/api/auth/sessions')).status, 200);
    assert.deepEqual(await engine.doRequest('GET', '/api2/json/nodes', '/nodes'), nodes);
    assert.notEqual(engine.ticket, first);
  });

  it('is refused with a wrong password, and does not go on', async () => {
    await person('petra');
    const engine = new ProxmoxEngine({ ...at(), username: 'petra@pve', password: 'wrong' });
    const refused = await engine.doRequest('GET', '/api2/json/nodes', '/nodes').catch((fault: unknown) => fault);
    assert.match(String((refused as Error).cause), /401: authentication failure/);
    assert.equal(engine.ticket, undefined);
  });
});

describe('npm cv4pve-api-javascript', () => {
  it('signs in with name and realm apart, reads and changes, and is refused once it is signed out', async () => {
    const { password } = await person('quinn');
    const client = new PveClient('127.0.0.1', house.port);
    assert.equal(await client.login('quinn', password, 'pve'), true);
    assert.deepEqual((await client.get('/nodes')).response.data, nodes);
    assert.equal((await client.create('/nodes/pve1/status', { command: 'reboot' })).statusCode, 200);
    assert.equal(application.seen.at(-1)?.method, 'POST');
    assert.equal((await client.get('/version')).statusCode, 200);

    assert.equal((await client.delete('/access/ticket')).statusCode, 200);
    const before = application.seen.length;
    const refused = await client.get('/nodes');
    assert.deepEqual(
      [refused.statusCode, refused.reasonPhrase, refused.response.data],
      [401, 'permission denied - invalid PVE ticket', null],
    );
    assert.equal((await client.create('/nodes/pve1/status')).statusCode, 401);
    assert.equal(application.seen.length, before);
  });

  it('signs in with the code beside the password, and not without or with a wrong one', async () => {
    const rosa = await person('rosa');
    const { password } = rosa;
    const codes = await withCodes(rosa);
    const client = new PveClient('127.0.0.1', house.port);
    assert.equal(await client.login('rosa', password, 'pve', codes.wrong()), false);
    assert.equal(await client.login('rosa', password, 'pve', await codes.next()), true);
    assert.deepEqual((await client.get('/nodes')).response.data, nodes);

    // It takes any 200 for a success: what it is given without a code opens nothing.
    const half = new PveClient('127.0.0.1', house.port);
    await half.login('rosa', password, 'pve');
    assert.equal((await half.get('/nodes')).statusCode, 401);
  });

  it('uses an API token until it is revoked', async () => {
    const { ask, password } = await person('sven');
    const { id, secret } = await issue(ask, { token_name: 'backup', scopes: ['*'], password });
    const client = new PveClient('127.0.0.1', house.port);
    client.apiToken = `sven@pve!backup=${secret}`;
    assert.deepEqual((await client.get('/nodes')).response.data, nodes);
    assert.equal(application.seen.at(-1)?.headers['x-auth-via'], 'api-token');
    assert.equal(application.seen.at(-1)?.headers['authorization'], undefined);
    const other = new PveClient('127.0.0.1', house.port);
    other.apiToken = `sven@pve!other=${secret}`;
    assert.equal((await other.get('/nodes')).statusCode, 401);
    assert.equal((await ask('DELETE', `/api/auth/api-tokens/${id}`)).status, 200);
    assert.equal((await client.get('/nodes')).statusCode, 401);
  });
});

describe('Debian’s python3-proxmoxer', { skip: withoutPackages }, () => {
  let python: string;
  before(async () => {
    python = await need('/usr/bin/python3', 'python3');
    // The package of the library names only Python itself.
    await need('/usr/lib/python3/dist-packages/requests/__init__.py', 'python3-requests');
    await need('/usr/lib/python3/dist-packages/proxmoxer/__init__.py', 'python3-proxmoxer');
  });

  /** Runs those lines with a client `api`, made as `given` says; what they put into `said` comes back, or how it was refused. */
  const run = (given: string, lines: readonly string[]): Promise<Record<string, unknown>> => {
    const script = [
      'import json, sys, time, requests',
      'from proxmoxer import ProxmoxAPI',
      'from proxmoxer.core import ResourceException',
      'from proxmoxer.backends.https import AuthenticationError',
      'said = {}',
      'def make(**more): return ProxmoxAPI("127.0.0.1", port=int(sys.argv[1]), verify_ssl=sys.argv[2], **more)',
      'try:',
      `    api = make(${given})`,
      ...lines.map((line) => `    ${line}`),
      'except AuthenticationError as error: said["refused"] = str(error)',
      'except ResourceException as error: said["status"] = error.status_code; said["text"] = str(error)',
      'print(json.dumps(said))',
    ].join('\n');
    return new Promise((resolve, reject) => {
      execFile(
        python,
        ['-c', script, String(house.port), workshop.authority.ca],
        { env: { PATH: process.env['PATH'] ?? '' }, timeout: 60_000 },
        (fault, out, errors) => {
          if (fault !== null) reject(new Error(errors, { cause: fault }));
          else resolve(JSON.parse(out) as Record<string, unknown>);
        },
      );
    });
  };
  const as = ({ name, more = '' }: { readonly name: string; readonly more?: string }): string =>
    `user="${name}@pve", password="${passwordOf(name)}"${more}`;

  it('signs in with a password, reads, changes, renews its ticket, and is refused after it signed out', async () => {
    await person('tilda');
    const said = await run(as({ name: 'tilda' }), [
      'said["nodes"] = api.nodes.get()',
      'api.nodes("pve1").status.post(command="reboot")',
      'auth = api._backend.auth',
      'first = auth.pve_auth_ticket',
      // As after an hour: it shows its ticket as the password.
      'auth.birth_time = time.monotonic() - auth.renew_age - 1',
      // The request that renews has the old ticket and the new token.
      'api.nodes("pve1").status.post(command="reboot")',
      'said["again"] = api.nodes.get()',
      'said["renewed"] = auth.pve_auth_ticket != first',
      'api.access.ticket.delete()',
      'said["before"] = "signed out"',
      'api.nodes.get()',
    ]);
    const { text, ...rest } = said;
    assert.deepEqual(rest, { nodes, again: nodes, renewed: true, before: 'signed out', status: 401 });
    assert.match(String(text), /permission denied - invalid PVE ticket/);
  });

  it('is told when the password is wrong, as its own kind of error', async () => {
    await person('ulla');
    const said = await run('user="ulla@pve", password="wrong"', ['said["in"] = True']);
    assert.match(String(said['refused']), /Couldn't authenticate user: ulla@pve/);
    assert.equal(said['in'], undefined);
  });

  it('signs in with the code beside the password; without it nothing opens', async () => {
    const codes = await withCodes(await person('vera'));
    const said = await run(as({ name: 'vera', more: `, otp="${await codes.next()}"` }), [
      'said["nodes"] = api.nodes.get()',
    ]);
    assert.deepEqual(said, { nodes });
    const without = await run(as({ name: 'vera' }), ['said["nodes"] = api.nodes.get()']);
    assert.equal(without['nodes'], undefined);
    assert.ok(without['status'] === 401 || without['refused'] !== undefined, JSON.stringify(without));
  });

  it('uses an API token until it is revoked', async () => {
    const { ask, password } = await person('wanda');
    const { id, secret } = await issue(ask, { token_name: 'metrics', scopes: ['*'], password });
    const given = `user="wanda@pve", token_name="metrics", token_value="${secret}"`;
    assert.deepEqual(await run(given, ['said["nodes"] = api.nodes.get()']), { nodes });
    assert.equal((await ask('DELETE', `/api/auth/api-tokens/${id}`)).status, 200);
    assert.equal((await run(given, ['said["nodes"] = api.nodes.get()']))['status'], 401);
  });

  it('is refused when its owner is disabled', async () => {
    await person('xenia');
    assert.deepEqual(await run(as({ name: 'xenia' }), ['said["nodes"] = api.nodes.get()']), { nodes });
    await house.commands.well('disable', 'xenia');
    assert.notEqual((await run(as({ name: 'xenia' }), ['said["in"] = True']))['refused'], undefined);
  });
});
