/** A labelled field for a file, in the browser's own words. */
import '../look/choices.css';
import { Labelled } from './labelled.tsx';

interface Props {
  readonly name: string;
  readonly label: string;
  readonly help: string;
  /** What the browser offers first. */
  readonly accept: string;
  readonly errors: readonly string[];
  readonly onPick: (file: File | undefined) => void;
}

export function FileField({ name, accept, onPick, ...labelled }: Props) {
  return (
    <Labelled {...labelled}>
      {(tied) => (
        <div class="box">
          <input
            {...tied}
            type="file"
            name={name}
            accept={accept}
            autocomplete="off"
            onChange={(event) => onPick(event.currentTarget.files?.[0])}
          />
        </div>
      )}
    </Labelled>
  );
}
