/** What the browser does with passkeys. Fetched when it is needed: most of it is conversion between JSON and bytes. */
import {
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
  WebAuthnAbortService,
  WebAuthnError,
  startAuthentication,
  startRegistration,
} from '@simplewebauthn/browser';
import type { Fields } from './answers.ts';

export type Ceremony =
  | { readonly kind: 'made'; readonly response: object }
  /** The person closed it, or the browser found nothing to offer: it does not say which. */
  | { readonly kind: 'let-go' }
  /** This device holds one of the account already. */
  | { readonly kind: 'held-already' }
  | { readonly kind: 'failed' };

export function provePasskey(options: Fields): Promise<Ceremony> {
  return ceremony(() => startAuthentication({ optionsJSON: requestOptions(options) }));
}

/** Waits behind the name field, among what the browser offers there, until the person takes one or it is called off. */
export function offerPasskeys(options: Fields): Promise<Ceremony> {
  return ceremony(() => startAuthentication({ optionsJSON: requestOptions(options), useBrowserAutofill: true }));
}

export function makePasskey(options: Fields): Promise<Ceremony> {
  return ceremony(() => startRegistration({ optionsJSON: creationOptions(options) }));
}

export function callOff(): void {
  WebAuthnAbortService.cancelCeremony();
}

async function ceremony(run: () => Promise<object>): Promise<Ceremony> {
  try {
    return { kind: 'made', response: await run() };
  } catch (error) {
    if (error instanceof WebAuthnError && error.code === 'ERROR_AUTHENTICATOR_PREVIOUSLY_REGISTERED')
      return { kind: 'held-already' };
    const name = error instanceof Error ? error.name : '';
    return name === 'NotAllowedError' || name === 'AbortError' ? { kind: 'let-go' } : { kind: 'failed' };
  }
}

// As the server made them: the browser is the one to judge them.
const requestOptions = (options: Fields): PublicKeyCredentialRequestOptionsJSON =>
  options as unknown as PublicKeyCredentialRequestOptionsJSON;
const creationOptions = (options: Fields): PublicKeyCredentialCreationOptionsJSON =>
  options as unknown as PublicKeyCredentialCreationOptionsJSON;
