/** Floor of P1: a known session in process, nothing but the work. */

import { contest } from '../measure/contestant.ts';
import { knownSessions } from './known-sessions.ts';

await contest(() => {
  const { cookie, find } = knownSessions();
  return {
    batch(count) {
      for (let i = 0; i < count; i++) {
        if (find(cookie) !== 'alice') throw new Error('the floor did not find its session');
      }
    },
  };
});
