/** Which view of the people page the address names, so that the Back button goes from one to the other. */
import { useEffect, useState } from 'preact/hooks';

export type View =
  | { readonly kind: 'list' }
  | { readonly kind: 'add' }
  | { readonly kind: 'person'; readonly id: string };

export const toList = '#list';
export const toAdd = '#add';
export const toPerson = (id: string): string => `#person=${encodeURIComponent(id)}`;

function viewHere(): View {
  if (location.hash === toAdd) return { kind: 'add' };
  const id = new URLSearchParams(location.hash.slice(1)).get('person') ?? '';
  return id === '' ? { kind: 'list' } : { kind: 'person', id };
}

/** `moved`: somebody came here from another view of this page. */
export function useView(): { readonly view: View; readonly moved: boolean } {
  const [here, setHere] = useState({ view: viewHere(), moved: false });
  useEffect(() => {
    const look = (): void => {
      setHere({ view: viewHere(), moved: true });
      scrollTo(0, 0);
    };
    addEventListener('hashchange', look);
    return () => removeEventListener('hashchange', look);
  }, []);
  return here;
}
