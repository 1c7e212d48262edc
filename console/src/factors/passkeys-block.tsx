/** Passkeys: a list with what is known of each, and one more of them. */
import { useState } from 'preact/hooks';
import type { Passkey } from '../api/factors.ts';
import { passkeySupport } from '../api/passkeys.ts';
import { Button } from '../parts/button.tsx';
import { Moment } from '../parts/moment.tsx';
import { Notice } from '../parts/notice.tsx';
import { factorMessages } from '../words/factor-messages.ts';
import type { BlockProps } from './factors-section.tsx';
import { AddPasskeyDialog, RemovePasskeyDialog, RenamePasskeyDialog } from './passkey-dialogs.tsx';

const words = factorMessages.passkeys;

type Open =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'add' }
  | { readonly kind: 'rename' | 'remove'; readonly passkey: Passkey };

export function PasskeysBlock({ factors, onChange }: BlockProps) {
  const { passkeys, totp } = factors;
  const [open, setOpen] = useState<Open>({ kind: 'nothing' });
  const shut = (): void => setOpen({ kind: 'nothing' });
  const done = (said: string) => (): void => {
    shut();
    onChange({ said });
  };
  return (
    <div class="factor">
      <header>
        <h3 id="passkeys-heading">{words.heading}</h3>
        <p class="quiet">{words.lead}</p>
      </header>
      {passkeys.some((passkey) => passkey.flagged) && (
        <Notice tone="warn">
          <p>{words.flaggedDetail}</p>
        </Notice>
      )}
      {passkeys.length > 0 && <PasskeysTable passkeys={passkeys} onOpen={setOpen} />}
      {passkeySupport === 'there' ? (
        <div class="actions">
          <Button onPress={() => setOpen({ kind: 'add' })}>{words.add}</Button>
        </div>
      ) : (
        <p class="empty">{passkeySupport === 'no-name' ? words.noName : words.noBrowser}</p>
      )}
      {open.kind === 'add' && <AddPasskeyDialog onDone={done(words.made)} onCancel={shut} />}
      {open.kind === 'rename' && (
        <RenamePasskeyDialog passkey={open.passkey} onDone={done(words.renamed)} onCancel={shut} />
      )}
      {open.kind === 'remove' && (
        <RemovePasskeyDialog
          passkey={open.passkey}
          last={passkeys.length === 1 && totp.kind === 'off'}
          onDone={done(words.removed)}
          onCancel={shut}
        />
      )}
    </div>
  );
}

interface TableProps {
  readonly passkeys: readonly Passkey[];
  readonly onOpen: (open: Open) => void;
}

/** A table, and cards on a narrow screen; the roles are written out because a table drawn as cards loses them. */
function PasskeysTable({ passkeys, onOpen }: TableProps) {
  return (
    <div class="table">
      <table role="table" aria-labelledby="passkeys-heading">
        <thead role="rowgroup">
          <tr role="row">
            <th role="columnheader">{words.name}</th>
            <th role="columnheader">{words.used}</th>
            <th role="columnheader">{words.added}</th>
            <th role="columnheader">{words.place}</th>
            <th role="columnheader">
              <span class="unseen">{words.action}</span>
            </th>
          </tr>
        </thead>
        <tbody role="rowgroup">
          {passkeys.map((passkey) => (
            <Row key={passkey.id} passkey={passkey} onOpen={onOpen} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ passkey, onOpen }: { readonly passkey: Passkey; readonly onOpen: TableProps['onOpen'] }) {
  return (
    <tr role="row">
      <td role="cell" class="head">
        <span class="named">{passkey.name}</span>
        {passkey.flagged && <span class="badge warn">{words.flagged}</span>}
        {passkey.rpId !== location.hostname && <span class="where quiet small">{words.elsewhere(passkey.rpId)}</span>}
      </td>
      <td role="cell" data-label={words.used}>
        {passkey.usedAt === 0 ? words.never : <Moment at={passkey.usedAt} />}
      </td>
      <td role="cell" data-label={words.added}>
        <Moment at={passkey.createdAt} />
      </td>
      <td role="cell" data-label={words.place}>
        {passkey.synced ? words.synced : words.single}
      </td>
      <td role="cell" class="end two">
        <Button look="plain" label={words.renameFull(passkey.name)} onPress={() => onOpen({ kind: 'rename', passkey })}>
          {words.rename}
        </Button>
        <Button look="plain" label={words.removeFull(passkey.name)} onPress={() => onOpen({ kind: 'remove', passkey })}>
          {factorMessages.factors.remove}
        </Button>
      </td>
    </tr>
  );
}
