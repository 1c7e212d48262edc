/** Several tokens at once: switched off or on, revoked. */
import { useState } from 'preact/hooks';
import type { Token, WhoseTokens } from '../api/tokens.ts';
import { ManyDialog, type Question } from '../many/many-dialog.tsx';
import { PickBar } from '../many/pick-bar.tsx';
import type { Selection } from '../many/selection.ts';
import { tokenMessages } from '../words/token-messages.ts';

const words = tokenMessages.tokensMany;

type Action = 'disable' | 'enable' | 'revoke';

interface Props {
  readonly tokens: readonly Token[];
  readonly whose: WhoseTokens;
  readonly selection: Selection;
  readonly onDone: (said: string) => void;
}

/** Only its owner lets a token do more. */
const deedsFor = { own: ['enable', 'disable', 'revoke'], everybody: ['disable', 'revoke'] } as const;

const deeds = {
  enable: { action: 'enable', name: words.on, look: 'secondary' },
  disable: { action: 'disable', name: words.off, look: 'danger' },
  revoke: { action: 'revoke', name: tokenMessages.tokens.revoke, look: 'danger' },
} as const;

export function ManyTokens({ tokens, whose, selection, onDone }: Props) {
  const [asked, setAsked] = useState<Action | undefined>();
  const picked = tokens.filter(({ id }) => selection.ids.has(id));
  return (
    <>
      <PickBar
        selection={selection}
        all={tokens.map(({ id }) => id)}
        deeds={deedsFor[whose].map((action) => deeds[action])}
        onPress={setAsked}
      />
      {asked !== undefined && (
        <ManyDialog
          path="/api/auth/api-tokens/bulk"
          question={questionOf(asked, picked.length)}
          items={picked}
          onCancel={() => setAsked(undefined)}
          onOver={(count) => {
            setAsked(undefined);
            onDone(count === 0 ? '' : doneOf(asked, count));
          }}
        />
      )}
    </>
  );
}

function questionOf(action: Action, count: number): Question {
  const said = tokenMessages.token;
  switch (action) {
    case 'disable':
      return {
        action,
        heading: words.offQuestion(count),
        lead: said.offLead,
        certain: words.offCertain(count),
        look: 'danger certain',
      };
    case 'enable':
      return {
        action,
        heading: words.onQuestion(count),
        lead: words.onLead,
        certain: words.onCertain(count),
        look: 'primary',
      };
    case 'revoke':
      return {
        action,
        heading: words.revokeQuestion(count),
        lead: said.revokeLead,
        certain: words.revokeCertain(count),
        look: 'danger certain',
      };
  }
}

function doneOf(action: Action, count: number): string {
  const said = { disable: words.offDone(count), enable: words.onDone(count), revoke: words.revokeDone(count) };
  return said[action];
}
