import { Field } from '../parts/field.tsx';
import { setupMessages } from '../words/setup-messages.ts';
import type { SetupCode } from './setup-code.ts';

interface Props {
  readonly code: SetupCode;
  readonly error: string | undefined;
  readonly onCode: (code: SetupCode) => void;
}

/** Nothing to type when the link carried the code; it is not shown either. Two forms ask for it and share what is typed. */
export function SetupCodeField({ code, error, onCode }: Props) {
  const words = setupMessages.setup;
  if (code.kind === 'from-link') return null;
  return (
    <Field
      name="setup_code"
      label={words.code}
      help={words.codeHelp}
      autocomplete="off"
      value={code.code}
      onInput={(typed) => onCode({ kind: 'typed', code: typed })}
      code
      errors={error === undefined ? [] : [error]}
    />
  );
}
