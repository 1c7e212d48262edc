/** Certificates for tests, by openssl: an authority, servers with the right name and wrong ones, and a client. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { need } from './debian.ts';

export interface Authority {
  readonly ca: string;
  /** Paths of a certificate for those names, and of its key. `days` below 0: it has expired. */
  issue(
    name: string,
    subject: string,
    days?: number,
    kind?: 'ec' | 'rsa',
  ): { readonly cert: string; readonly key: string };
}

export async function makeAuthority(folder: string, name: string): Promise<Authority> {
  const openssl = await need('openssl', 'openssl');
  const run = (...args: readonly string[]): void => void execFileSync(openssl, args, { cwd: folder, stdio: 'ignore' });
  const ca = join(folder, `${name}.pem`);
  const caKey = join(folder, `${name}.key`);
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  run('req', '-x509', ...ec, '-keyout', caKey, '-out', ca, '-days', '2', '-subj', `/CN=${name}`);
  return {
    ca,
    issue: (file, subject, days = 1, kind = 'ec') => {
      const [cert, key, request, extensions] = ['pem', 'key', 'csr', 'ext'].map((end) =>
        join(folder, `${file}.${end}`),
      );
      if (cert === undefined || key === undefined || request === undefined || extensions === undefined)
        throw new Error();
      writeFileSync(extensions, `subjectAltName=${subject}\n`);
      const fresh = kind === 'ec' ? ec : ['-newkey', 'rsa:2048', '-nodes'];
      run('req', ...fresh, '-keyout', key, '-out', request, '-subj', `/CN=${file}`);
      const by = ['-in', request, '-out', cert, '-extfile', extensions];
      if (days >= 0) run('x509', '-req', ...by, '-CA', ca, '-CAkey', caKey, '-days', String(days));
      // Older versions of `openssl x509` take no dates.
      else run('ca', '-batch', '-notext', '-config', past(folder, name), '-cert', ca, '-keyfile', caKey, ...by);
      return { cert, key };
    },
  };
}

/** How `openssl ca` issues for a day long ago. */
function past(folder: string, name: string): string {
  const [config, database] = [join(folder, `${name}.cnf`), join(folder, `${name}.index`)];
  const lines = [
    '[ca]',
    'default_ca=past',
    '[past]',
    `database=${database}`,
    `new_certs_dir=${folder}`,
    'rand_serial=yes',
    'default_md=sha256',
    'default_startdate=20200101000000Z',
    'default_enddate=20200102000000Z',
    'policy=any',
    '[any]',
    'commonName=supplied',
    '',
  ];
  writeFileSync(config, lines.join('\n'));
  writeFileSync(database, '');
  return config;
}
