/** What became of each row: those that went wrong first, and of a long list its beginning. */
import '../look/many.css';
import type { RowResult } from '../api/many.ts';
import { manyMessages } from '../words/many-messages.ts';
import { messages } from '../words/messages.ts';

const words = manyMessages.many;

interface Props {
  readonly rows: readonly RowResult[];
  readonly nameOf: (row: number) => string;
  readonly said: (row: RowResult) => string;
}

/** Each of those that went wrong is to be looked at; of the others a few show that they were read rightly. */
const mostShown = { refused: 50, done: 10 } as const;

export function ResultsTable({ rows, nameOf, said }: Props) {
  const shown = (['refused', 'done'] as const).flatMap((kind) =>
    rows.filter((row) => row.kind === kind).slice(0, mostShown[kind]),
  );
  const hidden = rows.length - shown.length;
  return (
    <div class="results">
      <div class="table">
        <table role="table" aria-label={words.results}>
          <thead role="rowgroup">
            <tr role="row">
              <th role="columnheader">{words.row}</th>
              <th role="columnheader">{words.name}</th>
              <th role="columnheader">{words.result}</th>
            </tr>
          </thead>
          <tbody role="rowgroup">
            {shown.map((each) => (
              <tr role="row" key={each.row}>
                <td role="cell" class="number">
                  {each.row}
                </td>
                <td role="cell" class="many">
                  {nameOf(each.row)}
                </td>
                <td role="cell">
                  <span class={each.kind === 'done' ? 'mark' : 'mark bad'}>{said(each)}</span>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {hidden > 0 && <p class="quiet">{words.more(hidden)}</p>}
    </div>
  );
}

/** The catalogue's `text` first; the server's own sentence for what this version of the pages does not know. */
export function refusedText(row: Extract<RowResult, { kind: 'refused' }>, text: string | undefined): string {
  return text ?? (row.detail || messages.trouble.unknown);
}
