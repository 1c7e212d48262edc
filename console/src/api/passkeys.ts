/** Whether passkeys can be used on this page, and the way to what does it. */
import type * as Ceremonies from './passkey-ceremony.ts';

export type PasskeySupport =
  | 'there'
  /** A passkey is for a name; the address of this page is a number. */
  | 'no-name'
  /** The browser has none, or the page came without HTTPS. */
  | 'no-browser';

export const passkeySupport: PasskeySupport = supported();

function supported(): PasskeySupport {
  if (/^[\d.]+$|^\[/.test(location.hostname)) return 'no-name';
  return 'PublicKeyCredential' in globalThis && isSecureContext ? 'there' : 'no-browser';
}

/** Undefined when it could not be fetched. */
export async function ceremonies(): Promise<typeof Ceremonies | undefined> {
  try {
    return await import('./passkey-ceremony.ts');
  } catch {
    return undefined;
  }
}

export async function withCeremonies(
  run: (ceremonies: typeof Ceremonies) => Promise<Ceremonies.Ceremony>,
): Promise<Ceremonies.Ceremony> {
  const loaded = await ceremonies();
  return loaded === undefined ? { kind: 'failed' } : run(loaded);
}
