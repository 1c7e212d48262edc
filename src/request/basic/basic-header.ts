/**
 * Name and secret of a Basic header (RFC 7617), read once: UTF-8, the first colon parts the two, no control characters.
 * Pure. Stops: two readings of who is meant, and text that ends early in somebody else's code.
 */

export type BasicForm =
  | { readonly kind: 'malformed'; readonly detail: string }
  | { readonly kind: 'pair'; readonly username: string; readonly secret: string };

/** As much as the longest name and the longest password come to. */
const longestBasic = 4096;

const control = /\p{Cc}/u;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** `encoded`: what stands behind the scheme. */
export function readBasic(encoded: string): BasicForm {
  if (encoded === '' || encoded.length > longestBasic) return malformed('The Basic header is empty or too long.');
  const bytes = Buffer.from(encoded, 'base64');
  // Decoding passes over what is no base64: one pair has one spelling, but for the padding at its end.
  if (bytes.toString('base64').replace(/=+$/, '') !== encoded.replace(/={1,2}$/, ''))
    return malformed('The Basic header is no base64.');
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    return malformed('The Basic header is no UTF-8.');
  }
  const colon = text.indexOf(':');
  if (colon === -1) return malformed('The Basic header has no colon between name and password.');
  if (control.test(text)) return malformed('The Basic header holds control characters.');
  return { kind: 'pair', username: text.slice(0, colon), secret: text.slice(colon + 1) };
}

function malformed(detail: string): BasicForm {
  return { kind: 'malformed', detail };
}
