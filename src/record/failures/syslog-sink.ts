/**
 * A copy of the failure log for a syslog server: RFC 5424 over UDP (RFC 5426) or TCP with octet counting (RFC 6587 section
 * 3.4.1). A server that is away costs lines, and nobody waits for it.
 */
import { createSocket } from 'node:dgram';
import { connect, isIPv6, type Socket } from 'node:net';
import { hostname } from 'node:os';
import type { SyslogServer } from '../../config/network-place.ts';
import type { Log } from '../recorder.ts';
import type { Millis } from '../../types.ts';
import type { Sink } from './failure-log.ts';

/** Facility authpriv, severity warning. */
const priority = 10 * 8 + 4;
const mostKept = 1000;
const againMs = 5000;

export function syslogSink(parts: { readonly server: SyslogServer; readonly tag: string; readonly log: Log }): Sink {
  const { server, tag, log } = parts;
  const host =
    hostname()
      .replaceAll(/[^\x21-\x7e]/g, '')
      .slice(0, 255) || '-';
  const message = (at: Millis, text: string): Buffer =>
    Buffer.from(`<${priority}>1 ${new Date(at).toISOString()} ${host} ${tag} ${process.pid} - - ${text}`);
  return server.protocol === 'udp' ? overUdp(server, message) : overTcp(server, message, log);
}

type Message = (at: Millis, text: string) => Buffer;

/** Nobody tells whether a datagram arrived: it is sent, and that is all. */
function overUdp({ host, port }: SyslogServer, message: Message): Sink {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  socket.unref();
  socket.on('error', () => undefined);
  return {
    write: (at, text) => socket.send(message(at, text), port, host, () => undefined),
    standing: () => 'working',
    reopen: () => undefined,
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}

function overTcp({ host, port }: SyslogServer, message: Message, log: Log): Sink {
  let kept: Buffer[] = [];
  let socket: Socket | null = null;
  let ready: 'no' | 'yes' = 'no';
  let told: 'no' | 'yes' = 'no';
  let again: NodeJS.Timeout | undefined;
  let closing: 'no' | 'yes' = 'no';

  const open = (): void => {
    const opened = connect({ host, port });
    socket = opened;
    opened.unref();
    opened.on('connect', () => {
      ready = 'yes';
      told = 'no';
      for (const each of kept.splice(0)) opened.write(each);
    });
    opened.on('error', () => undefined);
    // It never has anything to say; unread bytes would keep us from seeing it leave.
    opened.resume();
    opened.on('close', () => {
      ready = 'no';
      socket = null;
      if (closing === 'yes') return;
      if (told === 'no') log.warn({ host, port }, 'the syslog server cannot be reached');
      told = 'yes';
      again = setTimeout(open, againMs);
      again.unref();
    });
  };
  open();

  return {
    write: (at, text) => {
      const body = message(at, text);
      const framed = Buffer.concat([Buffer.from(`${body.length} `), body]);
      if (socket !== null && ready === 'yes' && socket.writableLength < 1024 * 1024) socket.write(framed);
      else kept.push(framed);
      if (kept.length > mostKept) kept = kept.slice(-mostKept);
    },
    standing: () => (ready === 'yes' || told === 'no' ? 'working' : 'degraded'),
    reopen: () => undefined,
    close: () => {
      closing = 'yes';
      clearTimeout(again);
      return new Promise((resolve) => {
        if (socket === null || ready === 'no') {
          socket?.destroy();
          resolve();
        } else socket.end(() => resolve());
      });
    },
  };
}
