/**
 * A directory of the test's own: Debian's slapd in a temporary folder, on loopback, in the clear, with StartTLS and with TLS.
 * Whoever is not `reader` sees nobody, and passwords of fewer than 12 characters are not taken from their owners.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Attribute, Change, Client } from 'ldapts';
import { type Authority, makeAuthority } from './certificates.ts';
import { need } from './debian.ts';
import { freePort } from './free-port.ts';
import { temporaryFolder } from './server.ts';

export const suffix = 'dc=corp,dc=test';
export const people = `ou=people,${suffix}`;
export const groups = `ou=groups,${suffix}`;
const root = { dn: `cn=root,${suffix}`, password: 'root-of-the-directory' };
const reader = { dn: `cn=reader,${suffix}`, password: 'reads-the-directory' };

export interface TestDirectory {
  readonly authority: Authority;
  readonly ports: { readonly ldap: number; readonly ldaps: number };
  readonly folder: string;
  /** Settings of a server that asks it, over TLS. */
  readonly env: Readonly<Record<string, string>>;
  /** An entry of somebody, by `uid`. */
  person(uid: string, password: string, more?: Readonly<Record<string, string | readonly string[]>>): Promise<string>;
  group(cn: string, members: readonly string[]): Promise<void>;
  add(dn: string, attributes: Readonly<Record<string, string | readonly string[]>>): Promise<void>;
  /** In place of what was there; none takes it away. */
  change(dn: string, attribute: string, values: readonly string[]): Promise<void>;
  delete(dn: string): Promise<void>;
  /** How often that was asked of it so far: `BIND dn="…"`, `SRCH base="…"`. */
  asked(what: string): number;
  stop(): Promise<void>;
  /** With another certificate, where one is given. */
  start(files?: { readonly cert: string; readonly key: string }): Promise<void>;
  suspend(): void;
  resume(): void;
  /** Ends it and takes all of it away. */
  remove(): Promise<void>;
}

