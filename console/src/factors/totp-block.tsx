/** The authenticator app: set up, moved to another one, removed. */
import { useState } from 'preact/hooks';
import { type Refusal, isRefusal } from '../api/answers.ts';
import { type Enrolment, beginTotp, disableTotp } from '../api/factors.ts';
import { ProofFields, readProof } from '../door/proof-fields.tsx';
import { Button } from '../parts/button.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { Form, type Typed } from '../parts/form.tsx';
import { Moment } from '../parts/moment.tsx';
import { Notice } from '../parts/notice.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { accountMessages } from '../words/account-messages.ts';
import { factorMessages } from '../words/factor-messages.ts';
import { messages } from '../words/messages.ts';
import type { BlockProps } from './factors-section.tsx';
import { Refused } from './refused.tsx';
import { TotpDialog } from './totp-dialog.tsx';

const words = factorMessages.totp;

type State =
  | { readonly kind: 'shut' }
  | { readonly kind: 'preparing' }
  | { readonly kind: 'removing' }
  | Enrolment
  | Refusal;

export function TotpBlock({ factors, person, onChange }: BlockProps) {
  const { totp } = factors;
  const [state, setState] = useState<State>({ kind: 'shut' });
  const begin = async (): Promise<void> => {
    setState({ kind: 'preparing' });
    const outcome = await beginTotp();
    setState(outcome.kind === 'given-up' ? { kind: 'shut' } : outcome);
  };
  const shut = (): void => setState({ kind: 'shut' });
  const preparing = state.kind === 'preparing' ? words.preparing : undefined;
  return (
    <div class="factor">
      <header>
        <h3>{words.heading}</h3>
        <p class="quiet">{words.off}</p>
      </header>
      {totp.kind === 'on' && (
        <dl class="facts">
          <div>
            <dt class="quiet small">{words.on}</dt>
            <dd>
              <Moment at={totp.addedAt} />
            </dd>
          </div>
        </dl>
      )}
      {totp.kind === 'on' && totp.locked && (
        <Notice tone="warn">
          <p>{words.locked}</p>
        </Notice>
      )}
      {isRefusal(state) && <RefusalNotice refusal={state} />}
      <div class="actions">
        <Button onPress={() => void begin()} sending={preparing}>
          {totp.kind === 'on' ? words.replace : words.setUp}
        </Button>
        {totp.kind === 'on' && (
          <Button look="danger" onPress={() => setState({ kind: 'removing' })}>
            {words.remove}
          </Button>
        )}
      </div>
      {state.kind === 'enrolment' && (
        <TotpDialog
          enrolment={state}
          replaces={totp.kind === 'on'}
          onEnabled={(codes) => {
            shut();
            onChange({ said: words.done, codes: { lead: words.codesLead, codes } });
          }}
          onCancel={shut}
        />
      )}
      {state.kind === 'removing' && (
        <RemoveDialog
          username={person.username}
          last={factors.passkeys.length === 0}
          onRemoved={() => {
            shut();
            onChange({ said: words.removed });
          }}
          onCancel={shut}
        />
      )}
    </div>
  );
}

type Removing =
  | { readonly kind: 'ready' }
  | { readonly kind: 'sending' }
  | { readonly kind: 'wrong'; readonly password: string; readonly code: string }
  | Refusal;

interface RemoveProps {
  readonly username: string;
  /** There is no other second factor. */
  readonly last: boolean;
  readonly onRemoved: () => void;
  readonly onCancel: () => void;
}

/** Password and code on the spot, however lately somebody signed in. */
function RemoveDialog({ username, last, onRemoved, onCancel }: RemoveProps) {
  const [state, setState] = useState<Removing>({ kind: 'ready' });
  const send = async (typed: Typed): Promise<void> => {
    const proof = readProof(typed);
    if (proof.password === '' || proof.code === '') {
      return setState({
        kind: 'wrong',
        password: proof.password === '' ? messages.signIn.passwordMissing : '',
        code: proof.code === '' ? messages.code.missing : '',
      });
    }
    setState({ kind: 'sending' });
    const outcome = await disableTotp(proof);
    if (outcome.kind === 'done') return onRemoved();
    if (outcome.kind === 'given-up') return setState({ kind: 'ready' });
    const wrong = outcome.kind === 'refused' && outcome.code === 'reauthentication_failed';
    setState(wrong ? { kind: 'wrong', password: accountMessages.confirm.wrongEither, code: '' } : outcome);
  };
  return (
    <Dialog heading={words.removeHeading} lead={words.removeLead} onCancel={onCancel}>
      <Form
        name="remove-totp"
        sending={state.kind === 'sending'}
        answer={state}
        onSend={(typed) => void send(typed)}
        focus
      >
        {isRefusal(state) && <Refused refusal={state} last={last} onLeave={onCancel} />}
        <ProofFields
          label={accountMessages.confirm.password}
          code="either"
          username={username}
          errors={state.kind === 'wrong' && state.password !== '' ? [state.password] : []}
          codeErrors={state.kind === 'wrong' && state.code !== '' ? [state.code] : []}
        />
        <div class="actions">
          <Button type="submit" look="danger certain" sending={state.kind === 'sending' ? words.removing : undefined}>
            {words.remove}
          </Button>
          <Button onPress={onCancel}>{factorMessages.factors.cancel}</Button>
        </div>
      </Form>
    </Dialog>
  );
}
