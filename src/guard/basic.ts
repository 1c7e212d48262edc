/** What the guard asks of whoever proves Basic: the walk itself is in `prove/basic.ts`. */
import type { Refusal } from '../errors.ts';
import type { BasicPrincipal, ServicePrincipal } from '../principal/principal.ts';
import type { Client } from '../request/address.ts';
import type { Locality } from '../request/arrival.ts';
import type { Circumstances, MaybePromise } from '../types.ts';

export interface BasicShown {
  /** What stands behind the scheme. */
  readonly encoded: string;
  /** Code of the second factor; undefined when none came. */
  readonly code: string | undefined;
}

/** Where Basic is read, and what came along with it. */
export interface BasicDoor {
  readonly client: () => Client;
  readonly circumstances: () => Circumstances;
  readonly locality: () => Locality;
}

export type BasicProof = Refusal | BasicPrincipal | ServicePrincipal;

export interface BasicVerifier {
  /** Throws when the store cannot answer. */
  verify(shown: BasicShown, door: BasicDoor): MaybePromise<BasicProof>;
  /** Whoever was found before, as of now. */
  again(principal: BasicPrincipal | ServicePrincipal): MaybePromise<BasicProof>;
}
