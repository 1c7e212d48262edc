/** An application that says bytes and not HTTP: for answers that no library would give. */
import { type AddressInfo, createServer, type Socket } from 'node:net';

export interface RawUpstream {
  readonly url: string;
  /** Everything each connection sent. */
  readonly connections: string[];
  readonly close: () => Promise<void>;
}

/** An application that answers with bytes, whatever it was sent, once a request's head is there. */
export async function rawUpstream(answer: (received: string, socket: Socket) => void): Promise<RawUpstream> {
  const connections: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    const place = connections.push('') - 1;
    socket.setEncoding('latin1');
    socket.on('data', (part: string) => {
      connections[place] += part;
      answer(part, socket);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
