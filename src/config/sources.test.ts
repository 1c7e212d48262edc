import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { flags, type Given, inData, load, secretText, told, toml } from './load-fixture.ts';
import type { Settings } from './schema.ts';

interface AcceptedRow {
  readonly given: Given;
  readonly read: (settings: Settings) => unknown;
  readonly is: unknown;
}
interface RefusedRow {
  readonly given: Given;
  /** One pattern a problem, in order. */
  readonly problems: readonly RegExp[];
}

/** Each accepting row with its refusing twin. */
const twins: Readonly<Record<string, readonly [AcceptedRow, RefusedRow]>> = {
  'a flag with its value behind it': [
    { given: flags('--session-account-idle 2h'), read: (s) => s.session.account.idleMs, is: 7_200_000 },
    {
      given: flags('--session-account-idle'),
      problems: [/^--session-account-idle @ flag: has no value; expected .*unit of time/],
    },
  ],
  'a flag with its value in it': [
    { given: flags('--log-level=debug'), read: (s) => s.logLevel, is: 'debug' },
    { given: flags('--log-level='), problems: [/^--log-level @ flag: expected one of `error`/] },
  ],
  'a flag that is followed by another': [
    { given: flags('--data /a --cookie-name b'), read: (s) => [s.data, s.cookieName], is: ['/a', 'b'] },
    { given: flags('--data --cookie-name b'), problems: [/^--data @ flag: has no value; expected a path/] },
  ],
  'a flag given once': [
    { given: flags('--cookie-name a'), read: (s) => s.cookieName, is: 'a' },
    { given: flags('--cookie-name a --cookie-name=b'), problems: [/^--cookie-name @ flag: given twice/] },
  ],
  'true and false': [
    {
      given: flags('--allow-open --shared-origin false'),
      read: (s) => [s.allowOpen, s.sharedOrigin],
      is: [true, false],
    },
    { given: flags('--allow-open yes'), problems: [/^argument 2 @ flag: not a flag/] },
  ],
  'no turning off by another name': [
    { given: flags('--allow-open=false'), read: (s) => s.allowOpen, is: false },
    {
      given: flags('--no-allow-open'),
      problems: [/^--no-allow-open @ flag: unknown flag\. Did you mean --allow-open\?/],
    },
  ],
  'one spelling a flag': [
    {
      given: flags('--app-listen 127.0.0.1:1'),
      read: (s) => s.appListen,
      is: { kind: 'tcp', host: '127.0.0.1', port: 1 },
    },
    {
      given: flags('--app_listen 127.0.0.1:1'),
      problems: [/^--app_listen @ flag: unknown flag\. Did you mean --app-listen\?/],
    },
  ],
  'flags only': [
    { given: { argv: [] }, read: (s) => s.cookieName, is: 'sallyport' },
    { given: flags('serve -- -x'), problems: [/^argument 1 @/, /^argument 2 @/, /^argument 3 @/] },
  ],
  'a variable': [
    { given: { env: { SALLYPORT_SESSION_ADMIN_IDLE: '30m' } }, read: (s) => s.session.admin.idleMs, is: 1_800_000 },
    {
      given: { env: { SALLYPORT_SESSION_ADMIN_IDLE: '13h' } },
      problems: [
        /^SALLYPORT_SESSION_ADMIN_IDLE @ environment: expected .* from 1s to 12h \(more than 12h\); given: "13h"$/,
      ],
    },
  ],
  'an empty variable is a value': [
    {
      given: { env: { SALLYPORT_TRUSTED_PROXIES: '' }, ...toml('trusted-proxies = ["10.0.0.1"]') },
      read: (s) => s.trustedProxies,
      is: [],
    },
    { given: { env: { SALLYPORT_UPSTREAM: '' } }, problems: [/^SALLYPORT_UPSTREAM @ environment: expected an origin/] },
  ],
  'a table in the file': [
    {
      given: toml('[session.account]\nidle = "2h"\ncap = 7'),
      read: (s) => [s.session.account.idleMs, s.session.account.cap],
      is: [7_200_000, 7],
    },
    {
      given: toml('[session.account]\nidle = 2\ncap = 7.5'),
      problems: [
        /^session\.account\.idle @ .*sallyport\.toml: expected .*unit of time/,
        /^session\.account\.cap @ .*: expected .*; given: "7\.5"/,
      ],
    },
  ],
  'dashes and underscores in the file': [
    {
      given: toml('app_listen = "127.0.0.1:1"'),
      read: (s) => s.appListen,
      is: { kind: 'tcp', host: '127.0.0.1', port: 1 },
    },
    {
      given: toml('app_listen = "127.0.0.1:1"\napp-listen = "127.0.0.1:1"'),
      problems: [/^app-listen @ .*: given twice/],
    },
  ],
  'lists in the file': [
    {
      given: toml('protected-hosts = ["https://a.home", "https://b.home/"]'),
      read: (s) => s.protectedHosts,
      is: ['https://a.home', 'https://b.home'],
    },
    {
      given: toml('protected-hosts = ["https://a.home,https://b.home"]'),
      problems: [/^protected-hosts @ .*: expected a comma-separated list/],
    },
  ],
  'lists as text in the file': [
    {
      given: toml('protected-hosts = "https://a.home, https://b.home"'),
      read: (s) => s.protectedHosts,
      is: ['https://a.home', 'https://b.home'],
    },
    { given: toml('protected-hosts = ["https://a.home", 1]'), problems: [/^protected-hosts @ /] },
  ],
  'true and false in the file': [
    { given: toml('allow-open = true'), read: (s) => s.allowOpen, is: true },
    { given: toml('allow-open = 1'), problems: [/^allow-open @ .*: expected `true` or `false`/] },
  ],
  'tables where tables belong': [
    { given: toml('device.lifetime = "30d"'), read: (s) => s.device.lifetimeMs, is: 30 * 86_400_000 },
    {
      given: toml('device = 2030-01-01\nsession = "24h"\n[listen]\nport = 1'),
      problems: [
        /^device @ .*: expected a table: \[device\]/,
        /^session @ .*: expected a table/,
        /^listen @ .*: expected an address/,
      ],
    },
  ],
  'known names in the file': [
    { given: toml('cookie-name = "a"'), read: (s) => s.cookieName, is: 'a' },
    {
      given: toml('cokie-name = "a"\n"session.account.idle" = "1h"\nconfig = "x"'),
      problems: [
        /^cokie-name @ .*: unknown setting\. Did you mean cookie-name\?/,
        /^session\.account\.idle @ .*: unknown setting/,
        /^config @ /,
      ],
    },
  ],
  'a file that is TOML': [
    { given: toml('# nothing\n'), read: (s) => s.cookieName, is: 'sallyport' },
    {
      given: toml(`cookie-name = "a"\nsetup-code = "${secretText}`),
      problems: [/sallyport\.toml: line 2, column \d+: Invalid TOML document: /],
    },
  ],
  'a named file': [
    {
      given: { argv: ['--config', '/etc/s.toml'], files: { '/etc/s.toml': 'data = "/srv/s"' } },
      read: (s) => [s.data, s.rootKeyFile],
      is: ['/srv/s', '/srv/s/root.key'],
    },
    { given: { argv: ['--config', '/etc/s.toml'] }, problems: [/^--config @ flag: there is no file \/etc\/s\.toml/] },
  ],
  'a named file, by variable': [
    {
      given: { env: { SALLYPORT_CONFIG: '/etc/s.toml' }, files: { '/etc/s.toml': '', [inData]: 'nonsense' } },
      read: (s) => s.cookieName,
      is: 'sallyport',
    },
    {
      given: { env: { SALLYPORT_CONFIG: '/etc/s.toml' }, files: { '/etc/s.toml': 'EACCES' } },
      problems: [/^SALLYPORT_CONFIG @ environment: cannot read \/etc\/s\.toml \(EACCES\)/],
    },
  ],
  'the file in the data folder': [
    {
      given: { argv: ['--data=/srv/s'], files: { '/srv/s/sallyport.toml': 'cookie-name = "a"' } },
      read: (s) => [s.data, s.cookieName],
      is: ['/srv/s', 'a'],
    },
    { given: toml('EACCES'), problems: [/sallyport\.toml: cannot read .*EACCES/] },
  ],
  'the data folder is named outside of its file': [
    { given: { env: { SALLYPORT_DATA: '/srv/s' } }, read: (s) => s.data, is: '/srv/s' },
    { given: toml('data = "/srv/s"'), problems: [/^data @ .*: the file was found in the data folder/] },
  ],
  'a secret': [
    { given: { env: { SALLYPORT_SETUP_CODE: secretText } }, read: (s) => s.setupCode, is: secretText },
    {
      given: { env: { SALLYPORT_SETUP_CODE: 'too-short-a-one' } },
      problems: [/^SALLYPORT_SETUP_CODE @ environment: expected 16 to 256 characters in one line$/],
    },
  ],
  'a secret in a file': [
    {
      given: { env: { SALLYPORT_SETUP_CODE_FILE: '/run/code' }, files: { '/run/code': `${secretText}\n` } },
      read: (s) => s.setupCode,
      is: secretText,
    },
    {
      given: { env: { SALLYPORT_SETUP_CODE_FILE: '/run/code' } },
      problems: [/^SALLYPORT_SETUP_CODE_FILE @ environment: there is no file \/run\/code/],
    },
  ],
  'a secret in one form': [
    {
      given: {
        ...toml('setup_code_file = "/run/code"'),
        files: { [inData]: 'setup_code_file = "/run/code"', '/run/code': `${secretText}\r\n` },
      },
      read: (s) => s.setupCode,
      is: secretText,
    },
    {
      given: {
        env: { SALLYPORT_SETUP_CODE: secretText, SALLYPORT_SETUP_CODE_FILE: '/run/code' },
        files: { '/run/code': secretText },
      },
      problems: [/^SALLYPORT_SETUP_CODE @ environment: given as a value and as a file; keep one$/],
    },
  ],
};

for (const [name, [good, bad]] of Object.entries(twins)) {
  suite(name, () => {
    test('accepted', () => {
      const loaded = load(good.given);
      assert.ok(loaded.kind === 'settings', told(loaded).join('\n'));
      assert.deepEqual(good.read(loaded.settings), good.is);
    });
    test('refused', () => {
      const loaded = load(bad.given);
      assert.equal(loaded.kind, 'refused');
      const lines = told(loaded);
      assert.equal(lines.length, bad.problems.length, lines.join('\n'));
      for (const [index, pattern] of bad.problems.entries()) assert.match(lines[index] ?? '', pattern);
    });
  });
}
