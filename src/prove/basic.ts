/**
 * Basic (2-http-api, 3): the service key as user name, or a name with its password (and the code of its second factor), or
 * with the key derived for it.
 *
 *   known before → that is all; else: request (the pair becomes typed) → the keys, which nobody guesses → the walk of a password
 *
 * What was proven once is known for a while, and spares the hash (`verify/basic/known-proofs.ts`).
 */
import { refuse } from '../errors.ts';
import { withValue } from '../guard/admission.ts';
import type { BasicDoor, BasicProof, BasicShown, BasicVerifier } from '../guard/basic.ts';
import { secondFactorOf } from '../principal/factors.ts';
import type { BasicPrincipal, ServicePrincipal } from '../principal/principal.ts';
import type { Prover } from '../prove.ts';
import type { Recorder } from '../record/recorder.ts';
import { readBasic } from '../request/basic/basic-header.ts';
import { parseUsername } from '../request/username.ts';
import type { UserRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import type { UnknownSecrets } from '../throttle/unknown-secrets.ts';
import type { Circumstances, Clock, Digest, MaybePromise } from '../types.ts';
import { networkUse } from '../verify/acquaintance.ts';
import type { KnownProofs } from '../verify/basic/known-proofs.ts';
import type { ServiceKey, ServiceKeys } from '../verify/basic/service-key.ts';
import { compareUserKey, formOfUserKey } from '../verify/basic/user-key.ts';
import type { Memory } from '../verify/known/contract.ts';
import { limited } from './walk.ts';

export interface BasicParts {
  readonly store: Pick<Store, 'noteAccepted' | 'recordAttempt'>;
  readonly memory: Pick<Memory, 'loadUser'>;
  readonly keys: ServiceKeys;
  /** Whether the service key is taken from elsewhere than this machine. */
  readonly serviceKeyFrom: 'local' | 'anywhere';
  readonly proofs: KnownProofs;
  readonly prover: Pick<Prover, 'signIn'>;
  readonly unknown: UnknownSecrets;
  readonly recorder: Pick<Recorder, 'event' | 'passed' | 'refused' | 'keyRefused'>;
  readonly clock: Clock;
}

/** A pair that is tried, and where it came from. */
interface Tried {
  readonly key: Digest;
  readonly username: string;
  readonly secret: string;
  readonly code: string | undefined;
  readonly circumstances: Circumstances;
  /** The service key as it is. */
  readonly service: ServiceKey;
  /** Its password was proven before: only the limits, and a second factor, are asked again. */
  readonly before: BasicPrincipal | null;
}

const wrong = refuse('invalid_credentials', { fields: { requires_totp: false } });

export function basicVerifier(parts: BasicParts): BasicVerifier {
  const { memory, proofs, recorder, clock } = parts;
  const inFlight = new Map<Digest, Promise<BasicProof>>();

  const again = (principal: BasicPrincipal | ServicePrincipal): MaybePromise<BasicProof> =>
    withValue(parts.keys.current(), (service): MaybePromise<BasicProof> => {
      if (principal.kind === 'service') return principal.key === service.id ? principal : wrong;
      if (principal.serviceKey !== '' && principal.serviceKey !== service.id) return wrong;
      const { row } = principal.user;
      return memory.loadUser(row.username).then((loaded) => {
        if (loaded.kind === 'unknown' || standingOf(row, loaded.user.row) === 'changed') return wrong;
        return { ...principal, user: loaded.user };
      });
    });

  const accept = async (
    { key, before, service, circumstances: { address, peer } }: Tried,
    user: UserRow,
    via: BasicPrincipal['via'],
    moment: number,
  ): Promise<BasicProof> => {
    const loaded = await memory.loadUser(user.username);
    if (loaded.kind === 'unknown' || standingOf(user, loaded.user.row) === 'changed') return wrong;
    const fresh = { kind: 'basic', user: loaded.user, via, serviceKey: via === 'basic' ? '' : service.id } as const;
    const holder = before?.user === loaded.user ? before : fresh;
    const keep = (): void => (loaded.is === 'kept' ? proofs.keep(key, holder, moment) : undefined);
    // Of what is known nothing is written; a second factor is proven anew each time.
    if (before !== null && secondFactorOf(user) === 'none') {
      keep();
      return holder;
    }
    const { id: userId } = user;
    await parts.store.noteAccepted({
      userId,
      network: networkUse(address, clock),
      attempt: { userId, address, way: via, result: 'ok', at: clock.now() },
      audit: recorder.event({ event: 'basic-accepted', actor: userId, address, peer, way: via, target: userId }),
    });
    recorder.passed({ kind: 'basic', way: via });
    keep();
    // Writing takes a while, and others may have come to share this walk: what ended meanwhile is over for all of them.
    return again(holder);
  };

  /** 256 bits, which nobody guesses: never held up for what others have failed. */
  const byUserKey = async (tried: Tried, moment: number): Promise<BasicProof | { readonly kind: 'none' }> => {
    const { username, secret, service } = tried;
    const name = parseUsername(username);
    if (name.kind !== 'username' || formOfUserKey(secret) === 'other') return { kind: 'none' };
    const loaded = await memory.loadUser(name.username);
    if (loaded.kind === 'unknown' || !loaded.user.row.active) return { kind: 'none' };
    const { row } = loaded.user;
    return compareUserKey(secret, service.bytes, row).kind === 'equal'
      ? accept(tried, row, 'user-key', moment)
      : { kind: 'none' };
  };

  const prove = async (tried: Tried): Promise<BasicProof> => {
    const { key, username, secret: password, code, circumstances, before } = tried;
    // Whoever comes to share this walk tries nothing more.
    if (before === null) proofs.tried(circumstances.address);
    const moment = proofs.moment();
    const keyed = before === null ? await byUserKey(tried, moment) : ({ kind: 'none' } as const);
    if (keyed.kind !== 'none') return keyed;
    const proven = await parts.prover.signIn(
      { username, password, code, way: 'basic', kind: 'basic', provenFor: before?.user.row ?? null },
      circumstances,
    );
    if (proven.kind === 'refused') return proven;
    const { user } = proven;
    if (proven.kind === 'user') return accept(tried, user, 'basic', moment);
    const { address } = circumstances;
    const attempt = { userId: user.id, address, way: 'basic', result: 'half', at: clock.now() } as const;
    const [loaded] = await Promise.all([memory.loadUser(user.username), parts.store.recordAttempt(attempt)]);
    // The password is known from here on: with the code, it is not hashed again.
    if (loaded.kind === 'user' && loaded.is === 'kept' && standingOf(user, loaded.user.row) === 'same')
      proofs.keep(key, before ?? { kind: 'basic', user: loaded.user, via: 'basic', serviceKey: '' }, moment);
    return refuse('second_factor_required', { fields: { requires_totp: true } });
  };

  /** Equal requests at once are one walk: a client that opens six connections has given one password. */
  const together = (tried: Tried): Promise<BasicProof> => {
    if (tried.code !== undefined) return prove(tried);
    const running = inFlight.get(tried.key);
    if (running !== undefined) return running;
    const begun = prove(tried).finally(() => inFlight.delete(tried.key));
    inFlight.set(tried.key, begun);
    return begun;
  };

  const noteFar = (door: BasicDoor): Promise<void> => {
    const { address, peer } = door.circumstances();
    return recorder.refused({
      event: 'sign-in-refused',
      kind: 'service',
      guessed: 'unguessable',
      actor: '',
      way: 'service-key',
      userId: null,
      cause: 'not-local',
      address,
      peer,
    });
  };

  /** Asked of each request: one address may be near by one door and far by another. */
  const standsAt = (door: BasicDoor): 'near' | 'far' =>
    parts.serviceKeyFrom === 'anywhere' || door.locality() === 'local' ? 'near' : 'far';

  const byServiceKey = ({ id }: ServiceKey, key: Digest): BasicProof => {
    const proof = { kind: 'service', via: 'service-key', key: id } as const;
    recorder.passed({ kind: 'service', way: 'service-key' });
    proofs.keep(key, proof, proofs.moment());
    return proof;
  };

  /** From afar the key goes the way of one that is none, its limits and its time included, and whoever found it is told nothing. */
  const fromAfar = async (proving: MaybePromise<BasicProof>, door: BasicDoor): Promise<BasicProof> => {
    const proof = await proving;
    if (proof.kind === 'refused' && proof.code !== 'rate_limited') await noteFar(door);
    return proof;
  };

  const tryPair = (
    { encoded, code }: BasicShown,
    key: Digest,
    before: BasicPrincipal | null,
    service: ServiceKey,
    door: BasicDoor,
  ): MaybePromise<BasicProof> => {
    const pair = readBasic(encoded);
    if (pair.kind === 'malformed') return refuse('invalid_request', { detail: pair.detail });
    const { username, secret } = pair;
    const named = service.compare(username).kind === 'equal';
    if (named && standsAt(door) === 'near') return byServiceKey(service, key);
    const tried = { key, username, secret, code, circumstances: door.circumstances(), service, before };
    const proving = secret === '' ? byNothing(door) : together(tried);
    return named ? fromAfar(proving, door) : proving;
  };

  /** Nobody has an empty password: nothing is guessed, and nothing is hashed. */
  const byNothing = (door: BasicDoor): BasicProof => {
    const { address } = door.client();
    const standing = parts.unknown.standing(address);
    if (standing.kind === 'limited') return limited(standing);
    parts.unknown.charge(address);
    recorder.keyRefused();
    return wrong;
  };

  const verifyUnder = (service: ServiceKey, shown: BasicShown, door: BasicDoor): MaybePromise<BasicProof> => {
    const { address } = door.client();
    const key = proofs.keyOf(shown.encoded, address);
    const recalled = proofs.recall(key, address);
    if (recalled.kind === 'not-known') return tryPair(shown, key, null, service, door);
    const { holder } = recalled;
    if (holder.kind === 'service' && standsAt(door) === 'far') return tryPair(shown, key, null, service, door);
    const hangsOn = holder.kind === 'service' ? holder.key : holder.serviceKey;
    if (hangsOn !== '' && hangsOn !== service.id) {
      proofs.forget(key);
      return tryPair(shown, key, null, service, door);
    }
    if (holder.kind === 'service' || holder.via === 'user-key') return holder;
    const enough = recalled.kind === 'known' && secondFactorOf(holder.user.row) === 'none';
    return enough ? holder : tryPair(shown, key, holder, service, door);
  };

  return {
    verify: (shown, door) => withValue(parts.keys.current(), (service) => verifyUnder(service, shown, door)),

    again,
  };
}

/** Whether what was proven for a user holds for the same one as it is now. */
function standingOf(proven: UserRow, now: UserRow): 'changed' | 'same' {
  return now.id === proven.id && now.active && now.credentialGeneration === proven.credentialGeneration
    ? 'same'
    : 'changed';
}
