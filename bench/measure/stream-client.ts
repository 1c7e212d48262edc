/** The load of `streams.ts`: one upload or one download when it is told to, as fast as the other end takes or gives. */

import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import type { FromStreams, Streaming } from './streams.ts';

const piece = Buffer.alloc(64 * 1024, 'x');

process.once('disconnect', () => process.exit(0));
process.on('message', (streaming: Streaming) => {
  const began = performance.now();
  (streaming.way === 'up' ? upload(streaming) : download(streaming))
    .then(() => say({ kind: 'streamed', ms: performance.now() - began }))
    .catch((cause: unknown) => say({ kind: 'failed', message: String(cause) }));
});
say({ kind: 'ready' });

async function download({ port, headers, bytes }: Streaming): Promise<void> {
  const asked = request({ host: '127.0.0.1', port, path: `/stream?${bytes}`, headers, agent: false }).end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  let got = 0;
  answer.on('data', (part: Buffer) => (got += part.length));
  await once(answer, 'end');
  if (answer.statusCode !== 200 || got !== bytes) throw new Error(`${got} bytes of ${bytes}, ${answer.statusCode}`);
}

async function upload({ port, headers, bytes }: Streaming): Promise<void> {
  const framing = { 'content-length': String(bytes), 'x-bytes': String(bytes) };
  const all = { ...headers, ...framing };
  const sent = request({ host: '127.0.0.1', port, path: '/take', method: 'POST', headers: all, agent: false });
  const answered = once(sent, 'response') as Promise<[IncomingMessage]>;
  for (let left = bytes; left > 0; left -= piece.length) {
    if (!sent.write(left >= piece.length ? piece : piece.subarray(0, left))) await once(sent, 'drain');
  }
  sent.end();
  const [answer] = await answered;
  const said = await text(answer);
  if (answer.statusCode !== 200 || said !== `took ${bytes}`) throw new Error(`${answer.statusCode}: ${said}`);
}

function say(message: FromStreams): void {
  process.send?.(message);
}
