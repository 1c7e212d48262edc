/** Floor of P8: a session that nobody has in memory, in process: cookie, SHA-256, one indexed row of the same file. */

import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { hash } from 'node:crypto';
import { contest } from '../measure/contestant.ts';
import { cookiesOf } from '../sallyport/many-sessions.ts';

const [, , data = '', name = '', count = ''] = process.argv;

await contest(() => {
  const db = new DatabaseSync(join(data, 'sallyport.db'), { readOnly: true });
  const find = db.prepare('SELECT user_id FROM sessions WHERE digest = ?');
  find.setReturnArrays(true);
  const cookies = cookiesOf(name, Number(count), Number(count));
  let next = 0;
  return {
    batch(times) {
      for (let i = 0; i < times; i++) {
        const cookie = cookies[next] ?? '';
        next = next + 1 === cookies.length ? 0 : next + 1;
        const token = cookie.slice(cookie.indexOf('=') + 1);
        if (find.get(hash('sha256', token, 'base64url')) === undefined) throw new Error('the floor found no session');
      }
    },
    close: () => db.close(),
  };
});
