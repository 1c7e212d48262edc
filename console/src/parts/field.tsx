/** A labelled line to type in. */
import type { ComponentChildren } from 'preact';
import { Labelled } from './labelled.tsx';

export interface FieldProps {
  readonly name: string;
  readonly label: string;
  readonly help?: string | undefined;
  /** What is wrong with it, one sentence each. */
  readonly errors?: readonly string[] | undefined;
  readonly type?: 'text' | 'password';
  readonly autocomplete: string;
  readonly value?: string | undefined;
  readonly code?: boolean;
  /** Which keyboard a telephone brings. */
  readonly keyboard?: 'text' | 'numeric';
  readonly onInput?: (typed: string, input: HTMLInputElement) => void;
  /** A control inside the box, at its end. */
  readonly after?: ComponentChildren;
  /** A control that belongs to the field, under it. */
  readonly below?: ComponentChildren;
}

export function Field({
  name,
  label,
  help,
  errors,
  type = 'text',
  autocomplete,
  value,
  code = false,
  keyboard = 'text',
  onInput,
  after,
  below,
}: FieldProps) {
  return (
    <Labelled label={label} help={help} errors={errors} below={below}>
      {(tied) => (
        <div class={after === undefined ? 'box' : 'box with-reveal'}>
          <input
            {...tied}
            name={name}
            {...(type === 'password' ? { type: 'password' } : { type: 'text' })}
            class={code ? 'code' : undefined}
            autocomplete={autocomplete}
            inputMode={keyboard}
            autocapitalize="none"
            autocorrect="off"
            spellcheck={false}
            defaultValue={value}
            onInput={(event) => onInput?.(event.currentTarget.value, event.currentTarget)}
          />
          {after}
        </div>
      )}
    </Labelled>
  );
}
