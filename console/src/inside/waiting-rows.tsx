import { accountMessages } from '../words/account-messages.ts';

interface Props {
  readonly columns: number;
  readonly rows: number;
}

/** Where a list will be: as high as the shortest that is likely, so that little moves when it comes. */
export function WaitingRows({ columns, rows }: Props) {
  return Array.from({ length: rows }, (_, at) => (
    <tr role="row" class="waiting" key={at}>
      <td role="cell" colSpan={columns} class="head quiet">
        {at === 0 && accountMessages.account.loading}
      </td>
    </tr>
  ));
}
