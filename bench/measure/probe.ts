import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { HttpTarget } from './protocol.ts';

const ANSWER_MS = 5000;

/** One request as the load sends it, read in full: 200, and saying what only the right answer says. */
export async function probe({ port, path, headers, expect, postBytes }: HttpTarget): Promise<void> {
  const sent = request({
    host: '127.0.0.1',
    port,
    path,
    method: postBytes === undefined ? 'GET' : 'POST',
    headers: postBytes === undefined ? headers : { ...headers, 'content-length': String(postBytes) },
    agent: false,
    signal: AbortSignal.timeout(ANSWER_MS),
  }).end(postBytes === undefined ? undefined : 'x'.repeat(postBytes));
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  const whole = `${answer.rawHeaders.join('\n')}\n\n${await text(answer)}`;
  if (answer.statusCode !== 200 || !whole.includes(expect)) {
    throw new Error(`${path} was to answer 200 with "${expect}", but answered ${answer.statusCode}:\n${whole}`);
  }
}
