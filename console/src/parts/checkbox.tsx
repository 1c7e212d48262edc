import { useId } from 'preact/hooks';

interface Props {
  readonly name: string;
  readonly label: string;
  readonly help: string;
  readonly checked: boolean;
}

/** Read as `on` when the form is sent, as forms do. */
export function Checkbox({ name, label, help, checked }: Props) {
  const id = useId();
  return (
    <div class="field check">
      <label for={id}>
        <input
          id={id}
          name={name}
          type="checkbox"
          autocomplete="off"
          defaultChecked={checked}
          aria-describedby={`${id}-help`}
        />
        {label}
      </label>
      <p id={`${id}-help`} class="help">
        {help}
      </p>
    </div>
  );
}
