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
import { announce } from '../parts/announce.ts';
import { Button } from '../parts/button.tsx';
import { Heading } from '../parts/heading.tsx';
import { Notice } from '../parts/notice.tsx';
import { tokenMessages } from '../words/token-messages.ts';
import { MakeDialog } from './make-dialog.tsx';
import { RevokeDialog } from './revoke-dialog.tsx';
import { SecretDialog } from './secret-dialog.tsx';
import { isUnused } from './standing.ts';
import { TokensTable } from './tokens-table.tsx';
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
  const revoked = async (name: string): Promise<void> => {
    shut();
    onSaid(words.revoked(name));
    announce(words.revoked(name));
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
        {admin && <Whose whose={whose} />}
        {isRefusal(list) && <Unread refusal={list} onAgain={() => void load()} />}
        {list.kind === 'waiting' && <TokensTable tokens="waiting" whose={whose} />}
        {list.kind === 'tokens' && (
          <List list={list} whose={whose} onRevoke={(token) => setOpen({ kind: 'revoke', token })} />
        )}
        {list.kind === 'tokens' && list.next !== '' && <More onMore={() => more(list)} />}
      </section>
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
        <RevokeDialog token={open.token} onRevoked={() => void revoked(open.token.name)} onCancel={shut} />
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
  readonly onRevoke: (token: Token) => void;
}

function List({ list, whose, onRevoke }: ListProps) {
  if (list.tokens.length === 0) return <p class="empty">{whose === 'own' ? words.empty : words.emptyAll}</p>;
  const unused = list.tokens.filter((token) => isUnused(token, Date.now())).length;
  return (
    <>
      {unused > 0 && (
        <Notice tone="warn">
          <p>{words.unusedNotice(unused)}</p>
        </Notice>
      )}
      <TokensTable tokens={list.tokens} whose={whose} onRevoke={onRevoke} />
    </>
  );
}
