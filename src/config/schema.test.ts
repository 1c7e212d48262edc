import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { test } from 'node:test';
import type { Secret } from '../types.ts';
import type { GroupPrivilege, LdapPlace } from './ldap/place.ts';
import type { Listener, Network } from './network-place.ts';
import { loadSettings } from './load.ts';
import type { MailSender, SmtpPlace } from './mail-place.ts';
import { fieldPathOf, settingNames, settingOf, type Settings } from './schema.ts';
import type { DatabasePlace, ValkeyPlace } from './service-place.ts';
import { flagOf, secretFileOf, variableOf } from './spelling.ts';

/** Compiles only while the derived type is exactly this. */
interface Expected {
  readonly data: string;
  readonly listen: Listener;
  readonly publicUrl: string | null;
  readonly upstream: string | null;
  readonly appListen: Listener;
  readonly appUrl: string | null;
  readonly sharedOrigin: boolean;
  readonly opsListen: Listener | null;
  readonly protectedHosts: readonly string[];
  readonly allowOpen: boolean;
  readonly database: DatabasePlace | null;
  readonly databaseCaFile: string | null;
  readonly databaseCertFile: string | null;
  readonly databaseKeyFile: string | null;
  readonly databaseConnections: number;
  readonly databaseTimeoutMs: number;
  readonly valkey: ValkeyPlace | null;
  readonly valkeyCaFile: string | null;
  readonly valkeyCertFile: string | null;
  readonly valkeyKeyFile: string | null;
  readonly valkeyTimeoutMs: number;
  readonly smtp: SmtpPlace | null;
  readonly mailFrom: MailSender | null;
  readonly smtpCaFile: string | null;
  readonly ldap: {
    readonly url: LdapPlace | null;
    readonly starttls: boolean;
    readonly caFile: string | null;
    readonly realm: string;
    readonly bindDn: string | null;
    readonly bindPassword: Secret | null;
    readonly base: string | null;
    readonly userFilter: string;
    readonly nameAttribute: string;
    readonly displayNameAttribute: string;
    readonly emailAttribute: string;
    readonly groupBase: string | null;
    readonly groupFilter: string;
    readonly groupNameAttribute: string;
    readonly groupPrivileges: readonly GroupPrivilege[];
    readonly disabledFilter: string | null;
    readonly timeoutMs: number;
    readonly syncEveryMs: number;
  };
  readonly trustedProxies: readonly Network[];
  readonly forwardedHeader: 'x-forwarded-for' | 'x-real-ip' | 'forwarded';
  readonly proxy: {
    readonly connectTimeoutMs: number;
    readonly answerTimeoutMs: number;
    readonly idleTimeoutMs: number;
    readonly bodyLimitBytes: number | null;
  };
  readonly maxConnections: number;
  readonly tlsCert: string | null;
  readonly tlsKey: string | null;
  readonly tls: 'off' | null;
  readonly tlsAllowedDirs: readonly string[];
  readonly tlsHook: readonly [string, ...string[]] | null;
  readonly setupCode: Secret | null;
  readonly stepUpWindowMs: number;
  readonly requireFactor: 'none' | 'admins' | 'everybody';
  readonly authLog: string;
  readonly authLogTag: string;
  readonly authSyslog: { readonly protocol: 'udp' | 'tcp'; readonly host: string; readonly port: number } | null;
  readonly rootKeyFile: string;
  readonly serviceKeyFile: string;
  readonly serviceKeyRemote: boolean;
  readonly serviceKeyRenew: boolean;
  readonly basicRealm: string;
  readonly tokenPrefix: string;
  readonly ticketPrefix: string;
  readonly cookieName: string;
  readonly session: {
    readonly account: { readonly idleMs: number; readonly absoluteMs: number; readonly cap: number };
    readonly admin: { readonly idleMs: number; readonly absoluteMs: number; readonly cap: number };
  };
  readonly staleGraceMs: number;
  readonly password: { readonly memoryBytes: number; readonly passes: number };
  readonly hashMemoryBytes: number;
  readonly logLevel: 'error' | 'warn' | 'info' | 'debug';
  readonly device: { readonly lifetimeMs: number };
}
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? 'same' : 'different') : 'different';
'same' satisfies Same<Settings, Expected>;

