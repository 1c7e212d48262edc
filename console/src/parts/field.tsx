/** A labelled input: label above, help below, the error beside it and told to whoever cannot see it. */
import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

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
  errors = [],
  type = 'text',
  autocomplete,
  value,
  code = false,
  keyboard = 'text',
  onInput,
  after,
  below,
}: FieldProps) {
  const id = useId();
  const described = [errors.length > 0 ? `${id}-error` : '', help === undefined ? '' : `${id}-help`].filter(Boolean);
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <div class={after === undefined ? 'box' : 'box with-reveal'}>
        <input
          id={id}
          name={name}
          {...(type === 'password' ? { type: 'password' } : { type: 'text' })}
          class={code ? 'code' : undefined}
          autocomplete={autocomplete}
          inputMode={keyboard}
          autocapitalize="none"
          autocorrect="off"
          spellcheck={false}
          defaultValue={value}
          aria-invalid={errors.length > 0 ? 'true' : undefined}
          aria-describedby={described.length > 0 ? described.join(' ') : undefined}
          onInput={(event) => onInput?.(event.currentTarget.value, event.currentTarget)}
        />
        {after}
      </div>
      {errors.length > 0 && (
        <div id={`${id}-error`} class="error" role="alert">
          {errors.map((error) => (
            <p key={error}>{error}</p>
          ))}
        </div>
      )}
      {help !== undefined && (
        <p id={`${id}-help`} class="help">
          {help}
        </p>
      )}
      {below}
    </div>
  );
}
