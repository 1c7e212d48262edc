/** Floor of P3: a known token in process, nothing but the work. */

import { contest } from '../measure/contestant.ts';
import { knownTokens } from './known-sessions.ts';

await contest(() => {
  const { authorization, find } = knownTokens();
  return {
    batch(count) {
      for (let i = 0; i < count; i++) {
        if (find(authorization) !== 'alice') throw new Error('the floor did not find its token');
      }
    },
  };
});
