/** A labelled field of several lines. */
import '../look/choices.css';
import { Labelled } from './labelled.tsx';

interface Props {
  readonly name: string;
  readonly label: string;
  readonly help: string;
  readonly errors: readonly string[];
  readonly value: string;
  readonly rows: number;
}

export function TextArea({ name, value, rows, ...labelled }: Props) {
  return (
    <Labelled {...labelled}>
      {(tied) => (
        <div class="box">
          <textarea
            {...tied}
            name={name}
            rows={rows}
            class="code"
            autocomplete="off"
            autocapitalize="none"
            spellcheck={false}
            defaultValue={value}
          />
        </div>
      )}
    </Labelled>
  );
}
