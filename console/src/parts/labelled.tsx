/** What every field is: label above, help below, the error beside it and told to whoever cannot see it. */
import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

/** What the control has to carry, so that it is all said of it. */
export interface Tied {
  readonly id: string;
  readonly 'aria-invalid': 'true' | undefined;
  readonly 'aria-describedby': string | undefined;
}

interface Props {
  readonly label: string;
  readonly help?: string | undefined;
  /** What is wrong with it, one sentence each. */
  readonly errors?: readonly string[] | undefined;
  /** A control that belongs to the field, under it. */
  readonly below?: ComponentChildren;
  readonly children: (tied: Tied) => ComponentChildren;
}

export function Labelled({ label, help, errors = [], below, children }: Props) {
  const id = useId();
  const described = [errors.length > 0 ? `${id}-error` : '', help === undefined ? '' : `${id}-help`].filter(Boolean);
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({
        id,
        'aria-invalid': errors.length > 0 ? 'true' : undefined,
        'aria-describedby': described.length > 0 ? described.join(' ') : undefined,
      })}
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
