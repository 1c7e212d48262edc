/** The library's public face: what an embedding application may rely on. Anything not listed here may change. */
export type { Idempotent, IdempotentAsking, IdempotentOutcome, ToKeep } from './actions/idempotent/idempotent.ts';
export { type Forwarding, forwarding } from './adapters/forwarding.ts';
export { type Forwarder, nodeListeners, type NodeAdapter, type NodeListeners } from './adapters/node.ts';
export { loadSettings, type Loaded } from './config/load.ts';
export type { Settings } from './config/schema.ts';
export { type Random, systemRandom } from './crypto/random.ts';
export { type ErrorCode, problems } from './errors.ts';
export type { ApplicationGate, Gate, Guard } from './guard.ts';
export type { Admission, Admitted, Rejected } from './guard/admission.ts';
export type { Answer, Forward, Written } from './http/answer.ts';
export { type Pages, readPages } from './http/pages.ts';
export type { ActingPrincipal, Principal, UserPrincipal } from './principal/principal.ts';
export type {
  OutsideRealm,
  RealmAway,
  RealmEntry,
  RealmListing,
  RealmLookup,
  RealmPasswordChange,
  RealmProof,
} from './realm/contract.ts';
export type { Log } from './record/recorder.ts';
export type { Places } from './request/arrival.ts';
export type { Incoming } from './request/incoming.ts';
export { createSallyport, type Creation, type Sallyport, type SallyportOptions, systemClock } from './setup.ts';
export { openSqliteStore } from './store/sqlite/open.ts';
export { type Store, StoreFault } from './store/store.ts';
export type { Certificates } from './tls/contract.ts';
export type { Clock, Millis, Origin, SessionKind } from './types.ts';
