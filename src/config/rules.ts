/**
 * Rules that join settings (2-http-api, 1. Starting; 3-rules). Each names what it reads and is left out while one of
 * those has a problem of its own, so that one mistake is told once. Pure.
 */
import { join } from 'node:path';
import { reachOf } from './network-place.ts';
import { formatDuration, formatSize } from './quantity.ts';
import { ldapRules } from './ldap/rules.ts';
import type { Values } from './schema.ts';
import { reachOfPlace } from './service-place.ts';
import { fine, problem, type Rule, warning } from './table/rule.ts';

function idleWithinAbsolute(kind: 'account' | 'admin'): Rule {
  const [idle, absolute] = [`session.${kind}.idle`, `session.${kind}.absolute`] as const;
  return {
    reads: [idle, absolute],
    check: (values) =>
      values[idle] <= values[absolute]
        ? fine
        : problem(
            `${idle} (${formatDuration(values[idle])}) must not be longer than ${absolute} (${formatDuration(values[absolute])})`,
          ),
  };
}

/** A sign-in cookie is never handed out over plain HTTP away from loopback (2-http-api, 3). */
function plainHttpOnlyOnLoopback(
  name: 'public-url' | 'app-url' | 'protected-hosts',
  urlsOf: (values: Values) => readonly string[],
): Rule {
  return {
    reads: [name],
    check: (values) =>
      urlsOf(values).every(
        (url) => url.startsWith('https:') || reachOf(new URL(url).hostname.replaceAll(/[[\]]/g, '')) === 'machine',
      )
        ? fine
        : problem(`${name} must be an https:// URL: passwords and cookies never cross a network in plain HTTP`),
  };
}

/** TLS files say something only where TLS is spoken, and a certificate and its key come together. */
function tlsFilesFit(service: 'database' | 'valkey'): Rule {
  const [ca, cert, key] = [`${service}-ca-file`, `${service}-cert-file`, `${service}-key-file`] as const;
  return {
    reads: [ca, cert, key, service],
    check: (values) => {
      const given = [ca, cert, key].find((name) => values[name] !== null);
      if (given === undefined) return fine;
      const place = values[service];
      if (place === null) return problem(`${given} has no effect without ${service}`);
      if (place.tls === 'off') return problem(`${given} has no effect: ${service} is spoken to without TLS`);
      return (values[cert] === null) === (values[key] === null)
        ? fine
        : problem(`${cert} and ${key} are given together`);
    },
  };
}

function needless(
  name: 'database-connections' | 'database-timeout' | 'valkey-timeout',
  service: 'database' | 'valkey',
): Rule {
  return {
    reads: [name, service],
    check: (values, standings) =>
      standings[name] === 'given' && values[service] === null
        ? warning(`${name} has no effect without ${service}`)
        : fine,
  };
}

function passwordInTheClear(service: 'database' | 'valkey'): Rule {
  return {
    reads: [service],
    check: (values) => {
      const place = values[service];
      return place === null || place.tls === 'verify' || reachOfPlace(place) === 'machine'
        ? fine
        : warning(
            `${service} is spoken to in the clear: whoever is on the network between can read and change what is sent`,
          );
    },
  };
}

/** Mails need a sender, and links in them a place that their readers can reach. */
const mail: readonly Rule[] = [
  {
    reads: ['smtp', 'mail-from'],
    check: (values) =>
      values.smtp !== null && values['mail-from'] === null
        ? problem('smtp needs mail-from: mails come from somebody')
        : fine,
  },
  {
    reads: ['mail-from', 'smtp'],
    check: (values) =>
      values['mail-from'] !== null && values.smtp === null ? warning('mail-from has no effect without smtp') : fine,
  },
  {
    reads: ['smtp-ca-file', 'smtp'],
    check: (values) => {
      if (values['smtp-ca-file'] === null) return fine;
      if (values.smtp === null) return problem('smtp-ca-file has no effect without smtp');
      return values.smtp.tls === 'off' ? problem('smtp-ca-file has no effect: smtp is spoken to without TLS') : fine;
    },
  },
  {
    reads: ['smtp', 'public-url'],
    check: (values) =>
      values.smtp !== null && values['public-url'] === null
        ? warning('links in mails lead to the listener: set public-url to where browsers reach the console')
        : fine,
  },
];

/** It is replaced by what is written there, and a root key that is gone takes all that was sealed with it. */
const serviceKeyAlone: Rule = {
  reads: ['service-key-file', 'root-key-file', 'auth-log', 'data'],
  check: (values) => {
    const path = values['service-key-file'];
    const kept = ['sallyport.db', 'sallyport.db-wal', 'owner.lock', 'setup-code', 'sallyport.toml'];
    const others = [values['root-key-file'], values['auth-log'], ...kept.map((name) => join(values.data, name))];
    return others.includes(path)
      ? problem('service-key-file is the place of another file of ours; the service key needs one of its own')
      : fine;
  },
};

