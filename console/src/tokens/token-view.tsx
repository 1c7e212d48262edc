/** One token: what is known of it, what can be changed, a new secret; what ends things comes last. */
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { type SignedIn, isRefusal } from '../api/answers.ts';
import { type Gone, type Token, type TokenOutcome, token as findToken } from '../api/tokens.ts';
import { Address } from '../inside/address.tsx';
import { Unread } from '../inside/unread.tsx';
import { Heading } from '../parts/heading.tsx';
import { Moment } from '../parts/moment.tsx';
import { accountMessages } from '../words/account-messages.ts';
import { tokenMessages } from '../words/token-messages.ts';
import { DetailsSection } from './details-section.tsx';
import { RevokeSection, SwitchSection } from './end-sections.tsx';
import { RotateSection } from './rotate-section.tsx';
import { Ends, May, State, Used } from './tokens-table.tsx';
import { toEverybody, toOwn } from './view.ts';

const words = tokenMessages.token;

interface Props {
  readonly id: string;
  /** As the list had it. */
  readonly known: Token | undefined;
  readonly person: SignedIn;
  readonly moved: boolean;
  readonly onRevoked: (name: string, to: string) => void;
}

type Found = TokenOutcome | Gone | { readonly kind: 'waiting' };

export function TokenView({ id, known, person, moved, onRevoked }: Props) {
  const [found, setFound] = useState<Found>(
    known === undefined ? { kind: 'waiting' } : { kind: 'token', token: known },
  );
  const load = async (): Promise<void> => setFound(await findToken(person.admin ? 'everybody' : 'own', id));
  useEffect(() => {
    if (known === undefined) void load();
  }, []);

  if (found.kind !== 'token') {
    return (
      <>
        <header class="person">
          <Back to={toOwn} />
          <Heading text={tokenMessages.tokens.heading} focus={moved} />
        </header>
        {found.kind === 'gone' && <p class="empty">{words.gone}</p>}
        {found.kind === 'waiting' && <p class="quiet">{accountMessages.account.loading}</p>}
        {isRefusal(found) && <Unread refusal={found} onAgain={() => void load()} />}
      </>
    );
  }
  const { token } = found;
  // Somebody else's: an administrator can only take away from it.
  const own = token.owner === '' || token.owner === person.username;
  const changed = (next: Token): void => setFound({ kind: 'token', token: next });
  return (
    <>
      <Facts token={token} back={own ? toOwn : toEverybody} />
      <DetailsSection token={token} own={own} onChanged={changed} />
      {own && <RotateSection token={token} onRotated={() => void load()} />}
      {(own || token.active) && <SwitchSection token={token} onChanged={changed} />}
      <RevokeSection token={token} onRevoked={() => onRevoked(token.name, own ? toOwn : toEverybody)} />
    </>
  );
}

function Back({ to }: { readonly to: string }) {
  return (
    <nav class="links" aria-label={tokenMessages.tokens.all}>
      <a href={to}>{tokenMessages.tokens.all}</a>
    </nav>
  );
}

function Facts({ token, back }: { readonly token: Token; readonly back: string }) {
  const said = tokenMessages.tokens;
  return (
    <header class="person">
      <Back to={back} />
      <Heading text={token.name} focus />
      <dl class="facts">
        {token.owner !== '' && <Fact name={said.owner}>{token.owner}</Fact>}
        <Fact name={said.begins}>
          <code>{token.prefix}…</code>
        </Fact>
        <Fact name={said.may}>
          <May token={token} />
        </Fact>
        <Fact name={said.state}>
          <State token={token} />
        </Fact>
        <Fact name={said.used}>
          <Used token={token} />
          {token.lastUsedAddress !== '' && <Address text={token.lastUsedAddress} />}
        </Fact>
        <Fact name={words.requests}>{token.useCount}</Fact>
        <Fact name={words.made}>
          <Moment at={token.createdAt} />
        </Fact>
        <Fact name={said.expires}>
          <Ends token={token} />
        </Fact>
      </dl>
    </header>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt class="quiet small">{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
