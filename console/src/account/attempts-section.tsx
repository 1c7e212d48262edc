import { useEffect, useState } from 'preact/hooks';
import { type AttemptsOutcome, signInAttempts } from '../api/api.ts';
import type { SignInAttempt } from '../api/answers.ts';
import { Button } from '../parts/button.tsx';
import { Moment } from '../parts/moment.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { messages } from '../words/messages.ts';
import { known } from '../words/refusal-text.ts';
import type { OnRefusal } from './on-refusal.ts';
import { Section } from './section.tsx';

const words = messages.attempts;

export function AttemptsSection({ onRefusal }: { readonly onRefusal: OnRefusal }) {
  const [list, setList] = useState<AttemptsOutcome | { readonly kind: 'waiting' }>({ kind: 'waiting' });
  const load = async (): Promise<void> => {
    const outcome = await signInAttempts();
    if (outcome.kind !== 'attempts') onRefusal(outcome);
    setList(outcome);
  };
  useEffect(() => void load(), []);
  return (
    <Section id="attempts" heading={words.heading} lead={words.lead}>
      <Attempts list={list} onAgain={() => void load()} />
    </Section>
  );
}

interface AttemptsProps {
  readonly list: AttemptsOutcome | { readonly kind: 'waiting' };
  readonly onAgain: () => void;
}

function Attempts({ list, onAgain }: AttemptsProps) {
  if (list.kind === 'attempts' && list.attempts.length === 0) return <p class="empty">{words.empty}</p>;
  if (list.kind !== 'attempts' && list.kind !== 'waiting') {
    return (
      <>
        <RefusalNotice refusal={list} />
        <div class="actions">
          <Button onPress={onAgain}>{messages.account.again}</Button>
        </div>
      </>
    );
  }
  return (
    <div class="table" aria-busy={list.kind === 'waiting'}>
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
          {list.kind === 'waiting' ? (
            <tr role="row" class="waiting">
              <td role="cell" colSpan={4} class="head quiet">
                {messages.account.loading}
              </td>
            </tr>
          ) : (
            list.attempts.map((attempt) => (
              <Row key={`${attempt.firstAt} ${attempt.address} ${attempt.result}`} attempt={attempt} />
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
        <span class={attempt.result === 'ok' ? 'mark good' : 'mark bad'}>{resultText(attempt.result)}</span>
        {attempt.count > 1 && <span class="times quiet small"> {words.times(attempt.count)}</span>}
      </td>
      <td role="cell" data-label={words.when}>
        <Moment at={attempt.lastAt} />
      </td>
      <td role="cell" data-label={words.way}>
        {known(words.ways, attempt.way) ?? attempt.way}
      </td>
      <td role="cell" data-label={words.address}>
        <span class="address">{attempt.address}</span>
      </td>
    </tr>
  );
}

function resultText(result: string): string {
  return known(words.results, result) ?? words.refused;
}
