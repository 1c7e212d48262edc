/** A new secret for an authenticator app: as a picture, as a link, as text. It is worth nothing before a code proves it. */
import { useState } from 'preact/hooks';
import { type Refusal, isRefusal } from '../api/answers.ts';
import { type Enrolment, enableTotp } from '../api/factors.ts';
import { announce } from '../parts/announce.ts';
import { Button } from '../parts/button.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { Field } from '../parts/field.tsx';
import { Form, type Typed } from '../parts/form.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { factorMessages } from '../words/factor-messages.ts';

const words = factorMessages.totp;

interface Props {
  readonly enrolment: Enrolment;
  /** There is an app already. */
  readonly replaces: boolean;
  readonly onEnabled: (recoveryCodes: readonly string[]) => void;
  readonly onCancel: () => void;
}

type State =
  | { readonly kind: 'ready' }
  | { readonly kind: 'sending' }
  | { readonly kind: 'wrong'; readonly error: string }
  | Refusal;

export function TotpDialog({ enrolment, replaces, onEnabled, onCancel }: Props) {
  const [state, setState] = useState<State>({ kind: 'ready' });
  const send = async (typed: Typed): Promise<void> => {
    const code = typed('token').trim();
    if (code === '') return setState({ kind: 'wrong', error: words.codeMissing });
    setState({ kind: 'sending' });
    const outcome = await enableTotp(code);
    if (outcome.kind === 'done') return onEnabled(enrolment.recoveryCodes);
    if (outcome.kind === 'given-up') return setState({ kind: 'ready' });
    const wrong = outcome.kind === 'refused' && outcome.code === 'reauthentication_failed';
    setState(wrong ? { kind: 'wrong', error: words.codeWrong } : outcome);
  };
  return (
    <Dialog heading={words.dialogHeading} lead={replaces ? words.replaceLead : words.dialogLead} onCancel={onCancel}>
      <div class="secret">
        <figure>
          <img src={enrolment.qrCode} alt={words.picture} width="200" height="200" />
          <figcaption>{words.scan}</figcaption>
        </figure>
        <p class="same-device">
          <a class="button" href={enrolment.otpauthUrl}>
            {words.open}
          </a>
        </p>
        <Secret text={enrolment.secret} />
      </div>
      <Form name="totp" sending={state.kind === 'sending'} answer={state} onSend={(typed) => void send(typed)}>
        {isRefusal(state) && <RefusalNotice refusal={state} here={{ conflict: words.over }} />}
        <Field
          name="token"
          label={words.code}
          help={words.codeHelp}
          autocomplete="one-time-code"
          code
          keyboard="numeric"
          errors={state.kind === 'wrong' ? [state.error] : []}
          onInput={sendWhenWhole}
        />
        <div class="actions">
          <Button type="submit" look="primary" sending={state.kind === 'sending' ? words.sending : undefined}>
            {words.submit}
          </Button>
          <Button onPress={onCancel}>{factorMessages.factors.cancel}</Button>
        </div>
      </Form>
    </Dialog>
  );
}

/** In fours, as it is read and typed; copied without the spaces. */
function Secret({ text }: { readonly text: string }) {
  const [copied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setCopied(true);
      announce(words.copied);
    } catch {
      // Not allowed: it is there to be read and marked all the same.
    }
  };
  return (
    <div class="by-hand">
      <p>{words.byHand}</p>
      <p class="command">
        <code>{text.match(/.{1,4}/g)?.join(' ') ?? text}</code>
      </p>
      <Button look="plain" onPress={() => void copy()}>
        {copied ? words.copied : words.copy}
      </Button>
    </div>
  );
}

function sendWhenWhole(typed: string, input: HTMLInputElement): void {
  if (/^\d{6}$/.test(typed.replace(/\s/g, ''))) input.form?.requestSubmit();
}
