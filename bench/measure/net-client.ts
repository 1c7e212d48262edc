/**
 * Stands in for wrk where that is missing: keep-alive connections over `node:net`, one request at a time on each, latency in a
 * histogram. It reads only what it must to find the end of an answer: status line, Content-Length, or a chunked body's end.
 *
 *   node net-client.ts URL CONNECTIONS SECONDS HEADERS-AS-JSON BYTES-TO-POST COOKIE-FILE      (the last two may be empty)
 */

import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { createHistogram } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { isWhole } from './http-text.ts';
import type { LoadReport } from './load.ts';

const [, , url = '', connections = '', seconds = '', headers = '{}', postBytes = '', cookieFile = ''] = process.argv;
const { hostname, port, pathname, search, host } = new URL(url);
// The cookie of each request takes the place of the one they have in common: two of one name would be none.
const head = Object.entries(JSON.parse(headers) as Record<string, string>)
  .filter(([name]) => cookieFile === '' || name !== 'cookie')
  .map(([name, value]) => `${name}: ${value}\r\n`);
const method = postBytes === '' ? 'GET' : 'POST';
const framing = postBytes === '' ? '' : `Content-Length: ${postBytes}\r\n`;
const cookies = cookieFile === '' ? [''] : readFileSync(cookieFile, 'utf8').trim().split('\n');
const requests = cookies.map((cookie) =>
  Buffer.from(
    `${method} ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\n${head.join('')}${cookie === '' ? '' : `Cookie: ${cookie}\r\n`}${framing}\r\n${'x'.repeat(Number(postBytes))}`,
    'latin1',
  ),
);

const latency = createHistogram();
let answers = 0;
let sent = 0;
let failed = 0;
let running = true;

const sockets = Array.from({ length: Number(connections) }, () => {
  const socket = connect(Number(port), hostname).setNoDelay(true).setEncoding('latin1');
  let received = '';
  let sentAt = 0;
  const send = (): void => {
    sentAt = performance.now();
    socket.write(requests[sent % requests.length] ?? '');
    sent += 1;
  };
  socket.on('connect', send);
  // `setEncoding` makes every chunk a string.
  socket.on('data', (chunk) => {
    received += String(chunk);
    if (!isWhole(received)) return;
    // Nanoseconds; a histogram takes no zero.
    latency.record(Math.max(1, Math.round((performance.now() - sentAt) * 1e6)));
    answers += 1;
    if (!received.startsWith('HTTP/1.1 2')) failed += 1;
    received = '';
    if (running) send();
  });
  socket.on('error', () => (failed += 1));
  socket.on('close', () => (failed += running ? 1 : 0));
  return socket;
});

const started = performance.now();
await delay(Number(seconds) * 1000);
running = false;
const elapsed = (performance.now() - started) / 1000;
for (const socket of sockets) socket.destroy();
const report: LoadReport = {
  perSecond: answers / elapsed,
  p50Ms: latency.percentile(50) / 1e6,
  p99Ms: latency.percentile(99) / 1e6,
  failed,
};
console.log(JSON.stringify(report));
