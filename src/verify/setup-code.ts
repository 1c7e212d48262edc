/** Step 3 for the setup code: proof of access to the host (3-rules, Setup states). A look; spending it is the store's. */
import { canonicalCode } from '../crypto/code.ts';
import { digest } from '../crypto/digest.ts';
import type { Store } from '../store/store.ts';
import type { Clock, Digest } from '../types.ts';

export type SetupCodeProof =
  /** Somebody was faster: there is nothing to prove any more. */
  | { readonly kind: 'already-configured' }
  | { readonly kind: 'rejected' }
  | { readonly kind: 'proven'; readonly codeDigest: Digest };

/** One spelling for codes we make; a code given by setting is compared as it is, but for case and dashes. */
export function setupCodeDigest(code: string): Digest {
  return digest(`setup:${canonicalCode(code)}`);
}

export async function verifySetupCode(
  code: string,
  store: Pick<Store, 'setupCode'>,
  clock: Clock,
): Promise<SetupCodeProof> {
  const codeDigest = setupCodeDigest(code);
  const known = await store.setupCode(codeDigest, clock.now());
  if (known.kind === 'already-configured') return { kind: 'already-configured' };
  return known.kind === 'valid' ? { kind: 'proven', codeDigest } : { kind: 'rejected' };
}
