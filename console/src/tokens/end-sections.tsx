/** What stops a token, for a while or for good: last on the page, named by its effect. */
import { useState } from 'preact/hooks';
import { type Refusal, isRefusal } from '../api/answers.ts';
import { type Token, changeToken } from '../api/tokens.ts';
import { focusHeading, Section } from '../inside/section.tsx';
import { announce } from '../parts/announce.ts';
import { Button } from '../parts/button.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { tokenMessages } from '../words/token-messages.ts';
import { RevokeDialog } from './revoke-dialog.tsx';

const words = tokenMessages.token;

interface SwitchProps {
  readonly token: Token;
  readonly onChanged: (token: Token) => void;
}

type State = { readonly kind: 'ready' } | { readonly kind: 'sending' } | Refusal;

/** Off and on again with one press: nothing is lost by either. */
export function SwitchSection({ token, onChanged }: SwitchProps) {
  const [state, setState] = useState<State>({ kind: 'ready' });
  const { active, name } = token;
  const send = async (): Promise<void> => {
    setState({ kind: 'sending' });
    const outcome = await changeToken(token, { active: !active });
    setState(isRefusal(outcome) ? outcome : { kind: 'ready' });
    if (outcome.kind !== 'token') return;
    onChanged(outcome.token);
    announce(active ? words.offDone(name) : words.onDone(name));
    focusHeading('active');
  };
  return (
    <Section
      id="active"
      heading={active ? words.offHeading : words.onHeading}
      lead={active ? words.offLead : words.onLead}
    >
      {isRefusal(state) && <RefusalNotice refusal={state} here={{ conflict: words.changed }} />}
      <div class="actions">
        <Button
          look={active ? 'danger' : 'secondary'}
          onPress={() => void send()}
          sending={state.kind === 'sending' ? words.switching : undefined}
        >
          {active ? words.off(name) : words.on(name)}
        </Button>
      </div>
    </Section>
  );
}

interface RevokeProps {
  readonly token: Token;
  readonly onRevoked: () => void;
}

export function RevokeSection({ token, onRevoked }: RevokeProps) {
  const [asking, setAsking] = useState(false);
  return (
    <Section id="revoke" heading={words.revokeHeading} lead={words.revokeLead}>
      <div class="actions">
        <Button look="danger" onPress={() => setAsking(true)}>
          {words.revoke(token.name)}
        </Button>
      </div>
      {asking && <RevokeDialog token={token} onRevoked={onRevoked} onCancel={() => setAsking(false)} />}
    </Section>
  );
}
