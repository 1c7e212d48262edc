/**
 * Every setting, once (2-http-api, 1. Starting; numbers from 3-rules). From the dotted name come the flag, the variable,
 * the place in the file and the field of `Settings`; from the kind of value its unit, bounds and type.
 * A new setting is one entry here, and a rule in `rules.ts` if it depends on another.
 */
import { listener, network, origin, syslogServer } from './network-place.ts';
import { mailSender, smtpUrl } from './mail-place.ts';
import { databaseUrl, valkeyUrl } from './service-place.ts';
import { ldapSettings } from './ldap/settings.ts';
import { count, duration, size } from './quantity.ts';
import { optional, type Setting, setting } from './table/setting.ts';
import {
  choice,
  commandLine,
  cookieStem,
  filePath,
  flag,
  listOf,
  logTag,
  realmText,
  secret,
  ticketPrefix,
  tokenPrefix,
  type UnitSuffix,
  type ValueKind,
} from './value-kind.ts';

const lifetime = duration('1s', '365d');

export const settingsTable = {
  data: setting(filePath, './sallyport-data', 'Data folder (0700; files in it 0600)'),
  listen: setting(listener, '127.0.0.1:8420', 'Console listener: pages and API'),
  'public-url': optional(
    origin,
    'from the listener; on loopback `http://localhost:<port>`',
    'URL of the console as browsers reach it',
  ),
  upstream: optional(origin, 'none', 'Application to protect'),
  'app-listen': setting(listener, '127.0.0.1:8421', 'Listener of the protected application'),
  'app-url': optional(origin, 'from the listener', 'URL of the protected application as browsers reach it'),
  'shared-origin': setting(
    flag,
    'false',
    "Serve the application on the console's own origin; every change of credentials then takes the password",
  ),
  'ops-listen': optional(listener, 'none: the console listener', 'Health and metrics on a listener of their own'),
  'protected-hosts': setting(
    listOf(origin, 'origins (`https://grafana.home`)'),
    '',
    'Hosts behind a reverse proxy that may send people here to sign in',
  ),
  'allow-open': setting(flag, 'false', 'Let an installation that declined sign-in be open to the network'),
  database: optional(databaseUrl, 'SQLite in the data folder', 'PostgreSQL database, for more nodes than one'),
  'database-ca-file': optional(filePath, "the system's", 'Who may vouch for the database server (PEM)'),
  'database-cert-file': optional(filePath, 'none', 'Our certificate for the database server (PEM)'),
  'database-key-file': optional(filePath, 'none', 'The private key of that certificate (PEM)'),
  'database-connections': setting(
    count(2, 1000),
    '10',
    'Connections to the database held at once, one for news beside them',
  ),
  'database-timeout': setting(
    duration('100ms', '1m'),
    '5s',
    'Longest wait for a connection to the database, and for each answer',
  ),
  valkey: optional(
    valkeyUrl,
    'none: each node counts wrong guesses for itself',
    'Valkey or Redis, for what nodes count together and volatile sessions',
  ),
  'valkey-ca-file': optional(filePath, "the system's", 'Who may vouch for the Valkey server (PEM)'),
  'valkey-cert-file': optional(filePath, 'none', 'Our certificate for the Valkey server (PEM)'),
  'valkey-key-file': optional(filePath, 'none', 'The private key of that certificate (PEM)'),
  'valkey-timeout': setting(
    duration('50ms', '30s'),
    '1s',
    'Longest wait for a connection to Valkey, and for each answer; then each node goes on by itself',
  ),
  smtp: optional(smtpUrl, 'none: links are handed over by whoever makes them', 'Mail server for links and notices'),
  'mail-from': optional(mailSender, 'none', 'Who mails come from'),
  'smtp-ca-file': optional(filePath, "the system's", 'Who may vouch for the mail server (PEM)'),
  ...ldapSettings,
  'trusted-proxies': setting(
    listOf(network, 'addresses and networks in CIDR form (192.0.2.7, 10.0.0.0/8, fd00::/8)'),
    '',
    'Reverse proxies whose forwarded header is believed',
  ),
  'forwarded-header': setting(
    choice('x-forwarded-for', 'x-real-ip', 'forwarded'),
    'X-Forwarded-For',
    'The one header believed from trusted proxies; the same in any case of letters',
  ),
  'proxy.connect-timeout': setting(
    duration('100ms', '5m'),
    '10s',
    'Longest wait for a connection to the application; then the answer is 502',
  ),
  'proxy.answer-timeout': setting(
    duration('1s', '24h'),
    '5m',
    'Longest wait for the application to begin its answer while nothing is sent to it; then the answer is 504',
  ),
  'proxy.idle-timeout': setting(
    duration('1s', '30d'),
    '1h',
    'An answer, stream or WebSocket without a byte either way for so long is cut',
  ),
  'proxy.body-limit': optional(
    size('1KiB', '1048576GiB'),
    "none: the application's own",
    'Largest request body passed on to the application; more is 413',
  ),
  'max-connections': setting(
    count(16, 1_000_000),
    '8192',
    'Connections each listener holds at once, within what the system allows; idle ones give way to new ones',
  ),
  'tls-cert': optional(
    filePath,
    'none on loopback addresses; a self-made one elsewhere',
    'Certificate to serve HTTPS with, and whoever vouches for it (PEM)',
  ),
  'tls-key': optional(filePath, 'none', 'The private key of that certificate (PEM); nobody else may read it'),
  tls: optional(
    choice('off'),
    'none: HTTPS wherever there is a certificate, and always on network addresses',
    'Plain HTTP behind listed proxies, on any address',
  ),
  'tls-allowed-dirs': setting(
    listOf(filePath, 'folders'),
    '/etc/pve/local,/etc/letsencrypt',
    'Folders in which certificates are found, and may be chosen from while running',
  ),
  'tls-hook': optional(
    commandLine,
    'none',
    'Command that is run after what is served over TLS has changed; it is told the URLs in its environment',
  ),
  'setup-code': optional(
    secret(16),
    'random, printed at first start and kept in `<data>/setup-code`',
    'Code that the first setup asks for',
  ),
  'step-up-window': setting(duration('1s', '12h'), '5m', 'How long a confirmation is good for'),
  'require-factor': setting(
    choice('none', 'admins', 'everybody'),
    'none',
    'Whose accounts need a second factor; without one they reach no more than it takes to add one',
  ),
  'auth-log': setting(filePath, '<data>/auth.log', 'Failure log, for fail2ban; reopened on SIGHUP'),
  'auth-log-tag': setting(logTag, 'sallyport', 'What the lines of the failure log begin with'),
  'auth-syslog': optional(syslogServer, 'none', 'Syslog server for a copy of the failure log'),
  'root-key-file': setting(filePath, '<data>/root.key', 'Root key of the key ring; made at first start'),
  'service-key-file': setting(
    filePath,
    '<data>/api.key',
    'The service key for tools of this machine; written with mode 0640, in a folder where not everybody may write',
  ),
  'service-key-remote': setting(flag, 'false', 'Accept the service key from other machines, too'),
  'service-key-renew': setting(
    flag,
    'false',
    'A new service key at each start; derived user keys end with the old one',
  ),
  'basic-realm': setting(realmText, 'Sallyport', 'Realm that programs are told when they are asked for Basic'),
  'token-prefix': setting(tokenPrefix, 'spt_', 'How API tokens begin'),
  'ticket-prefix': setting(
    ticketPrefix,
    'SP',
    'How signed tickets begin, and the names of their cookie and headers; `PVE`, `PBS` and `PDM` make their clients work',
  ),
  'cookie-name': setting(cookieStem, 'sallyport', 'Stem of the names of our cookies'),
  'session.account.idle': setting(lifetime, '24h', 'An account session ends after so long without use'),
  'session.account.absolute': setting(lifetime, '30d', 'An account session ends so long after sign-in'),
  'session.account.cap': setting(
    count(1, 10_000),
    '100',
    'Live account sessions of one user and transport; the oldest gives way',
  ),
  'session.admin.idle': setting(duration('1s', '12h'), '1h', 'An admin session ends after so long without use'),
  'session.admin.absolute': setting(lifetime, '12h', 'An admin session ends so long after sign-in'),
  'session.admin.cap': setting(count(1, 10_000), '10', 'Live admin sessions of one user; the oldest gives way'),
  'stale-grace': setting(
    duration('1s', '1m'),
    '5s',
    'How long what is in memory may be answered from without news from the store',
  ),
  'password.memory': setting(size('19MiB', '1GiB'), '19MiB', 'Memory of one password hash (Argon2id)'),
  'password.passes': setting(count(2, 100), '2', 'Passes of one password hash (Argon2id)'),
  'hash-memory': setting(size('19MiB', '64GiB'), '128MiB', 'Memory of all password hashes that run at once'),
  'log-level': setting(choice('error', 'warn', 'info', 'debug'), 'info', 'How much is logged'),
  'device.lifetime': setting(lifetime, '180d', 'How long a browser stays known after a sign-in'),
} as const satisfies Readonly<Record<string, Setting>>;

