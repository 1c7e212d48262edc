/** What happened on the account since somebody last looked: at the top, until it is dismissed. What they do now is no news. */
import { useEffect, useState } from 'preact/hooks';
import { type AccountNotice, dismissNotices, notices as listNotices } from '../api/account.ts';
import { type Refusal, isRefusal } from '../api/answers.ts';
import { Address } from '../inside/address.tsx';
import { deviceName } from '../inside/device-name.ts';
import { announce } from '../parts/announce.ts';
import { Button } from '../parts/button.tsx';
import { Moment } from '../parts/moment.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { accountMessages } from '../words/account-messages.ts';
import { known } from '../words/refusal-text.ts';

const words = accountMessages.notices;

/** The latest; the others are shown on demand. */
const shownAtFirst = 3;

type State = { readonly kind: 'ready' } | { readonly kind: 'sending' } | Refusal;

interface Props {
  /** There are some, there are none, or they cannot be had. */
  readonly onKnown: () => void;
}

export function Notices({ onKnown }: Props) {
  const [notices, setNotices] = useState<readonly AccountNotice[]>([]);
  const [most, setMost] = useState(shownAtFirst);
  const [state, setState] = useState<State>({ kind: 'ready' });
  // Not worth a word when they cannot be had: the lists below say what is wrong.
  const load = async (): Promise<void> => {
    const outcome = await listNotices();
    if (outcome.kind === 'notices') setNotices(outcome.notices);
    onKnown();
  };
  useEffect(() => void load(), []);
  const [latest] = notices;
  if (latest === undefined) return null;

  const dismiss = async (): Promise<void> => {
    setState({ kind: 'sending' });
    const outcome = await dismissNotices(latest.id);
    setState(isRefusal(outcome) ? outcome : { kind: 'ready' });
    if (outcome.kind !== 'done') return;
    announce(words.dismissed);
    document.querySelector('h1')?.focus();
    await load();
  };
  const shown = notices.slice(0, most);
  return (
    <section class="notices" aria-labelledby="notices-heading">
      <header>
        <h2 id="notices-heading">{words.heading}</h2>
        <p class="quiet">{words.lead}</p>
      </header>
      {isRefusal(state) && <RefusalNotice refusal={state} />}
      <ul>
        {shown.map((notice) => (
          <li key={notice.id}>
            <p>{sentence(notice)}</p>
            <p class="quiet small">
              {extra(notice) !== '' && <span>{extra(notice)}</span>}
              <Moment at={notice.at} />
              {notice.address === '' ? <span>{words.host}</span> : <Address text={notice.address} />}
            </p>
          </li>
        ))}
      </ul>
      <div class="actions">
        <Button onPress={() => void dismiss()} sending={state.kind === 'sending' ? words.dismissing : undefined}>
          {words.dismiss}
        </Button>
        {notices.length > most && (
          <Button look="plain" onPress={() => setMost(notices.length)}>
            {words.more(notices.length - most)}
          </Button>
        )}
      </div>
    </section>
  );
}

function sentence({ sort, detail }: AccountNotice): string {
  if (sort === 'factor-added' && detail === 'totp') return words.totpAdded;
  if (sort === 'factor-removed' && detail === 'totp') return words.totpRemoved;
  if (sort === 'recovery-code-used' && /^\d{1,3}$/.test(detail)) return words.codesLeft(Number(detail));
  return known(words.sorts, sort) ?? words.other;
}

/** A name that belongs to it: of the browser, of the passkey. */
function extra({ sort, detail }: AccountNotice): string {
  if (sort === 'new-device') return detail === '' ? '' : deviceName(detail);
  return /^passkey: (.+)$/.exec(detail)?.[1] ?? '';
}
