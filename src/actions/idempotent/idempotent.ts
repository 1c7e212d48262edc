/**
 * Requests with an Idempotency-Key (TT8; 3-rules, Idempotency): what such a request does is done at most once, and whoever asks
 * again is given the first answer. Our own routes and those of an embedding application take the same way.
 *
 * Begun in the store before anything is done, and answered for there afterwards. What is cut short between the two, by a
 * crash or a fault, stays begun: whether it was done is not known, and it is never done again under that key.
 */
import { keyedDigest } from '../../crypto/digest.ts';
import type { Keyring } from '../../crypto/keyring.ts';
import { newName, type Random } from '../../crypto/random.ts';
import type { ActingPrincipal } from '../../principal/principal.ts';
import type { Log } from '../../record/recorder.ts';
import type { Store } from '../../store/store.ts';
import type { Clock, Digest, Millis } from '../../types.ts';
import { type Binding, pack, unpack } from './answers.ts';
import { leaseMs, leases } from './leases.ts';

/** A request that carries a key, and what it does. */
export interface IdempotentAsking<T> {
  /** Whose key it is: whoever the guard let in, or a user id, or a word of the embedding application's. Keys of two owners are two keys. */
  readonly owner: ActingPrincipal | string;
  /** The secret as it was shown (`Admitted.shown`). Empty: secrets of the answer are kept for nobody. */
  readonly credential: string;
  /** The header `Idempotency-Key` as it came. */
  readonly key: string;
  /** What is asked for: another request under the same key is refused. Leave out of the body what confirms a person. */
  readonly asked: {
    readonly method: string;
    /** With its query. */
    readonly path: string;
    readonly body: string | Uint8Array;
  };
  /** Called once, or not at all. Where it throws, what came of it counts as unknown. */
  readonly effect: () => Promise<T> | T;
  /** What whoever asks again is given; null where nothing was done, so that the next one may begin anew. */
  readonly keep: (answer: T) => ToKeep | null;
}

export interface ToKeep {
  /** Anything that JSON can say. */
  readonly value: unknown;
  /** Names of fields that are secrets, wherever they stand in the value: for the same credential alone. */
  readonly secrets?: readonly string[];
}

export type IdempotentOutcome<T> =
  /** The key is no 1 to 255 visible ASCII characters: 400. Nothing was done. */
  | { readonly kind: 'malformed-key'; readonly why: string }
  /** Somebody is at the same request now: 409, and worth asking again. */
  | { readonly kind: 'in-progress' }
  /** The key was used for another request: 422. */
  | { readonly kind: 'mismatch' }
  /** It was begun, and what came of it was not written: 409, under this key for good. */
  | { readonly kind: 'unknown' }
  /** What was kept of the first answer, without its secrets where another credential asks. */
  | { readonly kind: 'replayed'; readonly value: unknown }
  | { readonly kind: 'done'; readonly answer: T };

/** Throws what the effect throws, and a `StoreFault` where the store cannot begin: then nothing was done. */
export type Idempotent = <T>(asking: IdempotentAsking<T>) => Promise<IdempotentOutcome<T>>;

export interface IdempotentParts {
  readonly store: Pick<Store, 'beginIdempotent' | 'keepAnswer' | 'freeIdempotent' | 'renewIdempotent'>;
  readonly keyring: Pick<Keyring, 'cookieKeys'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

const keptMs = 24 * 3_600_000;
/** Of one owner; the oldest gives way. */
const cap = 1000;
const visible = /^[\x21-\x7e]{1,255}$/;

export function idempotentRequests(parts: IdempotentParts): Idempotent {
  const { store, keyring, clock, random, log } = parts;
  const underWay = leases(parts);

  const settle = async <T>(answer: T, keep: IdempotentAsking<T>['keep'], held: Binding, holder: string) => {
    const { owner, key } = held;
    try {
      const kept = keep(answer);
      if (kept === null) await store.freeIdempotent({ owner, key, holder });
      else await store.keepAnswer({ owner, key, holder, answer: pack(kept.value, kept.secrets ?? [], held, random) });
    } catch (fault) {
      // It is done all the same: whoever asked is told, whoever asks again is told that it is not known.
      log.error({ err: fault }, 'the answer to an idempotent request could not be kept');
    }
  };

  return async ({ owner: whose, credential, key: text, asked, effect, keep }) => {
    if (!visible.test(text))
      return { kind: 'malformed-key', why: 'Idempotency-Key is 1 to 255 visible ASCII characters, sent once.' };
    const owner = ownerOf(whose);
    const under = (pepper: Uint8Array): Binding & { readonly fingerprint: Digest } => ({
      owner,
      key: keyedDigest(pepper, 'idempotency-key', owner, text),
      fingerprint: keyedDigest(pepper, 'idempotency-request', asked.method, asked.path, asked.body),
      credential,
      text,
      pepper,
    });
    const [pepper = new Uint8Array(), ...peppers] = keyring.cookieKeys();
    const held = under(pepper);
    const { key, fingerprint } = held;
    // It may have been begun under a key before this one, or by a node whose clock is ahead.
    const others = peppers.map(under);
    // One for each: what is begun and given up here is not renewed along with what goes on.
    const holder = newName(random);
    const at = clock.now();
    const begun = await store
      .beginIdempotent({
        owner,
        key,
        fingerprint,
        others: others.map((each) => ({ key: each.key, fingerprint: each.fingerprint })),
        holder,
        at,
        leaseUntil: (at + leaseMs) as Millis,
        endsAt: (at + keptMs) as Millis,
        cap,
      })
      .catch((fault: unknown) => {
        // It may have begun, and its word was lost on the way back. Nothing is done: the key need not wait for its end.
        void store.freeIdempotent({ owner, key, holder }).catch(() => undefined);
        throw fault;
      });
    if (begun.kind === 'kept') {
      const of = [held, ...others].find((each) => each.key === begun.key) ?? held;
      return { kind: 'replayed', value: unpack(begun.answer, of) };
    }
    if (begun.kind !== 'begun') return begun;
    underWay.hold(holder);
    try {
      const answer = await effect();
      await settle(answer, keep, held, holder);
      return { kind: 'done', answer };
    } finally {
      underWay.letGo(holder);
    }
  };
}

/** An account whatever it came by, so that a repetition may come by another way; the service key is its own. */
function ownerOf(owner: ActingPrincipal | string): string {
  if (typeof owner === 'string') return owner;
  return 'user' in owner ? owner.user.row.id : owner.via;
}
