import { useState } from 'preact/hooks';
import { isRefusal } from '../api/answers.ts';
import type { DoneAtLast } from '../api/sign-in.ts';
import { type Token, revokeToken } from '../api/tokens.ts';
import { Button } from '../parts/button.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { tokenMessages } from '../words/token-messages.ts';

const words = tokenMessages.token;

interface Props {
  readonly token: Token;
  readonly onRevoked: () => void;
  readonly onCancel: () => void;
}

export function RevokeDialog({ token, onRevoked, onCancel }: Props) {
  const [state, setState] = useState<DoneAtLast | { readonly kind: 'ready' } | { readonly kind: 'sending' }>({
    kind: 'ready',
  });
  const revoke = async (): Promise<void> => {
    setState({ kind: 'sending' });
    const outcome = await revokeToken(token.id);
    // Gone already is what was wanted.
    if (outcome.kind === 'done' || (outcome.kind === 'refused' && outcome.status === 404)) return onRevoked();
    setState(outcome);
  };
  return (
    <Dialog heading={words.revokeQuestion(token.name)} lead={words.revokeLead} onCancel={onCancel}>
      {isRefusal(state) && <RefusalNotice refusal={state} />}
      <div class="actions">
        <Button
          look="danger certain"
          sending={state.kind === 'sending' ? words.revoking : undefined}
          onPress={() => void revoke()}
        >
          {words.revoke(token.name)}
        </Button>
        <Button onPress={onCancel}>{tokenMessages.make.cancel}</Button>
      </div>
    </Dialog>
  );
}
