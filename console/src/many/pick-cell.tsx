import { manyMessages } from '../words/many-messages.ts';
import type { Selection } from './selection.ts';

interface Props {
  readonly id: string;
  readonly label: string;
  readonly selection: Selection;
}

/** In the row of what can be picked; a corner of the card on a narrow screen. */
export function PickCell({ id, label, selection }: Props) {
  return (
    <td role="cell" class="pick check">
      <input
        type="checkbox"
        autocomplete="off"
        aria-label={label}
        checked={selection.ids.has(id)}
        onChange={() => selection.toggle(id)}
      />
    </td>
  );
}

/** What has to be done by itself has a place there all the same. */
export function NoPickCell() {
  return <td role="cell" class="pick" />;
}

export function PickHead() {
  return (
    <th role="columnheader">
      <span class="unseen">{manyMessages.many.pick}</span>
    </th>
  );
}
