/** Doing without sign-in: said with its effect, confirmed in place, and with the way back. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { decline } from '../api/set-up.ts';
import type { Done } from '../api/sign-in.ts';
import { isRefusal } from '../api/answers.ts';
import { Button } from '../parts/button.tsx';
import { Form } from '../parts/form.tsx';
import { Gate } from '../parts/gate.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { places } from '../places.ts';
import { setupMessages } from '../words/setup-messages.ts';
import { messages } from '../words/messages.ts';
import { SetupCodeField } from './setup-code-field.tsx';
import type { SetupCode } from './setup-code.ts';

interface Props {
  readonly code: SetupCode;
  readonly onCode: (code: SetupCode) => void;
  readonly onDeclined: () => void;
  readonly onConfigured: () => void;
}

type State =
  | { readonly kind: 'ready' }
  | { readonly kind: 'sending' }
  | { readonly kind: 'code'; readonly error: string }
  | Exclude<Done, { kind: 'done' }>;

export function Decline(props: Props) {
  const words = setupMessages.decline;
  const [asking, setAsking] = useState(false);
  const section = useRef<HTMLElement>(null);
  const cancel = (): void => {
    setAsking(false);
    // The button that opened the question is there again, and is where the person was.
    requestAnimationFrame(() => section.current?.querySelector('button')?.focus());
  };
  return (
    <section class="aside" ref={section}>
      <div>
        <h2>{words.heading}</h2>
        <p class="quiet">{words.lead}</p>
      </div>
      {asking ? (
        <Question {...props} onCancel={cancel} />
      ) : (
        <Button onPress={() => setAsking(true)}>{words.offer}</Button>
      )}
    </section>
  );
}

function Question({ code, onCode, onDeclined, onConfigured, onCancel }: Props & { readonly onCancel: () => void }) {
  const words = setupMessages.decline;
  const [state, setState] = useState<State>({ kind: 'ready' });
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);

  const send = async (): Promise<void> => {
    const setupCode = code.code.trim();
    if (setupCode === '') return setState({ kind: 'code', error: setupMessages.setup.codeMissing });
    setState({ kind: 'sending' });
    const outcome = await decline(setupCode);
    if (outcome.kind === 'done') return onDeclined();
    if (outcome.kind === 'refused' && outcome.code === 'already_configured') return onConfigured();
    const refused = outcome.kind === 'refused' && outcome.code === 'setup_code_invalid';
    if (refused) onCode({ kind: 'typed', code: setupCode });
    setState(refused ? { kind: 'code', error: setupMessages.setup.codeRefused } : outcome);
  };

  const sending = state.kind === 'sending' ? words.sending : undefined;
  return (
    <div class="confirm">
      <div>
        <h3 ref={heading} tabIndex={-1}>
          {words.confirmHeading}
        </h3>
        <p>{words.effect}</p>
      </div>
      <Form name="decline" sending={sending !== undefined} answer={state} onSend={() => void send()}>
        {isRefusal(state) && <RefusalNotice refusal={state} />}
        <SetupCodeField code={code} error={state.kind === 'code' ? state.error : undefined} onCode={onCode} />
        <div class="actions">
          <Button type="submit" look="danger certain" sending={sending}>
            {words.confirm}
          </Button>
          <Button onPress={onCancel}>{words.cancel}</Button>
        </div>
      </Form>
    </div>
  );
}

export function Declined() {
  const words = setupMessages.decline;
  return (
    <Gate heading={words.doneHeading} lead={words.done}>
      <div class="aside">
        <p>{words.undo}</p>
        <p class="command">
          <code>{words.command}</code>
        </p>
        <nav class="links">
          <a href={places.setup}>{messages.unset.link}</a>
        </nav>
      </div>
    </Gate>
  );
}
