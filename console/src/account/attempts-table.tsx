import type { SignInAttempt } from '../api/account.ts';
import { Moment } from '../parts/moment.tsx';
import { accountMessages } from '../words/account-messages.ts';
import { known } from '../words/refusal-text.ts';
import { Address } from '../inside/address.tsx';
import { WaitingRows } from '../inside/waiting-rows.tsx';

const words = accountMessages.attempts;

/** A table, and cards on a narrow screen; the roles are written out because a table drawn as cards loses them. */
export function AttemptsTable({ attempts }: { readonly attempts: readonly SignInAttempt[] | 'waiting' }) {
  return (
    <div class="table compact" aria-busy={attempts === 'waiting'}>
      <table role="table" aria-labelledby="attempts-heading">
        <thead role="rowgroup">
          <tr role="row">
            <th role="columnheader">{words.result}</th>
            <th role="columnheader">{words.when}</th>
            <th role="columnheader">{words.way}</th>
            <th role="columnheader">{words.address}</th>
          </tr>
        </thead>
        <tbody role="rowgroup">
          {attempts === 'waiting' ? (
            <WaitingRows columns={4} rows={5} />
          ) : (
            attempts.map((attempt) => (
              <Row key={`${attempt.firstAt} ${attempt.address} ${attempt.way} ${attempt.result}`} attempt={attempt} />
            ))
          )}
        </tbody>
      </table>
    </div>
  );
}

function Row({ attempt }: { readonly attempt: SignInAttempt }) {
  return (
    <tr role="row">
      <td role="cell" class="head">
        <span class={attempt.result === 'ok' ? 'mark good' : 'mark bad'}>
          {resultText(attempt.result)}
          {attempt.count > 1 && <span class="times quiet small"> {words.times(attempt.count)}</span>}
        </span>
      </td>
      <td role="cell" data-label={words.when}>
        <Moment at={attempt.lastAt} />
      </td>
      <td role="cell" data-label={words.way}>
        {known(words.ways, attempt.way) ?? attempt.way}
      </td>
      <td role="cell" data-label={words.address}>
        <Address text={attempt.address} />
      </td>
    </tr>
  );
}

function resultText(result: string): string {
  return known(words.results, result) ?? words.refused;
}
