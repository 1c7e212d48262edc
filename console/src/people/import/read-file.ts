/** A file as text, if it is one: spreadsheets save in encodings that would turn names into others. */

export type FileRead =
  | { readonly kind: 'read'; readonly csv: string }
  | { readonly kind: 'empty' | 'large' | 'encoding' | 'unreadable' };

/** More is refused by the server. */
const mostBytes = 8_388_608;

export function isTooLarge(data: Blob): boolean {
  return data.size > mostBytes;
}

export async function readCsvFile(file: File): Promise<FileRead> {
  if (isTooLarge(file)) return { kind: 'large' };
  let bytes: ArrayBuffer;
  try {
    bytes = await file.arrayBuffer();
  } catch {
    // Changed or moved since it was chosen.
    return { kind: 'unreadable' };
  }
  if (bytes.byteLength === 0) return { kind: 'empty' };
  try {
    return { kind: 'read', csv: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    return { kind: 'encoding' };
  }
}
