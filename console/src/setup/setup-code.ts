/** The setup code in the link's fragment: taken once, and out of the address bar and the history at the same moment. */

/** `typed` when the link had none, or the server refused it: then there is a field for it. */
export type SetupCode =
  | { readonly kind: 'from-link'; readonly code: string }
  | { readonly kind: 'typed'; readonly code: string };

export function codeFromAddress(): SetupCode {
  const code = new URLSearchParams(location.hash.slice(1)).get('code');
  if (code === null || code === '') return { kind: 'typed', code: '' };
  history.replaceState(null, '', location.pathname + location.search);
  return { kind: 'from-link', code };
}
