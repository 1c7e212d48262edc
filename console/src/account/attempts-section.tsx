/** What was tried in the person's name, the latest first; earlier ones on demand. */
import { useEffect, useState } from 'preact/hooks';
import { type AttemptsOutcome, type SignInAttempt, signInAttempts } from '../api/account.ts';
import { type Refusal, isRefusal } from '../api/answers.ts';
import { announce } from '../parts/announce.ts';
import { Button } from '../parts/button.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { accountMessages } from '../words/account-messages.ts';
import { AttemptsTable } from './attempts-table.tsx';
import { focusHeading, Section } from '../inside/section.tsx';
import { Unread } from '../inside/unread.tsx';

const words = accountMessages.attempts;

export function AttemptsSection() {
  const [list, setList] = useState<AttemptsOutcome | { readonly kind: 'waiting' }>({ kind: 'waiting' });
  const load = async (): Promise<void> => setList(await signInAttempts());
  useEffect(() => void load(), []);
  return (
    <Section id="attempts" heading={words.heading} lead={words.lead}>
      {isRefusal(list) && <Unread refusal={list} onAgain={() => void load()} />}
      {list.kind === 'attempts' && list.attempts.length === 0 && <p class="empty">{words.empty}</p>}
      {list.kind === 'waiting' && <AttemptsTable attempts="waiting" />}
      {list.kind === 'attempts' && list.attempts.length > 0 && (
        <>
          <AttemptsTable attempts={list.attempts} />
          {list.end === 'further-on' && <More shown={list.attempts} onMore={setList} />}
        </>
      )}
    </Section>
  );
}

interface MoreProps {
  readonly shown: readonly SignInAttempt[];
  readonly onMore: (list: AttemptsOutcome) => void;
}

function More({ shown, onMore }: MoreProps) {
  const [state, setState] = useState<Refusal | { readonly kind: 'ready' } | { readonly kind: 'sending' }>({
    kind: 'ready',
  });
  const more = async (): Promise<void> => {
    setState({ kind: 'sending' });
    const outcome = await signInAttempts(shown.at(-1)?.lastAt);
    setState(isRefusal(outcome) ? outcome : { kind: 'ready' });
    if (outcome.kind !== 'attempts') return;
    announce(outcome.attempts.length === 0 ? words.all : words.moreDone(outcome.attempts.length));
    // The button goes with the last of them, and the focus with it.
    if (outcome.end === 'reached') focusHeading('attempts');
    onMore({ ...outcome, attempts: [...shown, ...outcome.attempts] });
  };
  return (
    <>
      {isRefusal(state) && <RefusalNotice refusal={state} onBack={() => void more()} />}
      <div class="actions">
        <Button onPress={() => void more()} sending={state.kind === 'sending' ? words.moreSending : undefined}>
          {words.more}
        </Button>
      </div>
    </>
  );
}
