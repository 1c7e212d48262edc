/**
 * A port that nobody has now and that nobody comes by: for programs that must be told theirs. It is taken from below
 * those that the system gives to whoever names none (`listen(0)`, and every client), since one of these could be given
 * to somebody else before the program that was told of it listens.
 */
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';

const LOWEST = 10_000;

function firstGiven(): number {
  try {
    return Number(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').trim().split(/\s+/)[0]);
  } catch {
    return 32_768;
  }
}

/** The port if nobody listens at it, at any address; `undefined` if somebody does. */
function tried(port: number): Promise<number | undefined> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(undefined);
      else reject(error);
    });
    server.listen(port, '0.0.0.0', () => {
      const found = (server.address() as AddressInfo).port;
      server.close(() => resolve(found));
    });
  });
}

export async function freePort(): Promise<number> {
  const end = firstGiven();
  for (let left = 100; left > 0; left -= 1) {
    // Where the system gives from low on, its own choice is as good as any.
    const port = await tried(end > LOWEST + 1_000 ? randomInt(LOWEST, end) : 0);
    if (port !== undefined) return port;
  }
  throw new Error('No free port was found.');
}
