/**
 * The walk for a link that somebody shows: 256 bits, which nobody guesses, so that a valid one goes on whatever others did in
 * its network. Wrong ones are charged like every other secret that is typed or pasted (3-rules, Guessing). Proving spends
 * nothing.
 */
import { digest } from '../crypto/digest.ts';
import { refuse, type Refusal } from '../errors.ts';
import type { LinkRow, UserRow } from '../store/rows.ts';
import type { Circumstances, Clock, Digest } from '../types.ts';
import type { Acquaintances } from '../verify/acquaintance.ts';
import { limited, noted, walker, type WalkParts } from './walk.ts';

export interface ProvenLink {
  readonly kind: 'link';
  readonly link: LinkRow;
  readonly user: UserRow;
}

export interface LinkProver {
  /** Whether it would be refused unseen now, before anything that works once is spent on it. */
  standing(text: string, circumstances: Pick<Circumstances, 'address'>): Promise<Refusal | { readonly kind: 'open' }>;
  link(text: string, circumstances: Circumstances): Promise<Refusal | ProvenLink>;
}

export interface LinkProverParts extends WalkParts {
  readonly acquaintances: Acquaintances;
  readonly clock: Clock;
}

const way = 'link';

/** What is stored of a link, and what it is looked up by. */
export function linkDigest(secret: string): Digest {
  return digest(`link:${secret}`);
}

export function linkProver(parts: LinkProverParts): LinkProver {
  const { store, limiter, recorder, clock } = parts;
  const walk = walker(parts);
  const find = async (text: string): Promise<{ readonly kind: 'none' } | ProvenLink> => {
    const found = await store.link(linkDigest(text), clock.now());
    return found.kind === 'valid' && found.user.active ? { ...found, kind: 'link' } : { kind: 'none' };
  };
  return {
    standing: async (text, { address }) => {
      if ((await find(text)).kind === 'link') return { kind: 'open' };
      const anybody = { kind: 'stranger', network: 'seen-before' } as const;
      const standing = await limiter.standing({ way, address, standing: anybody });
      if (standing.kind === 'open') return standing;
      recorder.limited({ way, address }, standing.retryAfterSeconds);
      return limited(standing);
    },

    link: async (text, circumstances) => {
      const found = await find(text);
      if (found.kind === 'link') return found;
      const { address } = circumstances;
      const { standing } = await parts.acquaintances.of(null, circumstances);
      return walk<never>(
        { way, address, standing, subject: { kind: 'nobody' } },
        circumstances,
        () => {
          const refusal = refuse('link_invalid');
          return Promise.resolve({
            kind: 'failed',
            failure: { refusal, userId: null, cause: 'no-link', charge: 'charged' },
          });
        },
        (failure) =>
          recorder.refused({
            event: 'link-refused',
            kind: 'link',
            guessed: { kind: 'nobody' },
            actor: '',
            way,
            ...noted(failure, circumstances),
          }),
      );
    },
  };
}
