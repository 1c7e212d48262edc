/** From where the listeners in force can be reached: what "open to everybody" would mean. */
import { reachOf } from './network-place.ts';
import type { Settings } from './schema.ts';

export function reachOfListeners(settings: Settings): 'machine' | 'network' {
  const listeners =
    settings.upstream === null || settings.sharedOrigin ? [settings.listen] : [settings.listen, settings.appListen];
  return listeners.every((each) => each.kind === 'unix' || reachOf(each.host) === 'machine') ? 'machine' : 'network';
}
