/** What memory answers (3-rules, The hot path); how it does is in `../memory.ts`. */
import type { Change, InstallationState } from '../../store/rows.ts';
import type { Digest, MaybePromise, Username } from '../../types.ts';
import type { Held, KnownSession, KnownTicket, KnownToken, KnownUser, VerifiedTicket } from '../holders.ts';
import type { KnownInstallation } from './known-installation.ts';

export type Recall<Known = KnownSession> = { readonly kind: 'stale' } | { readonly kind: 'not-known' } | Known;

export interface Memory {
  /** Setup state as of now; throws when the store cannot be read. */
  state(): MaybePromise<InstallationState>;
  /** The same, with the boot that sessions which are not durable belong to. */
  installation(): MaybePromise<KnownInstallation>;
  /** The boot that was last read: what new sessions carry. */
  readonly boot: () => string;
  /** What memory says now. `stale`: changes have not been read for too long; refresh first. */
  recall(digest: Digest): Recall;
  /** `unknown`: the store was asked, and no such token has been made since. */
  recallToken(digest: Digest): Recall<KnownToken> | { readonly kind: 'unknown' };
  /** Reads changes, by a read that begins after this is asked; throws when the store cannot be read. */
  refresh(): Promise<void>;
  /** Looks a session up in the store and keeps it when nothing changed meanwhile. */
  load(digest: Digest, which?: 'durable'): Promise<{ readonly kind: 'unknown' } | KnownSession>;
  loadToken(digest: Digest): Promise<{ readonly kind: 'unknown' } | KnownToken>;
  /** Of signed tickets, by the digest of their text: those whose signature was found right. */
  recallTicket(shown: Digest): Recall<KnownTicket>;
  /** Whose a ticket of right signature is, and whether it was signed out. */
  loadTicket(ticket: VerifiedTicket): Promise<{ readonly kind: 'unknown' | 'revoked' } | KnownTicket>;
  /** A user as memory keeps it. `passing`: it was changed while it was looked up, and is to be believed for one request. */
  loadUser(
    username: Username,
  ): Promise<
    { readonly kind: 'unknown' } | { readonly kind: 'user'; readonly user: KnownUser; readonly is: 'kept' | 'passing' }
  >;
  /** Drops one entry, so that the next use is a fresh read. */
  forget(digest: Digest): void;
  /** What this process changed itself, in any order, and maybe before changes of others with lower numbers are read. */
  apply(changes: readonly Change[]): void;
  /** From now on what it covers is unknown, whatever the store says. Returns how to lift it. */
  bar(covers: (held: Held) => boolean): () => void;
  readonly size: number;
  /** Since it was made; `readMsAgo`: since changes were last read whole. */
  figures(): {
    readonly sessions: number;
    readonly tokens: number;
    readonly tickets: number;
    readonly hits: number;
    readonly misses: number;
    readonly readMsAgo: number;
  };
}
