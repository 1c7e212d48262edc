/** Keys that nothing new is made under; they stay as long as something that was made under them may live. */
import type { Key, KeyPurpose } from '../api/keys.ts';
import { Moment } from '../parts/moment.tsx';
import { keyMessages } from '../words/key-messages.ts';

const words = keyMessages.oldKeys;

interface Props {
  readonly purpose: KeyPurpose;
  readonly keys: readonly Key[];
}

export function OldKeys({ purpose, keys }: Props) {
  const summary = words.summary(keys.length);
  const counted = keys.some(({ uses }) => uses !== 'not-counted');
  return (
    <details class="more">
      <summary>{summary}</summary>
      <div class="table">
        <table role="table" aria-label={summary}>
          <thead role="rowgroup">
            <tr role="row">
              <th role="columnheader">{words.key}</th>
              <th role="columnheader">{words.until}</th>
              {counted && <th role="columnheader">{words.under}</th>}
              <th role="columnheader">{words.stays}</th>
            </tr>
          </thead>
          <tbody role="rowgroup">
            {keys.map((key) => (
              <Row key={key.id} purpose={purpose} of={key} />
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

function Row({ purpose, of: { id, nextFrom, keptUntil, uses } }: { readonly purpose: KeyPurpose; readonly of: Key }) {
  return (
    <tr role="row">
      <td role="cell" class="head">
        <code class="key-id">{id}</code>
      </td>
      <td role="cell" data-label={words.until}>
        {nextFrom > 0 && <Moment at={nextFrom} />}
      </td>
      {uses !== 'not-counted' && (
        <td role="cell" data-label={words.under}>
          {underIt(purpose, uses)}
        </td>
      )}
      <td role="cell" data-label={words.stays}>
        {uses !== 'not-counted' && uses > 0 ? words.empty : keptUntil > 0 && <Moment at={keptUntil} />}
      </td>
    </tr>
  );
}

function underIt(purpose: KeyPurpose, count: number): string {
  return purpose === 'audit' ? words.checkpoints(count) : words.values(count);
}
