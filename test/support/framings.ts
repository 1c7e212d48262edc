/** Ways to say where a request's body ends that no two servers read alike (security.md P-20). */
export interface Framing {
  readonly name: string;
  readonly headers: readonly string[];
  readonly body: string;
}

const framing = (name: string, headers: readonly string[], body: string): Framing => ({ name, headers, body });
const chunked = 'Transfer-Encoding: chunked';
const end = '0\r\n\r\n';

export const framings: readonly Framing[] = [
  framing('length and chunked', ['Content-Length: 5', chunked], end),
  framing('chunked and length', [chunked, 'Content-Length: 5'], end),
  framing('chunked and a length of none', [chunked, 'Content-Length: 0'], end),
  framing('chunked twice', [chunked, chunked], end),
  framing('chunked, identity', ['Transfer-Encoding: chunked, identity'], end),
  framing('identity, chunked', ['Transfer-Encoding: identity, chunked'], end),
  framing('a coding nobody knows', ['Transfer-Encoding: xchunked'], end),
  framing('chunked in quotes', ['Transfer-Encoding: "chunked"'], end),
  framing('chunked after a vertical tab', ['Transfer-Encoding: \u000bchunked'], end),
  framing('a space before the colon', ['Transfer-Encoding : chunked'], end),
  framing('a folded header', ['Transfer-Encoding:\r\n chunked'], end),
  framing('a bare CR', ['X-A: b\rTransfer-Encoding: chunked'], end),
  framing('a bare LF', ['X-A: b\nX-B: c', 'Content-Length: 0'], ''),
  framing('NUL in a name', ['X\u0000A: b', 'Content-Length: 0'], ''),
  framing('two lengths', ['Content-Length: 5', 'Content-Length: 6'], 'hello!'),
  framing('two lengths that agree', ['Content-Length: 5', 'Content-Length: 5'], 'hello'),
  framing('lengths in a list', ['Content-Length: 5, 5'], 'hello'),
  framing('a negative length', ['Content-Length: -1'], ''),
  framing('a signed length', ['Content-Length: +5'], 'hello'),
  framing('a length in hexadecimal', ['Content-Length: 0x5'], 'hello'),
  framing('a length that overflows', ['Content-Length: 18446744073709551617'], 'h'),
  framing('a chunk size that is none', [chunked], `0x5\r\nhello\r\n${end}`),
  framing('a chunk size that overflows', [chunked], 'ffffffffffffffff1\r\nh'),
  framing('a negative chunk size', [chunked], `-1\r\n\r\n${end}`),
  framing('a chunk that ends with LF alone', [chunked], '5\nhello\n0\n\n'),
  framing('a chunk longer than it says', [chunked], `3\r\nhello\r\n${end}`),
  framing('chunk extensions of 64 KiB', [chunked], `5;${'x'.repeat(65_536)}\r\nhello\r\n${end}`),
  framing('a length among the trailers', [chunked], '0\r\nContent-Length: 5\r\n\r\nhello'),
  framing('chunked among the trailers', [chunked], '0\r\nTransfer-Encoding: chunked\r\n\r\n'),
];
