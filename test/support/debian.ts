/**
 * Real programs for tests (CONTRIBUTING, Test): found on the machine, or installed by `apt-get` where the tests run as
 * root on Debian; else the suite fails and names the package.
 */
import { execFile } from 'node:child_process';
import { constants, existsSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** For `describe(…, { skip: withoutPackages }, …)`: the reason when packages are left out, and `false` when they are not. */
export const withoutPackages: string | false =
  process.env['SALLYPORT_TEST_SKIP_INTEROP'] === '1'
    ? 'SALLYPORT_TEST_SKIP_INTEROP=1 leaves out what needs Debian packages'
    : false;

const asked = new Map<string, Promise<string>>();

/** The full path of `command`, which the Debian package `name` brings; a path of its own stands for a file that is no command. */
export function need(command: string, name: string): Promise<string> {
  const known = asked.get(command);
  if (known !== undefined) return known;
  const path = findOrInstall(command, name);
  asked.set(command, path);
  return path;
}

async function findOrInstall(command: string, name: string): Promise<string> {
  const there = await find(command);
  if (there !== undefined) return there;
  const missing = `This test needs \`${command}\` (Debian package ${name})`;
  const outs = 'Install it, or set SALLYPORT_TEST_SKIP_INTEROP=1.';
  if (process.getuid?.() !== 0 || !existsSync('/etc/debian_version')) {
    throw new Error(`${missing}, and only root on Debian can have it installed. ${outs}`);
  }
  try {
    await run('flock', [lock, 'sh', '-euc', install, 'sh', command, name, lock], {
      env: { PATH: searchPath().join(delimiter), DEBIAN_FRONTEND: 'noninteractive' },
      maxBuffer: 16 * 1024 * 1024,
    });
  } catch (fault) {
    throw new Error(`${missing}, and apt-get could not install it. ${outs}`, { cause: fault });
  }
  const installed = await find(command);
  if (installed === undefined) throw new Error(`${missing}, but that package does not bring it.`);
  return installed;
}

/** Only root can write there, so nobody else can put something in its way. */
const lock = '/run/sallyport-test-packages.lock';

/**
 * Test files run side by side, and `apt-get update` fails when another one is at it: one at a time, and whoever comes
 * second may find the work done. The lists are fetched once an hour; the lock file's time says when that was.
 */
const install = `
  if command -v "$1" > /dev/null; then exit 0; fi
  if [ -z "$(find "$3" -size +0 -mmin -60)" ]; then
    apt-get -q update
    echo updated > "$3"
  fi
  apt-get -q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends "$2"
`;

async function find(command: string): Promise<string | undefined> {
  if (isAbsolute(command)) return existsSync(command) ? command : undefined;
  for (const folder of searchPath()) {
    const path = join(folder, command);
    const usable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (usable) return path;
  }
  return undefined;
}

/** Servers are in the `sbin` folders, which are not on everybody's path. */
function searchPath(): readonly string[] {
  const own = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return [...new Set([...own, '/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'])];
}
