/** Recovery codes, shown once: on paper, in a file or on the clipboard before the person goes on. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { secretMessages } from '../words/secret-messages.ts';
import { announce } from './announce.ts';
import { Button } from './button.tsx';
import { Dialog } from './dialog.tsx';
import { Gate } from './gate.tsx';
import { Notice } from './notice.tsx';

const words = secretMessages.recovery;

interface Props {
  readonly username: string;
  readonly codes: readonly string[];
  readonly onStored: () => void;
}

export function RecoveryCodesPage(props: Props) {
  return (
    <Gate heading={words.heading} lead={words.lead} broad>
      <RecoveryCodes {...props} />
    </Gate>
  );
}

/** It cannot be let go of: what is not stored now is lost. */
export function RecoveryCodesDialog({ lead, ...props }: Props & { readonly lead: string }) {
  return (
    <Dialog heading={words.heading} lead={lead} broad onCancel={() => undefined}>
      <RecoveryCodes {...props} />
    </Dialog>
  );
}

function RecoveryCodes({ username, codes, onStored }: Props) {
  const head = words.fileHead(location.host, username);
  const [copying, setCopying] = useState<'not-yet' | 'copied' | 'failed'>('not-yet');
  const [stored, setStored] = useState(false);
  const list = useRef<HTMLOListElement>(null);
  const file = useMemo(
    () => URL.createObjectURL(new Blob([`${head}\n\n${codes.join('\n')}\n`], { type: 'text/plain' })),
    [head, codes],
  );

  // Closing the tab by mistake would lose the codes for good: the browser asks first.
  useEffect(() => {
    if (stored) {
      onStored();
      return undefined;
    }
    const hold = (event: BeforeUnloadEvent): void => event.preventDefault();
    addEventListener('beforeunload', hold);
    return () => removeEventListener('beforeunload', hold);
  }, [stored]);

  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(codes.join('\n'));
      setCopying('copied');
      announce(words.copied);
    } catch {
      // Without HTTPS, or when it is not allowed: then the codes are at least selected.
      if (list.current !== null) getSelection()?.selectAllChildren(list.current);
      setCopying('failed');
    }
  };

  return (
    <>
      <div class="no-print">
        <Notice tone="warn">
          <p>{words.once}</p>
        </Notice>
      </div>
      <p class="only-print">{head}</p>
      <ol class="codes" ref={list} aria-label={words.list}>
        {codes.map((code) => (
          <li key={code}>
            <code>{code}</code>
          </li>
        ))}
      </ol>
      <div class="actions no-print">
        <Button onPress={() => void copy()}>{copying === 'copied' ? words.copied : words.copy}</Button>
        <a class="button" href={file} download={words.fileName(location.hostname)}>
          {words.download}
        </a>
        <Button onPress={() => print()}>{words.print}</Button>
      </div>
      {copying === 'failed' && (
        <Notice tone="danger">
          <p>{words.copyFailed}</p>
        </Notice>
      )}
      <div class="no-print">
        <Button look="primary" wide onPress={() => setStored(true)}>
          {words.go}
        </Button>
      </div>
    </>
  );
}
