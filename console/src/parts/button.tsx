import type { ComponentChildren, TargetedMouseEvent } from 'preact';

interface Props {
  readonly look?: 'primary' | 'secondary' | 'danger' | 'danger certain' | 'plain';
  readonly type?: 'submit' | 'button';
  readonly wide?: boolean;
  /** What the button says while its work runs. It keeps the focus and takes no second press. */
  readonly sending?: string | undefined;
  readonly label?: string;
  readonly onPress?: () => void;
  readonly children: ComponentChildren;
}

export function Button({
  look = 'secondary',
  type = 'button',
  wide = false,
  sending,
  label,
  onPress,
  children,
}: Props) {
  const press = (event: TargetedMouseEvent<HTMLButtonElement>): void => {
    if (sending !== undefined) event.preventDefault();
    else onPress?.();
  };
  return (
    <button
      type={type}
      class={`button ${look}${wide ? ' wide' : ''}`}
      aria-disabled={sending !== undefined}
      aria-label={sending === undefined ? label : undefined}
      onClick={press}
    >
      {sending ?? children}
    </button>
  );
}
