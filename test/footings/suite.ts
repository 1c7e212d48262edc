/**
 * The HTTP suite: what is the same whatever the product stands on (`support/footing.ts`). Files that look into SQLite's own
 * file are not among it.
 */
export const httpSuite = [
  '../attacks/accounts.test.ts',
  '../attacks/api-tokens.test.ts',
  '../attacks/bulk.test.ts',
  '../attacks/basic.test.ts',
  '../attacks/csrf.test.ts',
  '../attacks/forward-auth.test.ts',
  '../attacks/guessing.test.ts',
  '../attacks/hand-over.test.ts',
  '../attacks/input.test.ts',
  '../attacks/path-tickets.test.ts',
  '../attacks/proxy.test.ts',
  '../attacks/second-factors.test.ts',
  '../attacks/sessions.test.ts',
  '../attacks/set-up.test.ts',
  '../attacks/tickets-csrf.test.ts',
  '../basic/basic.test.ts',
  '../basic/known.test.ts',
  '../corridor/basic.test.ts',
  '../corridor/corridor.test.ts',
  '../corridor/factors.test.ts',
  '../corridor/people.test.ts',
  '../corridor/tokens.test.ts',
  '../idempotency/requests.test.ts',
  '../keys/ring.test.ts',
  '../people/bulk.test.ts',
  '../people/import.test.ts',
  '../tickets/sign-in.test.ts',
  '../tokens/bulk.test.ts',
] as const;

/** And what is about one node: its own sockets, the numbers of its own audit chain, a listener of its own. */
export const suiteOfOneNode = [
  ...httpSuite,
  '../attacks/tickets-application.test.ts',
  '../attacks/tokens-in-use.test.ts',
  '../proxy/sockets.test.ts',
  '../audit/reading.test.ts',
  '../audit/events.test.ts',
  '../operations/metrics.test.ts',
] as const;
