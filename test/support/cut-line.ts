/**
 * A line that can be cut: bytes go through it until then, and afterwards nothing does, in either direction. Nobody is told:
 * no reset, no end. New connections are taken and say nothing, as behind a firewall that drops. What was on its way when
 * it was cut arrives, late, when it is mended.
 */
import { connect, createServer, type Socket } from 'node:net';

export interface CutLine {
  readonly port: number;
  cut(): void;
  mend(): void;
  close(): Promise<void>;
}

export async function startCutLine(target: { readonly host: string; readonly port: number }): Promise<CutLine> {
  const sockets = new Set<Socket>();
  /** Those that came while it was cut, on their way to nowhere. */
  let waiting: (() => void)[] = [];
  let state: 'whole' | 'cut' = 'whole';

  const hold = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => sockets.delete(socket));
    // By hand, so that a cut holds back what would be read next.
    if (state === 'cut') socket.pause();
  };
  const join = (client: Socket): void => {
    const server = connect({ ...target, allowHalfOpen: true });
    hold(server);
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      from.on('data', (bytes) => void to.write(bytes));
      from.once('end', () => to.end());
      from.once('close', () => to.destroy());
    }
    if (state === 'cut') [client, server].forEach((each) => each.pause());
  };

  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => {
    hold(client);
    if (state === 'whole') join(client);
    else waiting.push(() => join(client));
    if (state === 'whole') client.resume();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The line has no port.');
  return {
    port: address.port,
    cut: () => {
      state = 'cut';
      for (const socket of sockets) socket.pause();
    },
    mend: () => {
      state = 'whole';
      const late = waiting;
      waiting = [];
      for (const go of late) go();
      for (const socket of sockets) socket.resume();
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
