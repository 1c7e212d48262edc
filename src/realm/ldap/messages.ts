/**
 * Where a message of a directory begins and ends (RFC 4511 section 5.1): the client behind this gets one whole message at a
 * time, of a bounded size. Given many at once it reads one inside the other, until there is no stack left; given a large one in
 * pieces it copies all of it for each; and half of one, said before TLS, would become the beginning of the next. Pure.
 */

export type Read = { readonly kind: 'unreadable' } | { readonly kind: 'messages'; readonly all: readonly Buffer[] };

const sequence = 0x30;
const longForm = 0x80;
const mostLengthBytes = 4;

/** `most`: bytes of one message. */
export function messageReader(most: number): (bytes: Buffer) => Read {
  let parts: Buffer[] = [];
  let size = 0;
  return (bytes) => {
    parts.push(bytes);
    size += bytes.length;
    const all: Buffer[] = [];
    for (;;) {
      // A header that came in pieces.
      if (parts.length > 1 && (parts[0]?.length ?? 0) < 2 + mostLengthBytes) parts = [Buffer.concat(parts)];
      const [first] = parts;
      if (first === undefined) break;
      const whole = wholeSize(first);
      if (whole === 'unreadable' || (whole !== 'more' && whole > most)) return { kind: 'unreadable' };
      if (whole === 'more' || size < whole) break;
      const joined = parts.length === 1 ? first : Buffer.concat(parts);
      all.push(joined.subarray(0, whole));
      const rest = joined.subarray(whole);
      parts = rest.length === 0 ? [] : [rest];
      size = rest.length;
    }
    return { kind: 'messages', all };
  };
}

/** Of header and content; `more`: the header is not whole yet. */
function wholeSize(bytes: Buffer): number | 'more' | 'unreadable' {
  const [tag, length] = bytes;
  if (tag !== undefined && tag !== sequence) return 'unreadable';
  if (length === undefined) return 'more';
  if (length < longForm) return 2 + length;
  const lengthBytes = length - longForm;
  // Its end would be told in its midst: no directory says it so.
  if (lengthBytes === 0 || lengthBytes > mostLengthBytes) return 'unreadable';
  return bytes.length < 2 + lengthBytes ? 'more' : 2 + lengthBytes + bytes.readUIntBE(2, lengthBytes);
}
