/** The password, and the code where the account has a second factor: what proves that it is still the same person. */
import type { SignedIn } from '../api/answers.ts';
import type { PasswordProof } from '../api/sign-in.ts';
import { Field } from '../parts/field.tsx';
import type { Typed } from '../parts/form.tsx';
import { PasswordField } from '../parts/password-field.tsx';
import { messages } from '../words/messages.ts';

interface Props {
  readonly label: string;
  /** `recovery`: there is no authenticator app among the second factors. */
  readonly code: 'none' | 'either' | 'recovery';
  readonly username: string;
  readonly errors: readonly string[];
  readonly codeErrors?: readonly string[];
  /** Says what else would do than the code. */
  readonly codeHelp?: string | undefined;
}

export function ProofFields({ label, code, username, errors, codeErrors = [], codeHelp }: Props) {
  const words = messages.code;
  return (
    <>
      {/* For password managers, which want to know whose password this is. */}
      <input type="text" name="username" autocomplete="username" value={username} readOnly hidden />
      <PasswordField name="current_password" label={label} autocomplete="current-password" errors={errors} />
      {code !== 'none' && (
        <Field
          name="totp_code"
          label={code === 'either' ? words.label : words.recoveryLabel}
          help={codeHelp ?? (code === 'either' ? words.either : words.recoveryHelp)}
          autocomplete="one-time-code"
          code
          errors={codeErrors}
        />
      )}
    </>
  );
}

/** What an account has to type codes of. */
export function codeOf(person: SignedIn): Props['code'] {
  if (person.hasTotp) return 'either';
  return person.passkeys > 0 ? 'recovery' : 'none';
}

export function readProof(typed: Typed): PasswordProof {
  return { password: typed('current_password'), code: typed('totp_code').trim() };
}
