/** Answers to commands as lines of text. */

export type Fields = Readonly<Record<string, unknown>>;

/** Cells under one another. */
export function table(rows: readonly (readonly string[])[]): readonly string[] {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/** A list in an answer; none is an empty one. */
export function rowsOf(value: unknown): readonly Fields[] {
  return (value ?? []) as readonly Fields[];
}

export function textsOf(value: unknown): string {
  return Array.isArray(value) ? value.map(text).join(', ') : '';
}

export function text(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}
