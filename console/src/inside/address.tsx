import { accountMessages } from '../words/account-messages.ts';

/** An address, and what can be told from it without asking anybody. */
export function Address({ text }: { readonly text: string }) {
  const note = noteOn(text);
  return (
    <span class="address">
      {/* A long one is broken between its groups. */}
      <code>{text.split(':').flatMap((group, at) => (at === 0 ? [group] : [':', <wbr key={at} />, group]))}</code>
      {note !== '' && <span class="note quiet">{note}</span>}
    </span>
  );
}

function noteOn(address: string): string {
  const words = accountMessages.address;
  if (/^127\.|^::1$/.test(address)) return words.loopback;
  return /^10\.|^192\.168\.|^172\.(?:1[6-9]|2\d|3[01])\.|^169\.254\.|^fe[89ab][0-9a-f]:|^f[cd][0-9a-f]{2}:/i.test(
    address,
  )
    ? words.local
    : '';
}
