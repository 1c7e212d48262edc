import { useEffect, useRef, useState } from 'preact/hooks';
import { messages } from '../words/messages.ts';
import { Field, type FieldProps } from './field.tsx';

type Props = Pick<FieldProps, 'name' | 'label' | 'help' | 'errors' | 'below'> & {
  readonly autocomplete: 'current-password' | 'new-password';
  /** Each new number uncovers the password once: it was filled in, and has to be read. */
  readonly showFrom?: number;
};

export function PasswordField({ showFrom = 0, ...props }: Props) {
  const words = messages.password;
  const [shown, setShown] = useState(false);
  const reveal = useRef<HTMLButtonElement>(null);

  useEffect(() => {
    if (showFrom > 0) setShown(true);
  }, [showFrom]);
  // Covered again before it is sent: browsers keep the text of visible fields for their suggestions.
  useEffect(() => {
    const form = reveal.current?.form;
    const cover = (): void => setShown(false);
    form?.addEventListener('submit', cover);
    return () => form?.removeEventListener('submit', cover);
  }, []);

  return (
    <Field
      {...props}
      type={shown ? 'text' : 'password'}
      code={shown}
      after={
        <button
          ref={reveal}
          type="button"
          class="reveal"
          aria-label={shown ? words.hideFull : words.showFull}
          onClick={() => setShown(!shown)}
        >
          {shown ? words.hide : words.show}
        </button>
      }
    />
  );
}
