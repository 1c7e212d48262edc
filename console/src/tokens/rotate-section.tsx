/** A new secret in the place of the old one, which may go on for a while. */
import { useState } from 'preact/hooks';
import { isRefusal } from '../api/answers.ts';
import { type SecretOutcome, type Token, rotateToken } from '../api/tokens.ts';
import { Section } from '../inside/section.tsx';
import { announce } from '../parts/announce.ts';
import { Button } from '../parts/button.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { Form, type Typed } from '../parts/form.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { Select } from '../parts/select.tsx';
import { tokenMessages } from '../words/token-messages.ts';
import { SecretDialog } from './secret-dialog.tsx';

const words = tokenMessages.token;

interface Props {
  readonly token: Token;
  readonly onRotated: () => void;
}

type State =
  | { readonly kind: 'shut' }
  | { readonly kind: 'asking' }
  | { readonly kind: 'sending' }
  | Exclude<SecretOutcome, { kind: 'given-up' }>;

/** How long the old one goes on, in seconds. */
const overlaps = [
  { value: '0', name: words.atOnce },
  { value: '3600', name: words.oneHour },
  { value: '86400', name: words.oneDay },
] as const;

export function RotateSection({ token, onRotated }: Props) {
  const [state, setState] = useState<State>({ kind: 'shut' });
  const shut = (): void => setState({ kind: 'shut' });
  const send = async (typed: Typed): Promise<void> => {
    setState({ kind: 'sending' });
    const outcome = await rotateToken(token, Number(typed('overlap')));
    setState(outcome.kind === 'given-up' ? { kind: 'asking' } : outcome);
    if (outcome.kind === 'made') onRotated();
  };
  return (
    <Section id="rotate" heading={words.rotateHeading} lead={words.rotateLead}>
      <div class="actions">
        <Button onPress={() => setState({ kind: 'asking' })}>{words.rotate}</Button>
      </div>
      {state.kind === 'made' && (
        <SecretDialog
          heading={tokenMessages.secret.headingRotated}
          made={state}
          onClose={() => {
            shut();
            announce(words.rotated(token.name));
          }}
        />
      )}
      {state.kind !== 'shut' && state.kind !== 'made' && (
        <Dialog heading={words.rotateQuestion(token.name)} lead={words.rotateLead} onCancel={shut}>
          <Form name="rotate" sending={state.kind === 'sending'} answer={state} onSend={(typed) => void send(typed)}>
            {isRefusal(state) && <RefusalNotice refusal={state} here={{ conflict: words.changed }} />}
            <Select name="overlap" label={words.overlap} help={words.overlapHelp} value="0" options={overlaps} />
            <div class="actions">
              <Button type="submit" look="primary" sending={state.kind === 'sending' ? words.rotating : undefined}>
                {words.rotate}
              </Button>
              <Button onPress={shut}>{tokenMessages.make.cancel}</Button>
            </div>
          </Form>
        </Dialog>
      )}
    </Section>
  );
}
