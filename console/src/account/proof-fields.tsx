/** The password, and the code where the account has a second factor: what proves that it is still the same person. */
import type { Proof } from '../api/door.ts';
import { Field } from '../parts/field.tsx';
import type { Typed } from '../parts/form.tsx';
import { PasswordField } from '../parts/password-field.tsx';
import { messages } from '../words/messages.ts';

interface Props {
  readonly label: string;
  readonly hasFactor: boolean;
  readonly username: string;
  readonly errors: readonly string[];
}

export function ProofFields({ label, hasFactor, username, errors }: Props) {
  return (
    <>
      {/* For password managers, which want to know whose password this is. */}
      <input type="text" name="username" autocomplete="username" value={username} readOnly hidden />
      <PasswordField name="current_password" label={label} autocomplete="current-password" errors={errors} />
      {hasFactor && (
        <Field
          name="totp_code"
          label={messages.code.label}
          help={messages.code.either}
          autocomplete="one-time-code"
          code
        />
      )}
    </>
  );
}

export function readProof(typed: Typed): Proof {
  return { password: typed('current_password'), code: typed('totp_code').trim() };
}
