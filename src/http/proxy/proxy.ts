/**
 * The built-in proxy: passes an admitted request on and the answer back, in pieces as they come, never whole in memory;
 * joins WebSockets. How long anything may take, and whether its session still stands, is watched in `exchanges.ts`.
 */
import { join } from './join.ts';
import { pass } from './pass.ts';
import { type Joining, type Passing, upstream, type UpstreamParts } from './upstream.ts';

export interface Proxy {
  pass(passing: Passing): void;
  join(joining: Joining): void;
  /** WebSockets end; requests go on. */
  stop(): void;
  close(): void;
}

export function proxy(parts: UpstreamParts): Proxy {
  const application = upstream(parts);
  return {
    pass: (passing) => pass(application, passing),
    join: (joining) => join(application, joining),
    stop: () => application.open.endSockets(),
    close: () => application.close(),
  };
}
