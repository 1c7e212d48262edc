/**
 * PEM (RFC 7468): blocks out of a text, whatever stands between them. Pure.
 * Stops: a file of the wrong kind that is told as a broken one.
 */

export interface PemBlock {
  /** `CERTIFICATE`, `EC PRIVATE KEY`. */
  readonly label: string;
  /** The block alone, from its first line to its last. */
  readonly pem: string;
  /** Protected by a passphrase, in either of the two ways. */
  readonly encrypted: 'no' | 'yes';
}

export type PemReading =
  | { readonly kind: 'too-large' }
  /** No block at all. `binary`: bytes that are no text, as in DER. */
  | { readonly kind: 'no-pem'; readonly form: 'text' | 'binary' | 'empty' }
  /** `cut`: the last block has no end, which is not among `blocks`. */
  | { readonly kind: 'blocks'; readonly blocks: readonly PemBlock[]; readonly end: 'whole' | 'cut' };

/** Characters of a file that is looked at at all. */
const longestPem = 1024 * 1024;

const begins = /^-----BEGIN ([A-Z0-9][A-Z0-9 ]{0,62})-----$/;

export function readPem(text: string): PemReading {
  if (text.length > longestPem) return { kind: 'too-large' };
  const blocks: PemBlock[] = [];
  let open: { readonly label: string; readonly lines: string[] } | undefined;
  let cut: 'whole' | 'cut' = 'whole';
  for (const line of text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/)) {
    const written = line.trim();
    const label = begins.exec(written)?.[1];
    if (label !== undefined) {
      // A beginning inside a block: what came before it has no end.
      if (open !== undefined) cut = 'cut';
      open = { label, lines: [written] };
    } else if (open !== undefined) {
      open.lines.push(written);
      if (written !== `-----END ${open.label}-----`) continue;
      blocks.push(blockOf(open.label, open.lines));
      open = undefined;
    }
  }
  if (open !== undefined) cut = 'cut';
  if (blocks.length > 0 || cut === 'cut') return { kind: 'blocks', blocks, end: cut };
  if (text.trim() === '') return { kind: 'no-pem', form: 'empty' };
  return { kind: 'no-pem', form: /[\0\uFFFD]/.test(text) ? 'binary' : 'text' };
}

function blockOf(label: string, lines: readonly string[]): PemBlock {
  const protectedBody = lines.slice(1, 4).some((line) => /^Proc-Type: *4, *ENCRYPTED$/i.test(line));
  const encrypted = label === 'ENCRYPTED PRIVATE KEY' || protectedBody ? 'yes' : 'no';
  return { label, pem: `${lines.join('\n')}\n`, encrypted };
}
