/** Second factors: an authenticator app, passkeys, and the recovery codes for when they are lost. */
import { useEffect, useState } from 'preact/hooks';
import { type SignedIn, isRefusal } from '../api/answers.ts';
import { type Factors, type FactorsOutcome, factors as listFactors } from '../api/factors.ts';
import { focusHeading, Section } from '../inside/section.tsx';
import { Unread } from '../inside/unread.tsx';
import { announce } from '../parts/announce.ts';
import { Notice } from '../parts/notice.tsx';
import { RecoveryCodesDialog } from '../parts/recovery-codes.tsx';
import { accountMessages } from '../words/account-messages.ts';
import { factorMessages } from '../words/factor-messages.ts';
import { PasskeysBlock } from './passkeys-block.tsx';
import { RecoveryBlock } from './recovery-block.tsx';
import { TotpBlock } from './totp-block.tsx';

const words = factorMessages.factors;

interface Props {
  readonly person: SignedIn;
  /** Other devices are signed out, and the status may be another one. */
  readonly onChanged: () => void;
}

/** What a block below tells when something was done. */
export interface Change {
  readonly said: string;
  /** To be shown once. */
  readonly codes?: { readonly lead: string; readonly codes: readonly string[] };
}

export interface BlockProps {
  readonly factors: Factors;
  readonly person: SignedIn;
  readonly onChange: (change: Change) => void;
}

export function FactorsSection({ person, onChanged }: Props) {
  const [list, setList] = useState<FactorsOutcome | { readonly kind: 'waiting' }>({ kind: 'waiting' });
  const [change, setChange] = useState<Change>({ said: '' });
  const load = async (): Promise<void> => setList(await listFactors());
  useEffect(() => void load(), []);

  const finish = (done: Change): void => {
    announce(done.said);
    focusHeading('factors');
    onChanged();
  };
  const changed = (done: Change): void => {
    setChange(done);
    void load();
    // Codes come first: what follows may take this part of the page away.
    if (done.codes === undefined) finish(done);
  };
  return (
    <Section id="factors" heading={words.heading} lead={words.lead}>
      {change.said !== '' && change.codes === undefined && (
        <Notice tone="good">
          <p>{change.said}</p>
        </Notice>
      )}
      {isRefusal(list) && <Unread refusal={list} onAgain={() => void load()} />}
      {list.kind === 'waiting' && <p class="quiet factor waiting">{accountMessages.account.loading}</p>}
      {list.kind === 'factors' && (
        <div class="factors">
          <TotpBlock factors={list} person={person} onChange={changed} />
          <PasskeysBlock factors={list} person={person} onChange={changed} />
          <RecoveryBlock factors={list} person={person} onChange={changed} />
        </div>
      )}
      {change.codes !== undefined && (
        <RecoveryCodesDialog
          username={person.username}
          {...change.codes}
          onStored={() => {
            setChange({ said: change.said });
            finish(change);
          }}
        />
      )}
    </Section>
  );
}
