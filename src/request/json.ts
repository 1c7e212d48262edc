/**
 * The one JSON reader for request bodies (RFC 8259; 2-http-api, 2): UTF-8 only, no duplicate keys, no lone surrogates, bounded
 * depth. Pure. Stops: two parsers that disagree about one body, and text that no store keeps as it came.
 */

export type JsonReading =
  | { readonly kind: 'malformed'; readonly detail: string }
  | { readonly kind: 'value'; readonly value: unknown };

const deepest = 32;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function readJson(bytes: Uint8Array): JsonReading {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    return { kind: 'malformed', detail: 'The body is not UTF-8.' };
  }
  const shape = checkShape(text);
  if (shape !== undefined) return { kind: 'malformed', detail: shape };
  try {
    return { kind: 'value', value: JSON.parse(text) as unknown };
  } catch {
    return { kind: 'malformed', detail: 'The body is not JSON.' };
  }
}

/**
 * What `JSON.parse` lets pass: equal keys in one object, lone surrogates, any depth. Walks the text once; text that is
 * not JSON may pass here and fails there.
 */
function checkShape(text: string): string | undefined {
  const open: (Set<string> | undefined)[] = [];
  let at = 0;
  while (at < text.length) {
    const character = text.charAt(at);
    if (character === '{' || character === '[') {
      open.push(character === '{' ? new Set() : undefined);
      if (open.length > deepest) return 'The body is nested too deeply.';
    } else if (character === '}' || character === ']') {
      open.pop();
    } else if (character === '"') {
      const end = endOfString(text, at);
      if (end === -1) return 'The body is not JSON.';
      const value = stringValue(text.slice(at, end));
      if (value === undefined) return 'The body is not JSON.';
      if (!value.isWellFormed()) return 'The body holds a broken character.';
      const keys = open.at(-1);
      if (keys !== undefined && nextCharacter(text, end) === ':') {
        if (keys.has(value)) return `The body names "${value.slice(0, 64)}" twice.`;
        keys.add(value);
      }
      at = end;
      continue;
    }
    at += 1;
  }
  return undefined;
}

function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 92) at += 1;
    else if (code === 34) return at + 1;
  }
  return -1;
}

function nextCharacter(text: string, from: number): string {
  let at = from;
  while (' \t\n\r'.includes(text.charAt(at)) && at < text.length) at += 1;
  return text.charAt(at);
}

function stringValue(quoted: string): string | undefined {
  try {
    return JSON.parse(quoted) as string;
  } catch {
    return undefined;
  }
}
