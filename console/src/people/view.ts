/** Which view of the people page the address names, so that the Back button goes from one to the other. */
import { useHash } from '../inside/hash.ts';

export type View =
  | { readonly kind: 'list' }
  | { readonly kind: 'add' }
  | { readonly kind: 'import' }
  | { readonly kind: 'person'; readonly id: string };

export const toList = '#list';
export const toAdd = '#add';
export const toImport = '#import';
export const toPerson = (id: string): string => `#person=${encodeURIComponent(id)}`;

/** `moved`: somebody came here from another view of this page. */
export function useView(): { readonly view: View; readonly moved: boolean } {
  const { hash, moved } = useHash();
  return { view: viewAt(hash), moved };
}

function viewAt(hash: string): View {
  if (hash === toAdd) return { kind: 'add' };
  if (hash === toImport) return { kind: 'import' };
  const id = new URLSearchParams(hash.slice(1)).get('person') ?? '';
  return id === '' ? { kind: 'list' } : { kind: 'person', id };
}
