import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type Loaded, loadSettings } from './load.ts';

function load(line: string): Loaded {
  return loadSettings({ argv: line === '' ? [] : line.split(' '), env: {}, readFile: () => ({ kind: 'missing' }) });
}

interface Row {
  readonly fine: string;
  readonly refused: string;
  /** Who is told, and what. */
  readonly setting: string;
  readonly message: RegExp;
}

const problems: readonly Row[] = [
  {
    fine: '--session-account-idle 2h --session-account-absolute 2h',
    refused: '--session-account-idle 2h --session-account-absolute 1h',
    setting: '--session-account-idle',
    message: /session\.account\.idle \(2h\) must not be longer than session\.account\.absolute \(1h\)/,
  },
  {
    fine: '--session-admin-absolute 1h',
    refused: '--session-admin-absolute 59m',
    setting: '--session-admin-absolute',
    message: /session\.admin\.idle \(1h\) must not be longer/,
  },
  {
    fine: '--hash-memory 64MiB --password-memory 64MiB',
    refused: '--hash-memory 64MiB --password-memory 65MiB',
    setting: '--hash-memory',
    message: /must hold at least one hash of password\.memory \(65MiB\)/,
  },
  {
    fine: '--public-url http://localhost:1',
    refused: '--public-url http://nas.home',
    setting: '--public-url',
    message: /must be an https:\/\/ URL/,
  },
  {
    fine: '--app-url http://[::1]:1',
    refused: '--app-url http://[::2]:1',
    setting: '--app-url',
    message: /must be an https:\/\/ URL/,
  },
  {
    fine: '--protected-hosts https://a.home,http://b.localhost',
    refused: '--protected-hosts https://a.home,http://b.home',
    setting: '--protected-hosts',
    message: /must be an https:\/\/ URL/,
  },
  {
    fine: '--tls-cert /a.pem --tls-key /a.key --listen 0.0.0.0:1',
    refused: '--tls-cert /a.pem',
    setting: '--tls-cert',
    message: /given together/,
  },
  {
    fine: '--tls off --trusted-proxies 10.0.0.1 --listen 0.0.0.0:1',
    refused: '--tls off --trusted-proxies 10.0.0.1 --tls-cert /a.pem --tls-key /a.key',
    setting: '--tls-cert',
    message: /reverse proxy in front has the certificate/,
  },
  {
    fine: '--tls off --trusted-proxies 10.0.0.1',
    refused: '--tls off',
    setting: '--tls',
    message: /only with trusted-proxies/,
  },
  {
    fine: '--upstream http://127.0.0.1:3000 --shared-origin',
    refused: '--shared-origin',
    setting: '--shared-origin',
    message: /needs upstream/,
  },
  {
    fine: '--upstream http://a:1 --listen 127.0.0.1:0 --app-listen 127.0.0.1:0',
    refused: '--upstream http://a:1 --listen 127.0.0.1:8421',
    setting: '--listen',
    message: /are the same address/,
  },
  {
    fine: '--upstream http://a:1 --listen unix:/a --app-listen unix:/b',
    refused: '--upstream http://a:1 --listen unix:/a --app-listen unix:/a',
    setting: '--app-listen',
    message: /are the same address/,
  },
  {
    fine: '--public-url https://a.home --app-url https://b.home',
    refused: '--public-url https://a.home --app-url https://A.home:443',
    setting: '--app-url',
    message: /the console's own origin/,
  },
  {
    fine: '--smtp smtp://127.0.0.1 --mail-from a@b',
    refused: '--smtp smtp://127.0.0.1',
    setting: '--smtp',
    message: /needs mail-from/,
  },
  {
    fine: '--smtp smtp://mail.home --mail-from a@b --smtp-ca-file /a.pem',
    refused: '--smtp smtp://localhost --mail-from a@b --smtp-ca-file /a.pem',
    setting: '--smtp-ca-file',
    message: /without TLS/,
  },
  {
    fine: '--smtp smtps://localhost --mail-from a@b --smtp-ca-file /a.pem',
    refused: '--smtp-ca-file /a.pem',
    setting: '--smtp-ca-file',
    message: /no effect without smtp/,
  },
  ...['--root-key-file /srv/s/x --service-key-file /srv/s/x', '--auth-log /srv/s/x --service-key-file /srv/s/./x'].map(
    (refused): Row => ({
      fine: '--service-key-file /srv/s/x',
      refused,
      setting: '--service-key-file',
      message: /needs one of its own/,
    }),
  ),
  ...['root.key', 'sallyport.db', 'setup-code'].map((name): Row => ({
    fine: '--data /srv/s --service-key-file /srv/s/x',
    refused: `--data /srv/s --service-key-file /srv/s/${name}`,
    setting: '--service-key-file',
    message: /needs one of its own/,
  })),
];

suite('rules that join settings', () => {
  for (const { fine, refused, setting, message } of problems) {
    test(`${fine} — but not ${refused}`, () => {
      assert.equal(load(fine).kind, 'settings');
      const loaded = load(refused);
      assert.ok(loaded.kind === 'refused');
      assert.deepEqual(
        loaded.problems.map((problem) => [problem.setting, problem.source]),
        [[setting, 'flag']],
      );
      assert.match(loaded.problems[0]?.message ?? '', message);
    });
  }

  test('a broken value is told once, without rules that read it', () => {
    const loaded = load('--session-admin-idle 13h --session-admin-absolute 1m');
    assert.deepEqual(loaded.kind === 'refused' ? loaded.problems.map(({ setting }) => setting) : [], [
      '--session-admin-idle',
    ]);
  });
});

const warnings: readonly Omit<Row, 'setting'>[] = [
  {
    fine: '--forwarded-header X-Real-IP --trusted-proxies 10.0.0.1',
    refused: '--forwarded-header X-Real-IP',
    message: /no effect without trusted-proxies/,
  },
  {
    fine: '--upstream http://a:1',
    refused: '--upstream http://a:1 --shared-origin',
    message: /can act as whoever is signed in/,
  },
  { fine: '', refused: '--mail-from a@b', message: /no effect without smtp/ },
  { fine: '--trusted-proxies 0.0.0.0/1', refused: '--trusted-proxies 10.0.0.1,0.0.0.0/0', message: /everybody choose/ },
];

suite('rules that only warn', () => {
  for (const { fine, refused, message } of warnings) {
    test(`${fine} — with a warning ${refused}`, () => {
      const [quiet, warned] = [load(fine), load(refused)];
      assert.ok(quiet.kind === 'settings' && warned.kind === 'settings');
      assert.deepEqual(quiet.warnings, []);
      assert.equal(warned.warnings.length, 1);
      assert.match(warned.warnings[0]?.message ?? '', message);
    });
  }
});
