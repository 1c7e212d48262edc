/** A directory that says what a test wants, in the clear on loopback: what no real one says (RFC 4511 section 4). */
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { BerReader, BerWriter } from 'ldapts';

export type FakeEntry = readonly [dn: string, attributes: Readonly<Record<string, readonly string[]>>];

export interface FakeDirectory {
  readonly port: number;
  /** Names of the binds so far. */
  readonly binds: string[];
  /** What a search is answered with. */
  found: readonly FakeEntry[];
  /** Bytes in front of the end of a search. */
  before: (id: number) => Buffer;
  /** Results of a search, and of a bind by that name. */
  searchResult: number;
  bindResult: (dn: string) => number;
  open(): number;
  close(): Promise<void>;
}

const [bindRequest, bindResponse, searchRequest, searchEntry, searchDone] = [0x60, 0x61, 0x63, 0x64, 0x65];

/** One message. */
export function message(id: number, operation: number, fill: (writer: BerWriter) => void): Buffer {
  const writer = new BerWriter();
  writer.startSequence();
  writer.writeInt(id);
  writer.startSequence(operation);
  fill(writer);
  writer.endSequence();
  writer.endSequence();
  return writer.buffer;
}

function result(id: number, operation: number, code: number, referral = ''): Buffer {
  return message(id, operation, (writer) => {
    writer.writeEnumeration(code);
    writer.writeString('');
    writer.writeString('');
    if (referral === '') return;
    writer.startSequence(0xa3);
    writer.writeString(referral);
    writer.endSequence();
  });
}

function entry(id: number, [dn, attributes]: FakeEntry): Buffer {
  return message(id, searchEntry, (writer) => {
    writer.writeString(dn);
    writer.startSequence();
    for (const [name, values] of Object.entries(attributes)) {
      writer.startSequence();
      writer.writeString(name);
      writer.startSequence(0x31);
      for (const value of values) writer.writeString(value);
      writer.endSequence();
      writer.endSequence();
    }
    writer.endSequence();
  });
}

export async function startFakeDirectory(): Promise<FakeDirectory> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    // Requests are small, and come one at a time.
    socket.on('data', (bytes: Buffer) => {
      const reader = new BerReader(bytes);
      reader.readSequence();
      const id = reader.readInt() ?? 0;
      const operation = reader.readSequence();
      if (operation === bindRequest) {
        reader.readInt();
        const dn = reader.readString() ?? '';
        directory.binds.push(dn);
        socket.write(result(id, bindResponse, directory.bindResult(dn)));
      } else if (operation === searchRequest) {
        const base = reader.readString() ?? '';
        const found = base.includes('groups') ? [] : directory.found;
        for (const each of found) socket.write(entry(id, each));
        socket.write(directory.before(id));
        const referral = directory.searchResult === 10 ? `ldap://127.0.0.1:${directory.port}/dc=elsewhere` : '';
        socket.write(result(id, searchDone, directory.searchResult, referral));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const directory: FakeDirectory = {
    port: (server.address() as AddressInfo).port,
    binds: [],
    found: [],
    before: () => Buffer.alloc(0),
    searchResult: 0,
    bindResult: () => 0,
    open: () => sockets.size,
    close: async () => {
      for (const each of sockets) each.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return directory;
}
