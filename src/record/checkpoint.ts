/**
 * Signed checkpoints of the audit chain (3-rules, Logs, audit, metrics). Each is kept beside the chain and written to the
 * log: whoever rewrites the database, and has the root key too, has not rewritten the journal.
 *
 * As text, for the log and `sallyport audit verify --checkpoint`: version, chain, number, hash, time, key id, signature,
 * parted by dots.
 */
import { checkSignature, type PublicKey, type SignatureCheck, type SigningKey } from '../crypto/sign.ts';
import type { AuditCheckpoint } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import type { Clock, Millis } from '../types.ts';
import type { Log } from './recorder.ts';

const purpose = 'sallyport audit checkpoint v1';
const version = 'v1';
/** Events after which one is made whatever the time, and time after which one is made when there is something new. */
const mostEvents = 1000;
const mostMs = 60_000;

type Unsigned = Omit<AuditCheckpoint, 'signature'>;

function signedParts({ chain, number, hash, at, keyId }: Unsigned): readonly string[] {
  return [chain, String(number), hash, String(at), keyId];
}

/** Unknown keys are told apart from wrong signatures: the first means another key ring. */
export function checkCheckpoint(
  checkpoint: AuditCheckpoint,
  keys: readonly PublicKey[],
): { readonly kind: 'unknown-key' } | SignatureCheck {
  const key = keys.find(({ id }) => id === checkpoint.keyId);
  if (key === undefined) return { kind: 'unknown-key' };
  return checkSignature(key, purpose, signedParts(checkpoint), checkpoint.signature);
}

export function checkpointText({ chain, number, hash, at, keyId, signature }: AuditCheckpoint): string {
  return [version, chain, number, hash, at, keyId, signature].join('.');
}

export function parseCheckpoint(
  text: string,
): { readonly kind: 'malformed' } | { readonly kind: 'checkpoint'; readonly checkpoint: AuditCheckpoint } {
  const match = /^v1\.([\w-]{16,64})\.(\d{1,15})\.([\w-]{43})\.(\d{1,15})\.([\w-]{1,64})\.([\w-]{86})$/.exec(
    text.trim(),
  );
  if (match === null) return { kind: 'malformed' };
  const [, chain = '', number = '', hash = '', at = '', keyId = '', signature = ''] = match;
  return {
    kind: 'checkpoint',
    checkpoint: { chain, number: Number(number), hash, at: Number(at) as Millis, keyId, signature },
  };
}

export interface Checkpoints {
  /** Makes one when enough is new; called every second. */
  readonly keepUp: () => Promise<void>;
  /** Makes one when anything is new. */
  readonly make: () => Promise<void>;
}

export function checkpoints(parts: {
  readonly store: Pick<Store, 'auditHead' | 'putCheckpoint'>;
  /** The key in use at the moment. */
  readonly signer: () => SigningKey;
  readonly clock: Clock;
  readonly log: Log;
}): Checkpoints {
  const { store, clock, log } = parts;
  let lastMade = clock.monotonic();
  let underWay: Promise<void> = Promise.resolve();

  const sign = async (fewest: number): Promise<void> => {
    const { chain, number, hash, lastCheckpoint } = await store.auditHead();
    if (number - lastCheckpoint < fewest) return;
    const signer = parts.signer();
    const unsigned: Unsigned = { chain, number, hash, at: clock.now(), keyId: signer.id };
    const checkpoint = { ...unsigned, signature: signer.sign(purpose, signedParts(unsigned)) };
    const put = await store.putCheckpoint(checkpoint);
    lastMade = clock.monotonic();
    if (put.kind === 'put') log.info({ checkpoint: checkpointText(checkpoint) }, 'audit checkpoint');
    else log.error({ number }, 'the audit log is not what it was: its head has no row. Run: sallyport audit verify');
  };
  /** One after the other: two at once would sign the same. */
  const inTurn = (fewest: number): Promise<void> => {
    underWay = underWay.then(
      () => sign(fewest),
      () => sign(fewest),
    );
    return underWay;
  };

  return {
    keepUp: () => inTurn(clock.monotonic() - lastMade >= mostMs ? 1 : mostEvents),
    make: () => inTurn(1),
  };
}
