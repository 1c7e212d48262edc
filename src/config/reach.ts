/** From where the listeners in force can be reached: what "open to everybody" would mean, and what crosses a network. */
import { type Listener, reachOf } from './network-place.ts';
import type { Settings } from './schema.ts';

export function reachOfListener(listener: Listener): 'machine' | 'network' {
  return listener.kind === 'unix' ? 'machine' : reachOf(listener.host);
}

export function reachOfListeners(settings: Settings): 'machine' | 'network' {
  const { listen, appListen, upstream, sharedOrigin } = settings;
  const inUse = upstream === null || sharedOrigin ? [listen] : [listen, appListen];
  return inUse.every((each) => reachOfListener(each) === 'machine') ? 'machine' : 'network';
}
