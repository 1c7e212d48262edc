/** Signing in with nothing but a passkey: when the button is pressed, or from what the browser offers behind the name field. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Refusal } from '../api/answers.ts';
import { ceremonies, passkeySupport, withCeremonies } from '../api/passkeys.ts';
import { passkeyOptions, signInWithPasskey } from '../api/sign-in.ts';

export type PasskeySignIn =
  | { readonly kind: 'ready' }
  | { readonly kind: 'waiting' }
  /** The person let go of it, or has none. */
  | { readonly kind: 'none' }
  | { readonly kind: 'signed-in' }
  | Refusal;

/** What the server asks a passkey to sign is good for two minutes. */
const renewedEveryMs = 100_000;

/** `by-field`: there is a name field where the browser can offer what it holds. */
export function usePasskeySignIn(
  offered: 'by-field' | 'by-button',
  onSignedIn: () => void,
): readonly [PasskeySignIn, () => void] {
  const [state, setState] = useState<PasskeySignIn>({ kind: 'ready' });
  const busy = useRef(false);
  const offeredAt = useRef(0);
  // Raised by each ceremony that begins: what an earlier one still has to say is nothing any more.
  const turn = useRef(0);

  const change = (next: PasskeySignIn): void => {
    busy.current = next.kind === 'waiting';
    setState(next);
  };
  const finish = async (assertion: object): Promise<void> => {
    change({ kind: 'waiting' });
    const outcome = await signInWithPasskey(assertion);
    // A passkey is both factors: nothing else is asked for.
    change(outcome.kind === 'code-wanted' ? { kind: 'unreadable' } : outcome);
    if (outcome.kind === 'signed-in') return onSignedIn();
    void offer();
  };

  const offer = async (): Promise<void> => {
    if (offered !== 'by-field' || passkeySupport !== 'there' || !(await offersByField())) return;
    const mine = (turn.current += 1);
    offeredAt.current = performance.now();
    const asked = await passkeyOptions();
    if (asked.kind !== 'options' || mine !== turn.current) return;
    const outcome = await withCeremonies((loaded) => loaded.offerPasskeys(asked.options));
    if (mine === turn.current && outcome.kind === 'made') await finish(outcome.response);
  };

  const press = async (): Promise<void> => {
    const mine = (turn.current += 1);
    change({ kind: 'waiting' });
    const asked = await passkeyOptions();
    if (asked.kind !== 'options') return change(asked);
    const outcome = await withCeremonies((loaded) => loaded.provePasskey(asked.options));
    if (mine !== turn.current) return;
    if (outcome.kind === 'made') return finish(outcome.response);
    change({ kind: 'none' });
    void offer();
  };

  useEffect(() => {
    void offer();
    const renew = (): void => {
      const old = performance.now() - offeredAt.current >= renewedEveryMs;
      // Not under the hands of somebody who is choosing one.
      if (old && !document.hidden && !busy.current) void offer();
    };
    const timer = setInterval(renew, renewedEveryMs / 10);
    document.addEventListener('visibilitychange', renew);
    return () => {
      turn.current += 1;
      clearInterval(timer);
      document.removeEventListener('visibilitychange', renew);
      void ceremonies().then((loaded) => loaded?.callOff());
    };
  }, []);

  return [state, () => void press()];
}

function offersByField(): Promise<boolean> {
  return PublicKeyCredential.isConditionalMediationAvailable?.() ?? Promise.resolve(false);
}
