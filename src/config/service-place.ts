/**
 * The servers that several nodes share, as an operator names them: a PostgreSQL database, and Valkey or Redis
 * (2-http-api, 1. Starting). Both are secrets, since a password may be in them: what is refused is never repeated. Pure.
 */
import type { Secret } from '../types.ts';
import { listener, reachOf } from './network-place.ts';
import { accepted, type Parsed, refused, type ValueKind } from './value-kind.ts';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export type ValkeyServers =
  | { readonly kind: 'socket'; readonly path: string }
  | ({ readonly kind: 'single' } & Endpoint)
  | { readonly kind: 'sentinel'; readonly sentinels: readonly Endpoint[]; readonly master: string }
  | { readonly kind: 'cluster'; readonly nodes: readonly Endpoint[] };

/** `verify`: the server must be who it is named, or there is no connection. */
export type TransportSecurity = 'verify' | 'off';

export interface DatabasePlace {
  /** Name, address, or the folder of a unix socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Empty: none. */
  readonly password: Secret | '';
  readonly database: string;
  readonly tls: TransportSecurity;
}

export interface ValkeyPlace {
  readonly at: ValkeyServers;
  /** Empty: none. */
  readonly username: string;
  readonly password: Secret | '';
  readonly database: number;
  readonly tls: TransportSecurity;
}