export async function startSlapd(): Promise<TestDirectory> {
  const slapd = await need('slapd', 'slapd');
  const folder = await temporaryFolder();
  const authority = await makeAuthority(folder, 'directory-authority');
  const good = authority.issue('directory', 'IP:127.0.0.1,DNS:localhost');
  const ports = { ldap: await freePort(), ldaps: await freePort() };
  mkdirSync(join(folder, 'data'));
  const log = join(folder, 'log');
  writeFileSync(log, '');
  let child: ChildProcess | undefined;

  const write = (files: { readonly cert: string; readonly key: string }): void =>
    writeFileSync(join(folder, 'slapd.conf'), configuration(folder, files));

  const asRoot = async <T>(work: (client: Client) => Promise<T>): Promise<T> => {
    const client = new Client({ url: `ldap://127.0.0.1:${ports.ldap}`, timeout: 10_000, connectTimeout: 10_000 });
    try {
      await client.bind(root.dn, root.password);
      return await work(client);
    } finally {
      await client.unbind();
    }
  };

  const start = async (files = good): Promise<void> => {
    write(files);
    const out = openSync(log, 'a');
    const urls = `ldap://127.0.0.1:${ports.ldap}/ ldaps://127.0.0.1:${ports.ldaps}/`;
    const started = spawn(slapd, ['-d', 'stats', '-f', join(folder, 'slapd.conf'), '-h', urls], {
      cwd: folder,
      stdio: ['ignore', out, out],
    });
    closeSync(out);
    started.unref();
    child = started;
    for (let tried = 0; tried < 400; tried += 1) {
      if (started.exitCode !== null) throw new Error(`slapd ended: ${readFileSync(log, 'utf8').slice(-2000)}`);
      try {
        await asRoot(() => Promise.resolve());
        return;
      } catch {
        await pause(25);
      }
    }
    throw new Error(`slapd was not ready in time: ${readFileSync(log, 'utf8').slice(-2000)}`);
  };
  const stop = async (): Promise<void> => {
    const running = child;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const ended = new Promise((resolve) => running.once('exit', resolve));
    running.ref();
    running.kill('SIGCONT');
    running.kill('SIGTERM');
    await ended;
  };
  const leave = (): void => {
    child?.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', leave);

  const add: TestDirectory['add'] = (dn, attributes) =>
    asRoot((client) => {
      const all = Object.entries(attributes).map(
        ([type, values]) => new Attribute({ type, values: typeof values === 'string' ? [values] : [...values] }),
      );
      return client.add(dn, all);
    });

  await start();
  await add(suffix, { objectClass: ['dcObject', 'organization'], o: 'corp', dc: 'corp' });
  await add(people, { objectClass: 'organizationalUnit', ou: 'people' });
  await add(groups, { objectClass: 'organizationalUnit', ou: 'groups' });
  await add(reader.dn, { objectClass: ['person'], cn: 'reader', sn: 'reader', userPassword: reader.password });
  await add(`cn=policy,${suffix}`, {
    objectClass: ['device', 'pwdPolicy'],
    cn: 'policy',
    pwdAttribute: 'userPassword',
    pwdCheckQuality: '2',
    pwdMinLength: '12',
  });

  return {
    authority,
    ports,
    folder,
    env: {
      SALLYPORT_LDAP_URL: `ldaps://127.0.0.1:${ports.ldaps}`,
      SALLYPORT_LDAP_REALM: 'corp',
      SALLYPORT_LDAP_CA_FILE: authority.ca,
      SALLYPORT_LDAP_BIND_DN: reader.dn,
      SALLYPORT_LDAP_BIND_PASSWORD: reader.password,
      SALLYPORT_LDAP_BASE: suffix,
      SALLYPORT_LDAP_GROUP_PRIVILEGES: 'admins=admin,Media Staff=media',
      SALLYPORT_LDAP_DISABLED_FILTER: '(employeeType=disabled)',
      SALLYPORT_LDAP_TIMEOUT: '2s',
    },
    person: async (uid, password, more = {}) => {
      const dn = `uid=${uid},${people}`;
      await add(dn, {
        objectClass: 'inetOrgPerson',
        uid,
        cn: `${uid} of Corp`,
        sn: uid,
        mail: `${uid}@corp.test`,
        userPassword: password,
        ...more,
      });
      return dn;
    },
    group: (cn, members) =>
      add(`cn=${cn.replaceAll(/[,=+]/g, String.raw`\$&`)},${groups}`, {
        objectClass: 'groupOfNames',
        cn,
        member: members,
      }),
    add,
    change: (dn, type, values) =>
      asRoot((client) =>
        client.modify(
          dn,
          new Change({ operation: 'replace', modification: new Attribute({ type, values: [...values] }) }),
        ),
      ),
    delete: (dn) => asRoot((client) => client.del(dn)),
    asked: (what) => readFileSync(log, 'utf8').split(what).length - 1,
    stop,
    start,
    suspend: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    remove: async () => {
      await stop();
      process.off('exit', leave);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function configuration(folder: string, { cert, key }: { readonly cert: string; readonly key: string }): string {
  const schemas = ['core', 'cosine', 'inetorgperson', 'nis'].map((name) => `include /etc/ldap/schema/${name}.schema`);
  return [
    ...schemas,
    'modulepath /usr/lib/ldap',
    'moduleload back_mdb',
    'moduleload ppolicy',
    `pidfile ${join(folder, 'pid')}`,
    `TLSCertificateFile ${cert}`,
    `TLSCertificateKeyFile ${key}`,
    'database mdb',
    'maxsize 104857600',
    'dbnosync',
    `suffix "${suffix}"`,
    `rootdn "${root.dn}"`,
    `rootpw ${root.password}`,
    `directory ${join(folder, 'data')}`,
    'index objectClass,uid,member eq',
    `limits dn.exact="${reader.dn}" size.soft=500 size.hard=500 size.prtotal=unlimited`,
    `access to attrs=userPassword by self =xw by anonymous auth by * none`,
    `access to * by dn.exact="${reader.dn}" read by self read by * none`,
    'overlay ppolicy',
    `ppolicy_default "cn=policy,${suffix}"`,
    '',
  ].join('\n');
}
