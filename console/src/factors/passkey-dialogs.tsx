/** One passkey at a time: made, named anew, removed. */
import { useState } from 'preact/hooks';
import { type Refusal, isRefusal } from '../api/answers.ts';
import { type Passkey, addPasskey, creationOptions, removePasskey, renamePasskey } from '../api/factors.ts';
import { withCeremonies } from '../api/passkeys.ts';
import type { DoneAtLast } from '../api/sign-in.ts';
import { deviceName } from '../inside/device-name.ts';
import { Button } from '../parts/button.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { Field } from '../parts/field.tsx';
import { Form, type Typed } from '../parts/form.tsx';
import { Notice } from '../parts/notice.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { factorMessages } from '../words/factor-messages.ts';
import { Refused } from './refused.tsx';

const words = factorMessages.passkeys;
const { cancel } = factorMessages.factors;

interface Props {
  readonly onDone: () => void;
  readonly onCancel: () => void;
}

type State =
  | { readonly kind: 'ready' }
  | { readonly kind: 'sending' }
  | { readonly kind: 'wrong'; readonly error: string }
  /** The browser came back without one. */
  | { readonly kind: 'not-made'; readonly why: string }
  | Refusal;

/** The longest name the server keeps, in characters. */
const longest = 64;

function nameError(name: string): string {
  if (name === '') return words.nameMissing;
  return Array.from(name).length > longest ? words.nameLong : '';
}

export function AddPasskeyDialog({ onDone, onCancel }: Props) {
  const [state, setState] = useState<State>({ kind: 'ready' });
  const send = async (typed: Typed): Promise<void> => {
    const name = typed('name').trim();
    const error = nameError(name);
    if (error !== '') return setState({ kind: 'wrong', error });
    setState({ kind: 'sending' });
    const outcome = await make(name);
    if (outcome.kind === 'done') return onDone();
    setState(outcome);
  };
  return (
    <NameDialog
      heading={words.addHeading}
      lead={words.addLead}
      name={deviceName(navigator.userAgent)}
      submit={words.submit}
      sending={words.waiting}
      state={state}
      onSend={(typed) => void send(typed)}
      onCancel={onCancel}
    />
  );
}

async function make(name: string): Promise<State | { readonly kind: 'done' }> {
  const asked = await creationOptions();
  if (asked.kind === 'given-up') return { kind: 'ready' };
  if (asked.kind !== 'options') return asked;
  const made = await withCeremonies((ceremonies) => ceremonies.makePasskey(asked.options));
  switch (made.kind) {
    case 'let-go':
      return { kind: 'not-made', why: words.none };
    case 'held-already':
      return { kind: 'not-made', why: words.heldAlready };
    case 'failed':
      return { kind: 'not-made', why: words.failed };
    case 'made': {
      const outcome = await addPasskey(made.response, name);
      return outcome.kind === 'given-up' ? { kind: 'ready' } : outcome;
    }
  }
}

export function RenamePasskeyDialog({ passkey, onDone, onCancel }: Props & { readonly passkey: Passkey }) {
  const [state, setState] = useState<State>({ kind: 'ready' });
  const send = async (typed: Typed): Promise<void> => {
    const name = typed('name').trim();
    const error = nameError(name);
    if (error !== '') return setState({ kind: 'wrong', error });
    setState({ kind: 'sending' });
    const outcome = await renamePasskey(passkey.id, name);
    if (outcome.kind === 'done') return onDone();
    setState(outcome.kind === 'given-up' ? { kind: 'ready' } : outcome);
  };
  return (
    <NameDialog
      heading={words.renameHeading}
      lead={words.renameLead}
      name={passkey.name}
      submit={words.renameSubmit}
      sending={words.renaming}
      state={state}
      onSend={(typed) => void send(typed)}
      onCancel={onCancel}
    />
  );
}

interface NameProps {
  readonly heading: string;
  readonly lead: string;
  readonly name: string;
  readonly submit: string;
  readonly sending: string;
  readonly state: State;
  readonly onSend: (typed: Typed) => void;
  readonly onCancel: () => void;
}

function NameDialog({ heading, lead, name, submit, sending, state, onSend, onCancel }: NameProps) {
  return (
    <Dialog heading={heading} lead={lead} onCancel={onCancel}>
      <Form name="passkey" sending={state.kind === 'sending'} answer={state} onSend={onSend} focus>
        {isRefusal(state) && <RefusalNotice refusal={state} />}
        {state.kind === 'not-made' && (
          <Notice tone="warn" spoken>
            <p>{state.why}</p>
          </Notice>
        )}
        <Field
          name="name"
          label={words.name}
          help={words.nameHelp}
          autocomplete="off"
          value={name}
          errors={state.kind === 'wrong' ? [state.error] : []}
        />
        <div class="actions">
          <Button type="submit" look="primary" sending={state.kind === 'sending' ? sending : undefined}>
            {submit}
          </Button>
          <Button onPress={onCancel}>{cancel}</Button>
        </div>
      </Form>
    </Dialog>
  );
}

interface RemoveProps extends Props {
  readonly passkey: Passkey;
  /** There is no other second factor. */
  readonly last: boolean;
}

export function RemovePasskeyDialog({ passkey, last, onDone, onCancel }: RemoveProps) {
  const [state, setState] = useState<DoneAtLast | { readonly kind: 'ready' } | { readonly kind: 'sending' }>({
    kind: 'ready',
  });
  const remove = async (): Promise<void> => {
    setState({ kind: 'sending' });
    const outcome = await removePasskey(passkey.id);
    // Gone already is what was wanted.
    if (outcome.kind === 'done' || (outcome.kind === 'refused' && outcome.status === 404)) return onDone();
    setState(outcome);
  };
  return (
    <Dialog heading={words.removeHeading(passkey.name)} lead={words.removeLead} onCancel={onCancel}>
      {isRefusal(state) && <Refused refusal={state} last={last} onLeave={onCancel} />}
      <div class="actions">
        <Button
          look="danger certain"
          sending={state.kind === 'sending' ? words.removing : undefined}
          onPress={() => void remove()}
        >
          {words.removeSubmit}
        </Button>
        <Button onPress={onCancel}>{cancel}</Button>
      </div>
    </Dialog>
  );
}
