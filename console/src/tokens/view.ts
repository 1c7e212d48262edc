/** Which view of the page the address names. */
import type { WhoseTokens } from '../api/tokens.ts';
import { useHash } from '../inside/hash.ts';

export type View =
  | { readonly kind: 'list'; readonly whose: WhoseTokens }
  | { readonly kind: 'token'; readonly id: string };

export const toOwn = '#own';
export const toEverybody = '#everybody';
export const toToken = (id: string): string => `#token=${encodeURIComponent(id)}`;

/** `moved`: somebody came here from another view of this page. */
export function useView(): { readonly view: View; readonly moved: boolean } {
  const { hash, moved } = useHash();
  return { view: viewAt(hash), moved };
}

function viewAt(hash: string): View {
  const id = new URLSearchParams(hash.slice(1)).get('token') ?? '';
  if (id !== '') return { kind: 'token', id };
  return { kind: 'list', whose: hash === toEverybody ? 'everybody' : 'own' };
}
