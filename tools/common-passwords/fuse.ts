/**
 * Builds the binary fuse filter that `src/policy/common-passwords.ts` reads (Graf and Lemire, "Binary Fuse Filters",
 * 2022, section 4): three cells for each entry; cells with one entry left are taken off one after the other, then filled
 * in the opposite order. Some seeds leave a knot; the next one is tried.
 */
import {
  cellsOf,
  checksumOf,
  filterFormat,
  type FilterCells,
  type FilterShape,
} from '../../src/policy/common-passwords.ts';

/** The same entries give the same bytes, whatever their order. */
export function buildFilter(entries: ReadonlySet<string>, covered: number): Buffer {
  const sorted = [...entries].sort();
  for (let attempt = 1; attempt <= 100; attempt += 1) {
    const shape = shapeFor(sorted.length, attempt * 3);
    const peeled = peel(sorted, shape);
    if (peeled.kind === 'peeled') return written(peeled.steps, shape, sorted.length, covered);
  }
  throw new Error('no seed fits: are there two entries with the same hash?');
}

/** The paper's figures for three cells: about 1.16 cells an entry at this size. */
function shapeFor(count: number, seed: number): FilterShape {
  const segmentLength = 2 ** Math.floor(Math.log(count) / Math.log(3.33) + 2.25);
  const factor = Math.max(1.125, 0.875 + (0.25 * Math.log(1_000_000)) / Math.log(count));
  const segments = Math.ceil(Math.round(count * factor) / segmentLength);
  return { seed, segmentLength, segmentCount: Math.max(1, segments - 2) };
}

interface Step {
  readonly entry: FilterCells;
  /** The cell that was the entry's alone. */
  readonly own: number;
}

type Peeling = { readonly kind: 'knot' } | { readonly kind: 'peeled'; readonly steps: readonly Step[] };

function peel(entries: readonly string[], shape: FilterShape): Peeling {
  const cells = entries.map((entry) => cellsOf(entry, shape));
  const size = (shape.segmentCount + 2) * shape.segmentLength;
  const count = new Uint32Array(size);
  /** XOR of the numbers of the entries in a cell: with one left, its number. */
  const which = new Uint32Array(size);
  cells.forEach(({ at }, number) => {
    for (const cell of at) toggle(cell, number, 1);
  });
  const alone = [...count.keys()].filter((cell) => count[cell] === 1);
  const steps: Step[] = [];
  for (let own = alone.pop(); own !== undefined; own = alone.pop()) {
    const number = which[own];
    const entry = number === undefined ? undefined : cells[number];
    if (count[own] !== 1 || number === undefined || entry === undefined) continue;
    steps.push({ entry, own });
    for (const cell of entry.at) {
      toggle(cell, number, -1);
      if (count[cell] === 1) alone.push(cell);
    }
  }
  return steps.length === entries.length ? { kind: 'peeled', steps } : { kind: 'knot' };

  function toggle(cell: number, number: number, by: number): void {
    count[cell] = (count[cell] ?? 0) + by;
    which[cell] = (which[cell] ?? 0) ^ number;
  }
}

function written(steps: readonly Step[], shape: FilterShape, entries: number, covered: number): Buffer {
  const { headerBytes, magic, version, crcAt } = filterFormat;
  const cells = new Uint16Array((shape.segmentCount + 2) * shape.segmentLength);
  for (const { entry, own } of steps.toReversed()) {
    // The entry's own cell is still zero, so this is the XOR of the other two.
    const others = entry.at.reduce((sum, cell) => sum ^ (cells[cell] ?? 0), 0);
    cells[own] = others ^ entry.fingerprint;
  }
  const file = Buffer.alloc(headerBytes + cells.length * 2);
  file.write(magic, 0, 'latin1');
  [version, entries, shape.seed, shape.segmentLength, shape.segmentCount, covered].forEach((value, place) =>
    file.writeUInt32LE(value, 4 + place * 4),
  );
  cells.forEach((cell, index) => file.writeUInt16LE(cell, headerBytes + index * 2));
  file.writeUInt32LE(checksumOf(file), crcAt);
  return file;
}
