/**
 * Lines of the failure log, for fail2ban (PM7; 3-rules, Logs, audit, metrics). One line each, whatever was typed: nothing
 * in a name can be taken for an address, end a line, or tell a password. Pure.
 */
import type { Subject } from '../../throttle/places.ts';
import type { Address, Millis, Username } from '../../types.ts';

/** Who was tried. */
export type Named =
  | { readonly kind: 'nobody' }
  /** A name that is no account: people type passwords there, so it is told by a keyed digest. */
  | { readonly kind: 'unknown'; readonly pseudonym: string }
  | { readonly kind: 'account'; readonly username: Username };

/** `typed`: canonical where it can be. */
export function namedBy(typed: string, subject: Exclude<Subject, { kind: 'nobody' }>): Named {
  if (subject.kind === 'user') return { kind: 'account', username: typed as Username };
  return typed === '' ? { kind: 'nobody' } : subject;
}

/** Without its time and tag, which every place that it goes to writes in its own way. */
export function failureText(address: Address, named: Named): string {
  return `authentication failure; rhost=${address} user=${nameText(named)}`;
}

export function limitedText(address: Address, retryAfterSeconds: number): string {
  return `login rate limit exceeded; rhost=${address} retry_after=${retryAfterSeconds}s`;
}

/** `2026-11-21 22:00:00,123 sallyport: …`, in UTC. */
export function fileLine(tag: string, at: Millis, text: string): string {
  return `${new Date(at).toISOString().replace('T', ' ').replace('.', ',').slice(0, -1)} ${tag}: ${text}\n`;
}

function nameText(named: Named): string {
  switch (named.kind) {
    case 'nobody':
      return 'unknown';
    case 'unknown':
      return `~${Buffer.from(named.pseudonym, 'base64url').toString('hex').slice(0, 8)}`;
    case 'account':
      return encoded(named.username);
  }
}

/** Percent-encoded UTF-8 outside of what is plain everywhere. */
function encoded(text: string): string {
  return [...Buffer.from(text)]
    .map((byte) => {
      const sign = String.fromCharCode(byte);
      return /[A-Za-z0-9._@+-]/.test(sign) ? sign : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');
}
