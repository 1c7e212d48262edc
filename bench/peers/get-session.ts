/** Peer of P1: `auth.api.getSession({ headers })` in process; `cached` switches its cookie cache on. */

import { contest } from '../measure/contestant.ts';
import { EMAIL, signedUp } from './better-auth.ts';

await contest(async () => {
  const { auth, cookie } = await signedUp(process.argv[2] === 'cached', process.argv[3]);
  // Made once, outside the loop: a caller inside an HTTP server would have it at hand.
  const headers = new Headers({ cookie });
  return {
    async batch(count) {
      for (let i = 0; i < count; i++) {
        const session = await auth.api.getSession({ headers });
        if (session?.user.email !== EMAIL) throw new Error('better-auth did not find its session');
      }
    },
  };
});
