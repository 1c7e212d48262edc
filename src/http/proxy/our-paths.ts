/** Paths that are ours on an origin shared with the application (2-http-api, 6). */
import { newName, type Random } from '../../crypto/random.ts';
import { refuse } from '../../errors.ts';
import type { Dialects } from '../dialects/dialect.ts';
import { notMine, type Wing } from '../handler.ts';

const ourPaths = /^\/(api\/auth|api\/ssl|api2\/(json|extjs)\/access)\/|^\/api2\/(json|extjs)\/version$/;

/** The API takes its paths whole, known or not, and leaves every other one alone. */
export function onSharedOrigin(api: Wing, dialects: Dialects, random: Random): Wing {
  return (incoming, arrival, path) => {
    if (!ourPaths.test(path)) return notMine;
    const answer = api(incoming, arrival, path);
    return answer instanceof Promise || answer.kind !== 'not-mine'
      ? answer
      : dialects(path).refused(refuse('not_found'), { requestId: newName(random) });
  };
}