const defaults: Expected = {
  data: resolve('sallyport-data'),
  listen: { kind: 'tcp', host: '127.0.0.1', port: 8420 },
  publicUrl: null,
  upstream: null,
  appListen: { kind: 'tcp', host: '127.0.0.1', port: 8421 },
  appUrl: null,
  sharedOrigin: false,
  opsListen: null,
  protectedHosts: [],
  allowOpen: false,
  database: null,
  databaseCaFile: null,
  databaseCertFile: null,
  databaseKeyFile: null,
  databaseConnections: 10,
  databaseTimeoutMs: 5000,
  valkey: null,
  valkeyCaFile: null,
  valkeyCertFile: null,
  valkeyKeyFile: null,
  valkeyTimeoutMs: 1000,
  smtp: null,
  mailFrom: null,
  smtpCaFile: null,
  ldap: {
    url: null,
    starttls: true,
    caFile: null,
    realm: 'ldap',
    bindDn: null,
    bindPassword: null,
    base: null,
    userFilter: '(uid={name})',
    nameAttribute: 'uid',
    displayNameAttribute: 'cn',
    emailAttribute: 'mail',
    groupBase: null,
    groupFilter: '(|(member={dn})(uniqueMember={dn})(memberUid={name}))',
    groupNameAttribute: 'cn',
    groupPrivileges: [],
    disabledFilter: null,
    timeoutMs: 5000,
    syncEveryMs: 15 * 60_000,
  },
  trustedProxies: [],
  forwardedHeader: 'x-forwarded-for',
  proxy: { connectTimeoutMs: 10_000, answerTimeoutMs: 300_000, idleTimeoutMs: 3_600_000, bodyLimitBytes: null },
  maxConnections: 8192,
  tlsCert: null,
  tlsKey: null,
  tls: null,
  tlsAllowedDirs: ['/etc/pve/local', '/etc/letsencrypt'],
  tlsHook: null,
  setupCode: null,
  stepUpWindowMs: 5 * 60_000,
  requireFactor: 'none',
  authLog: resolve('sallyport-data/auth.log'),
  authLogTag: 'sallyport',
  authSyslog: null,
  rootKeyFile: resolve('sallyport-data/root.key'),
  serviceKeyFile: resolve('sallyport-data/api.key'),
  serviceKeyRemote: false,
  serviceKeyRenew: false,
  basicRealm: 'Sallyport',
  tokenPrefix: 'spt_',
  ticketPrefix: 'SP',
  cookieName: 'sallyport',
  session: {
    account: { idleMs: 24 * 3_600_000, absoluteMs: 30 * 86_400_000, cap: 100 },
    admin: { idleMs: 3_600_000, absoluteMs: 12 * 3_600_000, cap: 10 },
  },
  staleGraceMs: 5000,
  password: { memoryBytes: 19 * 1024 ** 2, passes: 2 },
  hashMemoryBytes: 128 * 1024 ** 2,
  logLevel: 'info',
  device: { lifetimeMs: 180 * 86_400_000 },
};

test('defaults are those of the specification', () => {
  const loaded = loadSettings({ argv: [], env: {}, readFile: () => ({ kind: 'missing' }) });
  assert.ok(loaded.kind === 'settings');
  assert.deepEqual(loaded.settings, defaults);
  assert.deepEqual(loaded.warnings, []);
  assert.ok(Object.values(loaded.origins).every(({ kind }) => kind === 'default'));
});

test('no two settings share a spelling', () => {
  const names = settingNames.flatMap((name) =>
    settingOf(name).value.writing === 'secret' ? [name, secretFileOf(name)] : [name],
  );
  const all = [...names, 'config'];
  for (const spell of [flagOf, variableOf]) assert.equal(new Set(all.map(spell)).size, all.length);
  assert.equal(new Set(settingNames.map((name) => fieldPathOf(name).join('.'))).size, settingNames.length);
});

test('names can be written in all three spellings', () => {
  for (const name of settingNames) assert.match(name, /^[a-z]+(?:[.-][a-z]+)*$/);
});

test('every setting says what it is for and how it is written', () => {
  for (const name of settingNames) {
    const { meaning, value } = settingOf(name);
    assert.match(meaning, /^[A-Z][^\n]{8,}[^.\n]$/, name);
    assert.notEqual(value.form, '', name);
  }
});
