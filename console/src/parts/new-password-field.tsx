/** A field for a password that is being chosen, with one offered to whoever wants none of their own. */
import { useRef, useState } from 'preact/hooks';
import { secretMessages } from '../words/secret-messages.ts';
import { announce } from './announce.ts';
import { Button } from './button.tsx';
import { PasswordField } from './password-field.tsx';
import { suggestedPassword } from './suggested-password.ts';

interface Props {
  readonly name: string;
  readonly label: string;
  readonly help: string;
  readonly errors?: readonly string[] | undefined;
}

export function NewPasswordField({ help, errors, ...field }: Props) {
  const words = secretMessages.newPassword;
  const around = useRef<HTMLDivElement>(null);
  const [suggestions, setSuggestions] = useState(0);
  // What was wrong with the password before is not wrong with the one that is filled in now.
  const [outdated, setOutdated] = useState<readonly string[] | undefined>(undefined);

  const suggest = (): void => {
    const input = around.current?.querySelector('input');
    if (!input) return;
    input.value = suggestedPassword();
    setSuggestions(suggestions + 1);
    setOutdated(errors);
    announce(words.suggested);
  };
  return (
    <div ref={around}>
      <PasswordField
        {...field}
        errors={errors === outdated ? [] : errors}
        help={suggestions > 0 ? words.suggested : help}
        autocomplete="new-password"
        showFrom={suggestions}
        below={
          <Button look="plain" onPress={suggest}>
            {words.suggest}
          </Button>
        }
      />
    </div>
  );
}
