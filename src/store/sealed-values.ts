/**
 * What the store holds that is sealed under the key ring: passwords and TOTP secrets of accounts, and those of enrolments, which
 * are minutes old at most and waited for. Whatever else is sealed one day is looked for in the statements of `keys.ts` of both
 * engines as well: a key that they find nothing under is removed, and what it had sealed could not be opened any more.
 */
import { sealPrefix } from '../crypto/seal.ts';
import type { SealedValue } from './store.ts';

/** Of an account, those that are not sealed under that key. */
export function valuesElsewhere(
  { id, password, totp }: { readonly id: SealedValue['userId']; readonly password: string; readonly totp: string },
  key: string,
): readonly SealedValue[] {
  const values = [
    { userId: id, what: 'password', sealed: password },
    { userId: id, what: 'totp', sealed: totp },
  ] as const;
  return values.filter(({ sealed }) => sealed !== '' && !sealed.startsWith(sealPrefix(key)));
}

/** Whether the keys there are just those that somebody has seen, each as it was sealed. */
export function judgeKeys(
  there: readonly { readonly id: string; readonly sealed: string }[],
  seen: readonly { readonly id: string; readonly from: string }[],
): { readonly kind: 'others' | 'the-same' } {
  const texts = new Map(seen.map(({ id, from }) => [id, from]));
  const same = there.length === texts.size && there.every(({ id, sealed }) => texts.get(id) === sealed);
  return { kind: same ? 'the-same' : 'others' };
}
