import { useEffect, useState } from 'preact/hooks';
import { type Refusal, isRefusal } from '../api/answers.ts';
import {
  type MadeSecret,
  type Token,
  type TokensOutcome,
  type WhoseTokens,
  tokens as listTokens,
} from '../api/tokens.ts';
import { More } from '../inside/more.tsx';
import { Unread } from '../inside/unread.tsx';
import { PickButton } from '../many/pick-bar.tsx';
import { type Selection, useSelection } from '../many/selection.ts';
import { announce } from '../parts/announce.ts';
import { Button } from '../parts/button.tsx';
import { Heading } from '../parts/heading.tsx';
import { Notice } from '../parts/notice.tsx';
import { tokenMessages } from '../words/token-messages.ts';
import { MakeDialog } from './make-dialog.tsx';
import { ManyTokens } from './many-tokens.tsx';
import { RevokeDialog } from './revoke-dialog.tsx';
import { SecretDialog } from './secret-dialog.tsx';
import { isUnused } from './standing.ts';
import { TokensTable } from './tokens-table.tsx';
import { UserKeySection } from './user-key-section.tsx';
import { toEverybody, toOwn } from './view.ts';

const words = tokenMessages.tokens;

interface Props {
  readonly whose: WhoseTokens;
  readonly admin: boolean;
  readonly moved: boolean;
  /** What was done a moment ago. */
  readonly said: string;
  readonly onSaid: (said: string) => void;
  readonly onListed: (tokens: readonly Token[]) => void;
}

type Open =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'make' }
  | { readonly kind: 'revoke'; readonly token: Token }
  | MadeSecret;

type Listed = Extract<TokensOutcome, { kind: 'tokens' }>;

export function ListView({ whose, admin, moved, said, onSaid, onListed }: Props) {
  const [list, setList] = useState<TokensOutcome | { readonly kind: 'waiting' }>({ kind: 'waiting' });
  const [open, setOpen] = useState<Open>({ kind: 'nothing' });
  const selection = useSelection();
  const show = (outcome: TokensOutcome): void => {
    setList(outcome);
    if (outcome.kind === 'tokens') onListed(outcome.tokens);
  };
  const load = async (): Promise<void> => show(await listTokens(whose, ''));
  const more = async (before: Listed): Promise<Refusal | { readonly kind: 'shown' }> => {
    const outcome = await listTokens(whose, before.next);
    if (outcome.kind === 'tokens') show({ ...outcome, tokens: [...before.tokens, ...outcome.tokens] });
    return isRefusal(outcome) ? outcome : { kind: 'shown' };
  };
  useEffect(() => void load(), []);

  const shut = (): void => setOpen({ kind: 'nothing' });
  const done = async (what: string): Promise<void> => {
    shut();
    selection.end();
    onSaid(what);
    announce(what);
    await load();
    // What had the focus is gone with its row.
    requestAnimationFrame(() => document.querySelector('h1')?.focus());
  };
  return (
    <>
      <header class="person">
        <div class="beside">
          <Heading text={words.heading} focus={moved} />
          <Button look="primary" onPress={() => setOpen({ kind: 'make' })}>
            {words.make}
          </Button>
        </div>
        <p class="quiet">{whose === 'own' ? words.lead : words.leadAll}</p>
        {said !== '' && (
          <Notice tone="good">
            <p>{said}</p>
          </Notice>
        )}
      </header>
      <section class="section" aria-label={words.heading}>
        <div class="beside">
          {admin && <Whose whose={whose} />}
          {list.kind === 'tokens' && list.tokens.length > 1 && (
            <div class="tools">
              <PickButton selection={selection} />
            </div>
          )}
        </div>
        {isRefusal(list) && <Unread refusal={list} onAgain={() => void load()} />}
        {list.kind === 'waiting' && <TokensTable tokens="waiting" whose={whose} selection={selection} />}
        {list.kind === 'tokens' && (
          <List
            list={list}
            whose={whose}
            selection={selection}
            onRevoke={(token) => setOpen({ kind: 'revoke', token })}
          />
        )}
        {list.kind === 'tokens' && list.next !== '' && <More onMore={() => more(list)} />}
        {list.kind === 'tokens' && selection.mode === 'picking' && (
          <ManyTokens tokens={list.tokens} whose={whose} selection={selection} onDone={(what) => void done(what)} />
        )}
      </section>
      {whose === 'own' && <UserKeySection />}
      {open.kind === 'make' && (
        <MakeDialog
          admin={admin}
          onMade={(made) => {
            setOpen(made);
            onSaid('');
            void load();
          }}
          onCancel={shut}
        />
      )}
      {open.kind === 'made' && <SecretDialog heading={tokenMessages.secret.heading} made={open} onClose={shut} />}
      {open.kind === 'revoke' && (
        <RevokeDialog token={open.token} onRevoked={() => void done(words.revoked(open.token.name))} onCancel={shut} />
      )}
    </>
  );
}

function Whose({ whose }: { readonly whose: WhoseTokens }) {
  return (
    <nav class="whose" aria-label={words.whose}>
      <a href={toOwn} aria-current={whose === 'own' ? 'true' : undefined}>
        {words.own}
      </a>
      <a href={toEverybody} aria-current={whose === 'everybody' ? 'true' : undefined}>
        {words.everybody}
      </a>
    </nav>
  );
}

interface ListProps {
  readonly list: Listed;
  readonly whose: WhoseTokens;
  readonly selection: Selection;
  readonly onRevoke: (token: Token) => void;
}

function List({ list, whose, selection, onRevoke }: ListProps) {
  if (list.tokens.length === 0) return <p class="empty">{whose === 'own' ? words.empty : words.emptyAll}</p>;
  const unused = list.tokens.filter((token) => isUnused(token, Date.now())).length;
  return (
    <>
      {unused > 0 && (
        <Notice tone="warn">
          <p>{words.unusedNotice(unused)}</p>
        </Notice>
      )}
      <TokensTable tokens={list.tokens} whose={whose} selection={selection} onRevoke={onRevoke} />
    </>
  );
}
