/**
 * Hands each connection to the next of several servers, and adds nothing: they see the bytes and the address of whoever
 * came. One that refuses is passed over.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';

export interface Balancer {
  readonly port: number;
  readonly close: () => Promise<void>;
}

interface Target {
  readonly host: string;
  readonly port: number;
}

export async function startBalancer(port: number, targets: readonly Target[]): Promise<Balancer> {
  const sockets = new Set<Socket>();
  let turn = 0;
  const hold = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => sockets.delete(socket));
  };
  const join = (client: Socket, tried: number): void => {
    const target = targets[(turn += 1) % targets.length];
    if (target === undefined || tried === targets.length) {
      client.destroy();
      return;
    }
    const server = connect({ ...target, localAddress: client.remoteAddress, allowHalfOpen: true });
    hold(server);
    const refused = (): void => join(client, tried + 1);
    server.once('error', refused);
    server.once('connect', () => {
      server.off('error', refused);
      client.pipe(server);
      server.pipe(client);
      client.once('close', () => server.destroy());
      server.once('close', () => client.destroy());
    });
  };
  const server: Server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => {
    hold(client);
    join(client, 0);
    client.resume();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    port,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
