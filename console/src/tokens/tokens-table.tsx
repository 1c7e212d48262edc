import type { Token, WhoseTokens } from '../api/tokens.ts';
import { Address } from '../inside/address.tsx';
import { WaitingRows } from '../inside/waiting-rows.tsx';
import { PickCell, PickHead } from '../many/pick-cell.tsx';
import type { Selection } from '../many/selection.ts';
import { Button } from '../parts/button.tsx';
import { Moment } from '../parts/moment.tsx';
import { known } from '../words/refusal-text.ts';
import { tokenMessages } from '../words/token-messages.ts';
import { useOf } from './standing.ts';
import { toToken } from './view.ts';

const words = tokenMessages.tokens;

interface Props {
  readonly tokens: readonly Token[] | 'waiting';
  readonly whose: WhoseTokens;
  readonly selection: Selection;
  readonly onRevoke?: ((token: Token) => void) | undefined;
}

/** A table, and cards on a narrow screen; the roles are written out because a table drawn as cards loses them. */
export function TokensTable({ tokens, whose, selection, onRevoke }: Props) {
  const picking = selection.mode === 'picking';
  return (
    <div class="table" aria-busy={tokens === 'waiting'}>
      <table role="table" aria-label={words.heading}>
        <thead role="rowgroup">
          <tr role="row">
            {picking && <PickHead />}
            <th role="columnheader">{words.name}</th>
            <th role="columnheader">{words.may}</th>
            <th role="columnheader">{words.used}</th>
            <th role="columnheader">{words.expires}</th>
            <th role="columnheader">{words.state}</th>
            {!picking && (
              <th role="columnheader">
                <span class="unseen">{words.action}</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {tokens === 'waiting' ? (
            <WaitingRows columns={6} rows={3} />
          ) : (
            tokens.map((token) => (
              <Row key={token.id} token={token} whose={whose} selection={selection} onRevoke={onRevoke} />
            ))
          )}
        </tbody>
      </table>
    </div>
  );
}

type RowProps = Omit<Props, 'tokens'> & { readonly token: Token };

function Row({ token, whose, selection, onRevoke }: RowProps) {
  const picking = selection.mode === 'picking';
  return (
    <tr role="row">
      {picking && <PickCell id={token.id} label={tokenMessages.tokensMany.select(token.name)} selection={selection} />}
      <td role="cell" class="head">
        <a class="to-token" href={toToken(token.id)}>
          {token.name}
        </a>
        <span class="where quiet small">
          <span class="unseen">{words.begins} </span>
          <code>{token.prefix}…</code>
        </span>
      </td>
      <td role="cell" data-label={words.may}>
        <div>
          <May token={token} />
          {whose === 'everybody' && <span class="where quiet small">{words.actsFor(token.owner)}</span>}
        </div>
      </td>
      <td role="cell" data-label={words.used}>
        <div>
          <Used token={token} />
          {token.lastUsedAddress !== '' && <Address text={token.lastUsedAddress} />}
        </div>
      </td>
      <td role="cell" data-label={words.expires}>
        <Ends token={token} />
      </td>
      <td role="cell" data-label={words.state}>
        <div>
          <State token={token} />
        </div>
      </td>
      {!picking && (
        <td role="cell" class="end">
          <Button look="plain" label={words.revokeFull(token.name)} onPress={() => onRevoke?.(token)}>
            {words.revoke}
          </Button>
        </td>
      )}
    </tr>
  );
}

/** In words where there are some; else the scopes, broken only where they may be. */
export function May({ token }: { readonly token: Token }) {
  const { scopes } = token;
  const named = known(words.sets, scopes.toSorted().join(' '));
  if (named !== undefined) return <>{named}</>;
  return (
    <ul class="scopes">
      {scopes.map((scope) => (
        <li key={scope}>
          <code>{scope.split(':').flatMap((part, at) => (at === 0 ? [part] : [':', <wbr key={at} />, part]))}</code>
        </li>
      ))}
    </ul>
  );
}

export function Ends({ token }: { readonly token: Token }) {
  return token.expiresAt === 0 ? <>{words.never}</> : <Moment at={token.expiresAt} />;
}

export function Used({ token }: { readonly token: Token }) {
  const use = useOf(token, Date.now());
  switch (use.kind) {
    case 'lately':
      return <Moment at={token.lastUsedAt} />;
    case 'not-yet':
      return <span class="quiet">{words.notYet}</span>;
    case 'never':
      return <span class="badge warn">{words.neverUsed}</span>;
    case 'long-ago':
      return (
        <span class="badge warn">
          <Moment at={token.lastUsedAt} said={words.unused(use.days)} />
        </span>
      );
  }
}

export function State({ token }: { readonly token: Token }) {
  if (token.expired) return <span class="badge off">{words.expired}</span>;
  if (!token.active) return <span class="badge off">{words.off}</span>;
  return (
    <>
      {words.active}
      {token.previousUntil > Date.now() && (
        <span class="where quiet small">
          {words.oldEnds} <Moment at={token.previousUntil} />
        </span>
      )}
    </>
  );
}