export const rules: readonly Rule[] = [
  ...mail,
  ...ldapRules,
  serviceKeyAlone,
  {
    reads: ['valkey', 'database'],
    check: (values) =>
      values.valkey !== null && values.database === null
        ? problem('valkey needs database: with SQLite one process is alone and shares nothing')
        : fine,
  },
  needless('database-connections', 'database'),
  needless('database-timeout', 'database'),
  needless('valkey-timeout', 'valkey'),
  tlsFilesFit('database'),
  tlsFilesFit('valkey'),
  passwordInTheClear('database'),
  passwordInTheClear('valkey'),
  idleWithinAbsolute('account'),
  idleWithinAbsolute('admin'),
  {
    reads: ['hash-memory', 'password.memory'],
    check: (values) => {
      const [all, one] = [values['hash-memory'], values['password.memory']];
      return all >= one
        ? fine
        : problem(
            `hash-memory (${formatSize(all)}) must hold at least one hash of password.memory (${formatSize(one)})`,
          );
    },
  },
  {
    reads: ['app-listen', 'listen', 'upstream', 'shared-origin'],
    check: (values) => {
      if (values.upstream === null || values['shared-origin']) return fine;
      const [console, app] = [values.listen, values['app-listen']];
      const same =
        console.kind === 'unix'
          ? app.kind === 'unix' && app.path === console.path
          : app.kind === 'tcp' && app.host === console.host && app.port === console.port && app.port !== 0;
      return same ? problem('app-listen and listen are the same address; the application needs one of its own') : fine;
    },
  },
  {
    reads: ['tls', 'trusted-proxies'],
    check: (values) =>
      values.tls === 'off' && values['trusted-proxies'].length === 0
        ? problem('tls = off is accepted only with trusted-proxies: list the reverse proxy in front')
        : fine,
  },
  {
    reads: ['tls-cert', 'tls-key'],
    check: (values) =>
      (values['tls-cert'] === null) === (values['tls-key'] === null)
        ? fine
        : problem('tls-cert and tls-key are given together'),
  },
  {
    reads: ['tls-cert', 'tls'],
    check: (values) =>
      values['tls-cert'] !== null && values.tls === 'off'
        ? problem('tls-cert has no effect: tls is off, and the reverse proxy in front has the certificate')
        : fine,
  },
  {
    reads: ['tls-hook', 'tls'],
    check: (values) =>
      values['tls-hook'] !== null && values.tls === 'off' ? warning('tls-hook has no effect: tls is off') : fine,
  },
  {
    reads: ['shared-origin', 'upstream'],
    check: (values) =>
      values['shared-origin'] && values.upstream === null
        ? problem('shared-origin needs upstream: there is no application to share with')
        : fine,
  },
  {
    reads: ['shared-origin', 'upstream'],
    check: (values) =>
      values['shared-origin'] && values.upstream !== null
        ? warning(
            "the application runs on the console's origin and can act as whoever is signed in; every change of credentials takes the password",
          )
        : fine,
  },
  {
    reads: ['app-url', 'public-url', 'shared-origin'],
    check: (values) =>
      values['app-url'] !== null && values['app-url'] === values['public-url'] && !values['shared-origin']
        ? problem(
            "app-url is the console's own origin (public-url); give the application another, or set shared-origin",
          )
        : fine,
  },
  plainHttpOnlyOnLoopback('public-url', (values) => (values['public-url'] === null ? [] : [values['public-url']])),
  plainHttpOnlyOnLoopback('app-url', (values) => (values['app-url'] === null ? [] : [values['app-url']])),
  plainHttpOnlyOnLoopback('protected-hosts', (values) => values['protected-hosts']),
  {
    reads: ['setup-code'],
    check: (values) =>
      values['setup-code'] === null || values['setup-code'].replaceAll(/[^A-Za-z0-9]/g, '').length >= 16
        ? fine
        : problem('setup-code needs at least 16 letters or digits; dashes and other signs do not count'),
  },
  {
    reads: ['forwarded-header', 'trusted-proxies'],
    check: (values, standings) =>
      standings['forwarded-header'] === 'given' && values['trusted-proxies'].length === 0
        ? warning('forwarded-header has no effect without trusted-proxies')
        : fine,
  },
  {
    reads: ['trusted-proxies'],
    check: (values) =>
      values['trusted-proxies'].some(({ prefix }) => prefix === 0)
        ? warning('a network with prefix 0 lets everybody choose the address they are known by')
        : fine,
  },
];
