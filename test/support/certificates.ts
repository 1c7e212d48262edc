/** Certificates for tests, by openssl: an authority, servers with the right name and wrong ones, and a client. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { need } from './debian.ts';

export interface Authority {
  readonly ca: string;
  /** Paths of a certificate for those names, and of its key. `days` below 0: it has expired. */
  issue(name: string, subject: string, days?: number): { readonly cert: string; readonly key: string };
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
    issue: (file, subject, days = 1) => {
      const [cert, key, request, extensions] = ['pem', 'key', 'csr', 'ext'].map((end) =>
        join(folder, `${file}.${end}`),
      );
      if (cert === undefined || key === undefined || request === undefined || extensions === undefined)
        throw new Error();
      writeFileSync(extensions, `subjectAltName=${subject}\n`);
      run('req', ...ec, '-keyout', key, '-out', request, '-subj', `/CN=${file}`);
      const span =
        days < 0 ? ['-not_before', '20200101000000Z', '-not_after', '20200102000000Z'] : ['-days', String(days)];
      run('x509', '-req', '-in', request, '-CA', ca, '-CAkey', caKey, '-out', cert, '-extfile', extensions, ...span);
      return { cert, key };
    },
  };
}
