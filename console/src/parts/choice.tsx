/** One of a few, all of them seen at once, each with what it means. */
import '../look/choices.css';
import { useId } from 'preact/hooks';

interface Props<Value extends string> {
  readonly name: string;
  readonly label: string;
  readonly value: Value;
  readonly options: readonly { readonly value: Value; readonly name: string; readonly help: string }[];
  readonly onPick: (value: Value) => void;
}

export function Choice<Value extends string>({ name, label, value, options, onPick }: Props<Value>) {
  const id = useId();
  return (
    <fieldset class="choice">
      <legend>{label}</legend>
      {options.map((option) => (
        <div class="field" key={option.value}>
          <label for={`${id}-${option.value}`}>
            <input
              id={`${id}-${option.value}`}
              name={name}
              type="radio"
              value={option.value}
              autocomplete="off"
              checked={option.value === value}
              aria-describedby={`${id}-${option.value}-help`}
              onChange={() => onPick(option.value)}
            />
            {option.name}
          </label>
          <p id={`${id}-${option.value}-help`} class="help">
            {option.help}
          </p>
        </div>
      ))}
    </fieldset>
  );
}