type Table = typeof settingsTable;
export type SettingName = keyof Table;

export const settingNames = Object.keys(settingsTable) as readonly SettingName[];

/** The entry of a setting, without its type of value. */
export function settingOf(name: SettingName): Setting {
  return settingsTable[name];
}

type ValueOf<Entry> = Entry extends { readonly value: ValueKind<infer T, UnitSuffix> }
  ? Entry extends { readonly kind: 'optional' }
    ? T | null
    : T
  : never;

/** Values by dotted name: what the rules that join settings read. */
export type Values = { readonly [Name in SettingName]: ValueOf<Table[Name]> };

type Camel<Text extends string> = Text extends `${infer Head}-${infer Tail}`
  ? `${Head}${Capitalize<Camel<Tail>>}`
  : Text;
type SuffixOf<Entry> = Entry extends { readonly value: { readonly suffix: infer Suffix extends string } }
  ? Suffix
  : never;
/** `session.account.idle` → `session.account.idleMs`. */
type ByPath = { readonly [Name in SettingName as `${Camel<Name>}${SuffixOf<Table[Name]>}`]: Values[Name] };
type Head<Path> = Path extends `${infer First}.${string}` ? First : Path;
type Nested<Flat> = {
  readonly [Key in Head<keyof Flat> & string]: Key extends keyof Flat
    ? Flat[Key]
    : Nested<{ readonly [Path in keyof Flat as Path extends `${Key}.${infer Rest}` ? Rest : never]: Flat[Path] }>;
};

/** What the program reads: `settings.session.account.idleMs`, `settings.appListen`. Absent optional settings are `null`. */
export type Settings = Nested<ByPath>;

/** Names as `Settings` spells them, with the unit in the last one. */
export function fieldPathOf(name: SettingName): readonly string[] {
  const camel = name.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return `${camel}${settingsTable[name].value.suffix}`.split('.');
}

/** The same values as the program reads them. */
export function nest(values: Values): Settings {
  const root: Record<string, unknown> = {};
  for (const name of settingNames) {
    const path = fieldPathOf(name);
    let group = root;
    for (const part of path.slice(0, -1)) group = (group[part] ??= {}) as Record<string, unknown>;
    group[path.at(-1) ?? name] = values[name];
  }
  // The mapped type `Nested` describes exactly this walk; `schema.test.ts` holds the two together.
  return root as Settings;
}