const longest = 2048;
/** `scheme://user:password@place/path?query`: every part as it was written. */
const form =
  /^(?<scheme>[a-z]+(?:\+[a-z]+)?):\/\/(?:(?<user>[^:@/?#]*)(?::(?<password>[^@/?#]*))?@)?(?<place>[^/?#@]*)(?<path>\/[^?#]*)?(?:\?(?<query>[^#]*))?$/;

interface Parts {
  readonly scheme: string;
  readonly user: string;
  readonly password: string;
  readonly place: string;
  readonly path: string;
  readonly query: ReadonlyMap<string, string>;
}

function decoded(text: string): string {
  return decodeURIComponent(text);
}

/** Percent-encoding undone once, and nothing in it that no name or password can hold. */
export function partsOf(text: string): Parsed<Parts> {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (text.length > longest || /[\0-\x20\x7f]/.test(text))
    return refused('it has blanks or control characters, or is too long');
  const groups = form.exec(text)?.groups;
  if (groups === undefined) return refused();
  const { scheme = '', user = '', password = '', place = '', path = '', query = '' } = groups;
  try {
    const pairs = query === '' ? [] : query.split('&').map((pair) => pair.split('=', 2).map(decoded));
    const parameters = new Map(pairs.map(([name = '', value = '']) => [name, value]));
    if (parameters.size !== pairs.length) return refused('a parameter is given twice');
    const parts = { user: decoded(user), password: decoded(password), path: decoded(path) };
    // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
    if (Object.values(parts).some((each) => /[\0-\x1f\x7f]/.test(each))) return refused('it has control characters');
    return accepted({ scheme, ...parts, place, query: parameters });
  } catch {
    return refused('a percent sign that encodes nothing');
  }
}

export function endpointOf(text: string, port: number): Parsed<Endpoint> {
  if (text.startsWith('unix:')) return refused('the host is neither an address nor a name');
  const bare = text.startsWith('[') ? text.endsWith(']') : !text.includes(':');
  const parsed = listener.parse(bare ? `${text}:${port}` : text);
  if (parsed.kind === 'refused') return parsed;
  if (parsed.value.kind === 'unix') return refused();
  if (parsed.value.port === 0) return refused('the port is 0');
  return accepted({ host: parsed.value.host, port: parsed.value.port });
}

function endpointsOf(text: string, port: number): Parsed<readonly Endpoint[]> {
  const endpoints: Endpoint[] = [];
  for (const each of text.split(',')) {
    const endpoint = endpointOf(each, port);
    if (endpoint.kind === 'refused') return endpoint;
    endpoints.push(endpoint.value);
  }
  return accepted(endpoints);
}

/** Never by its name: a password with a question mark in it would be told. */
export function unknownParameter(query: ReadonlyMap<string, string>, known: readonly string[]): string | undefined {
  const unknown = [...query.keys()].some((each) => !known.includes(each));
  return unknown
    ? 'what stands behind the question mark is not known here; in a user name or password it is written %3F'
    : undefined;
}

/** What `sslmode` may say. The others connect to whoever answers, or fall back to plain text. */
function securityOf(mode: string | undefined, reach: 'machine' | 'network'): Parsed<TransportSecurity> {
  switch (mode) {
    case undefined:
      return accepted(reach === 'machine' ? 'off' : 'verify');
    case 'disable':
      return accepted('off');
    case 'verify-full':
      return accepted('verify');
    default:
      return refused(
        'sslmode is `verify-full`, or `disable` for a connection in the clear; all else does not make sure who answers',
      );
  }
}

/** `postgres://user:password@host:port/database`. */
export const databaseUrl: ValueKind<DatabasePlace> = {
  writing: 'secret',
  suffix: '',
  form: '`postgres://user:password@host:port/database`, with `?sslmode=disable` or `?sslmode=verify-full`, or `?host=/folder` for a unix socket',
  parse: (text) => {
    const parts = partsOf(text);
    if (parts.kind === 'refused') return parts;
    const { scheme, user, password, place, path, query } = parts.value;
    if (scheme !== 'postgres' && scheme !== 'postgresql') return refused();
    const unknown = unknownParameter(query, ['sslmode', 'host']);
    if (unknown !== undefined) return refused(unknown);
    if (user === '') return refused('it has no user');
    const folder = query.get('host');
    if (folder !== undefined && (!folder.startsWith('/') || !/^(?::\d+)?$/.test(place)))
      return refused('the parameter host is the folder of a unix socket, instead of a host in front');
    const endpoint = endpointOf(folder === undefined ? place : `localhost${place}`, 5432);
    if (endpoint.kind === 'refused') return endpoint;
    const host = folder ?? endpoint.value.host;
    const tls = securityOf(query.get('sslmode'), folder === undefined ? reachOf(host) : 'machine');
    if (tls.kind === 'refused') return tls;
    if (folder !== undefined && tls.value === 'verify') return refused('a unix socket has no TLS');
    const database = path === '' || path === '/' ? user : path.slice(1);
    return accepted({
      host,
      port: endpoint.value.port,
      user,
      password: password as Secret | '',
      database,
      tls: tls.value,
    });
  },
  format: () => '(set)',
};

function placeAt(
  kind: string,
  place: string,
  path: string,
): Parsed<Pick<ValkeyPlace, 'at'> & { readonly database: string }> {
  switch (kind) {
    case 'unix':
      return place === '' && /^\/[^/].*[^/]$/.test(path)
        ? accepted({ at: { kind: 'socket', path }, database: '' })
        : refused('the path of a socket starts with / and names a file');
    case 'sentinel': {
      const [, master = '', database = '', ...rest] = path.split('/');
      if (!/^[\w.-]{1,128}$/.test(master) || rest.length > 0)
        return refused('after the sentinels comes the name of the master');
      const sentinels = endpointsOf(place, 26_379);
      return sentinels.kind === 'refused'
        ? sentinels
        : accepted({ at: { kind: 'sentinel', sentinels: sentinels.value, master }, database });
    }
    case 'cluster': {
      const nodes = endpointsOf(place, 6379);
      if (nodes.kind === 'refused') return nodes;
      return path === '' || path === '/'
        ? accepted({ at: { kind: 'cluster', nodes: nodes.value }, database: '' })
        : refused('a cluster has no numbered databases');
    }
    case '': {
      const endpoint = endpointOf(place, 6379);
      return endpoint.kind === 'refused'
        ? endpoint
        : accepted({ at: { kind: 'single', ...endpoint.value }, database: path.slice(1) });
    }
    default:
      return refused();
  }
}

/** `redis://user:password@host:port/0` and its kin. */
export const valkeyUrl: ValueKind<ValkeyPlace> = {
  writing: 'secret',
  suffix: '',
  form: '`redis://user:password@host:port/0` (`rediss://` with TLS; `valkey` for `redis`), `redis+sentinel://host,host/master`, `redis+cluster://host,host` or `redis+unix:///path`',
  parse: (text) => {
    const parts = partsOf(text);
    if (parts.kind === 'refused') return parts;
    const { scheme, user, password, place, path, query } = parts.value;
    const [, secure, kind = ''] = /^(?:redis|valkey)(s?)(?:\+([a-z]+))?$/.exec(scheme) ?? [];
    if (secure === undefined) return refused();
    const unknown = unknownParameter(query, []);
    if (unknown !== undefined) return refused(unknown);
    if (user !== '' && password === '') return refused('it has a user and no password');
    if (kind === 'unix' && secure === 's') return refused('a unix socket has no TLS');
    const found = placeAt(kind, place, path);
    if (found.kind === 'refused') return found;
    const { at, database } = found.value;
    if (!/^(?:\d{1,3})?$/.test(database)) return refused('the database is a number');
    return accepted({
      at,
      username: user,
      password: password as Secret | '',
      database: Number(database),
      tls: secure === 's' ? 'verify' : 'off',
    });
  },
  format: () => '(set)',
};

/** Whether what is sent there leaves this machine. */
export function reachOfPlace(place: DatabasePlace | ValkeyPlace): 'machine' | 'network' {
  const hosts = ((): readonly string[] => {
    if (!('at' in place)) return place.host.startsWith('/') ? [] : [place.host];
    switch (place.at.kind) {
      case 'socket':
        return [];
      case 'single':
        return [place.at.host];
      case 'sentinel':
        return place.at.sentinels.map(({ host }) => host);
      case 'cluster':
        return place.at.nodes.map(({ host }) => host);
    }
  })();
  return hosts.some((host) => reachOf(host) === 'network') ? 'network' : 'machine';
}
