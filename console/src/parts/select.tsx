/** One of a few, in the browser's own list. */
import '../look/choices.css';
import { Labelled } from './labelled.tsx';

interface Props<Value extends string> {
  readonly name: string;
  readonly label: string;
  readonly help?: string;
  readonly value: Value;
  readonly options: readonly { readonly value: Value; readonly name: string }[];
  readonly onPick?: (value: Value) => void;
}

export function Select<Value extends string>({ name, label, help, value, options, onPick }: Props<Value>) {
  const pick = (at: number): void => {
    const picked = options[at];
    if (picked !== undefined) onPick?.(picked.value);
  };
  return (
    <Labelled label={label} help={help}>
      {(tied) => (
        <div class="box">
          <select
            {...tied}
            name={name}
            autocomplete="off"
            onChange={(event) => pick(event.currentTarget.selectedIndex)}
          >
            {options.map((option) => (
              <option key={option.value} value={option.value} selected={option.value === value}>
                {option.name}
              </option>
            ))}
          </select>
        </div>
      )}
    </Labelled>
  );
}
