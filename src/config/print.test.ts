import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadSettings, type SettingsInForce } from './load.ts';
import { noticeLine, printSettings, settingsReference } from './print.ts';
import { settingNames, settingOf } from './schema.ts';
import { flagOf, variableOf } from './spelling.ts';

const secretText = 'correct-horse-battery-staple';

function inForce(argv: readonly string[], env: Readonly<Record<string, string>>, file: string): SettingsInForce {
  const loaded = loadSettings({
    argv: ['--config', '/etc/sallyport.toml', ...argv],
    env,
    readFile: (path) => ({ kind: 'text', text: path === '/etc/sallyport.toml' ? file : secretText }),
  });
  assert.ok(loaded.kind === 'settings');
  return loaded;
}

const loaded = inForce(
  ['--data', '/srv/s', '--setup-code-file', '/run/code'],
  { SALLYPORT_TRUSTED_PROXIES: '10.0.0.1, fd00::/8', SALLYPORT_TYPO: '1' },
  '[session.account]\nidle = "90m"',
);

test('what is in force and from where, aligned', () => {
  const lines = printSettings(loaded).text.split('\n');
  assert.equal(lines.length, settingNames.length + 1);
  const line = (name: string): string | undefined =>
    lines.find((each) => each.startsWith(`${name} `))?.replaceAll(/ {2,}/g, ' | ');
  assert.equal(line('data'), 'data | /srv/s | --data');
  assert.equal(line('root-key-file'), 'root-key-file | /srv/s/root.key | default');
  assert.equal(line('session.account.idle'), 'session.account.idle | 90m | /etc/sallyport.toml (session.account.idle)');
  assert.equal(line('session.account.absolute'), 'session.account.absolute | 30d | default');
  assert.equal(line('trusted-proxies'), 'trusted-proxies | 10.0.0.1,fd00::/8 | SALLYPORT_TRUSTED_PROXIES');
  assert.equal(line('upstream'), 'upstream | (none) | default');
  assert.equal(line('public-url'), 'public-url | (from the listener) | default');
  assert.equal(line('setup-code'), 'setup-code | (set) | --setup-code-file');
  const values = lines.slice(0, -1).map((each) => each.search(/(?<= {2})\S/));
  assert.equal(new Set(values).size, 1);
});

test('the same as data', () => {
  const { settings, warnings } = printSettings(loaded).data;
  const about = (name: string): unknown => settings.find(({ setting }) => setting === name);
  assert.deepEqual(about('session.account.idle'), {
    setting: 'session.account.idle',
    value: '90m',
    from: 'file',
    spelling: 'session.account.idle',
    path: '/etc/sallyport.toml',
  });
  assert.deepEqual(about('upstream'), { setting: 'upstream', value: null, from: 'default' });
  assert.deepEqual(about('setup-code'), {
    setting: 'setup-code',
    value: '(set)',
    from: 'flag',
    spelling: '--setup-code-file',
  });
  assert.equal(warnings.length, 1);
});

test('secrets are not printed', () => {
  const printed = printSettings(loaded);
  assert.doesNotMatch(printed.text + JSON.stringify(printed.data), /correct-horse/);
  assert.equal(loaded.settings.setupCode, secretText);
});

test('what is printed can be given again', () => {
  const again = printSettings(loaded).data.settings.filter(
    ({ value, setting }) => value !== null && setting !== 'setup-code',
  );
  const reloaded = inForce(
    again.map(({ setting, value }) => `${flagOf(setting)}=${value}`),
    {},
    '',
  );
  assert.deepEqual({ ...reloaded.values, 'setup-code': null }, { ...loaded.values, 'setup-code': null });
});

test('a notice is one line under the name the user wrote', () => {
  assert.equal(noticeLine({ setting: '--data', source: 'flag', message: 'given twice' }), '--data (flag): given twice');
  assert.equal(noticeLine({ setting: '/a.toml', source: '/a.toml', message: 'line 1' }), '/a.toml: line 1');
});

test('the reference has a row for every setting, under all its spellings', () => {
  const rows = settingsReference().trimEnd().split('\n').slice(2);
  assert.equal(rows.length, settingNames.length);
  for (const [index, name] of settingNames.entries()) {
    const row = rows[index] ?? '';
    for (const spelling of [name, flagOf(name), variableOf(name)])
      assert.ok(row.includes(`\`${spelling}\``), `${name}: ${spelling}`);
    assert.equal(row.replaceAll(String.raw`\|`, '').split('|').length, 8, name);
    const setting = settingOf(name);
    if (setting.kind === 'with-default')
      assert.ok(row.replaceAll(String.raw`\|`, '|').includes(setting.byDefault), name);
  }
  assert.match(settingsReference(), /`SALLYPORT_SETUP_CODE_FILE`/);
});
