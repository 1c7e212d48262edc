/** A text that is to be taken along: shown, and copied by a press. */
import '../look/tokens-page.css';
import { useRef, useState } from 'preact/hooks';
import { tokenMessages } from '../words/token-messages.ts';
import { announce } from '../parts/announce.ts';
import { Button } from '../parts/button.tsx';
import { Notice } from '../parts/notice.tsx';

interface Props {
  /** What it is, or the file it belongs in. */
  readonly name: string;
  readonly text: string;
  readonly look?: 'primary' | 'secondary';
  readonly onCopied?: () => void;
}

export function ToCopy({ name, text, look = 'secondary', onCopied }: Props) {
  const words = tokenMessages.secret;
  const [copying, setCopying] = useState<
    { readonly kind: 'not-yet' | 'failed' } | { readonly kind: 'copied'; readonly text: string }
  >({ kind: 'not-yet' });
  const shown = useRef<HTMLElement>(null);
  // Longer lines are scrolled to, by keys as well.
  const lines = text.includes('\n');
  const copied = copying.kind === 'copied' && copying.text === text;
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      setCopying({ kind: 'copied', text });
      announce(words.copied);
      onCopied?.();
    } catch {
      // Without HTTPS, or when it is not allowed: then it is at least selected.
      if (shown.current !== null) getSelection()?.selectAllChildren(shown.current);
      setCopying({ kind: 'failed' });
    }
  };
  return (
    <figure class="to-copy">
      <figcaption class="beside">
        <span>{name}</span>
        <Button look={look} {...(copied ? {} : { label: words.copyFull(name) })} onPress={() => void copy()}>
          {copied ? words.copied : words.copy}
        </Button>
      </figcaption>
      <pre
        class={lines ? 'command lines' : 'command'}
        {...(lines ? { role: 'group', 'aria-label': name, tabIndex: 0 } : {})}
      >
        <code ref={shown}>{text}</code>
      </pre>
      {copying.kind === 'failed' && (
        <Notice tone="danger">
          <p>{words.copyFailed}</p>
        </Notice>
      )}
    </figure>
  );
}
