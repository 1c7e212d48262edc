/** Where the rows come from: a file, or pasted text. What is sent is looked at first, and nothing is written. */
import { useState } from 'preact/hooks';
import { type Refusal, isRefusal } from '../../api/answers.ts';
import { Button } from '../../parts/button.tsx';
import { Choice } from '../../parts/choice.tsx';
import { FileField } from '../../parts/file-field.tsx';
import { Form } from '../../parts/form.tsx';
import { RefusalNotice } from '../../parts/refusal-notice.tsx';
import { TextArea } from '../../parts/text-area.tsx';
import { peopleMessages } from '../../words/people-messages.ts';
import { known } from '../../words/refusal-text.ts';
import { toList } from '../view.ts';
import { readCsvFile, isTooLarge } from './read-file.ts';

const words = peopleMessages.peopleImport;

type From = 'file' | 'text';

export type SourceState =
  | { readonly kind: 'ready' }
  | { readonly kind: 'sending' }
  | { readonly kind: 'wrong'; readonly error: string }
  | Refusal;

interface Props {
  readonly state: SourceState;
  readonly onState: (state: SourceState) => void;
  readonly onCsv: (csv: string) => void;
}

const options = [
  { value: 'file', name: words.fromFile, help: words.fromFileHelp },
  { value: 'text', name: words.fromText, help: words.fromTextHelp },
] as const;

export function SourceForm({ state, onState, onCsv }: Props) {
  const [from, setFrom] = useState<From>('file');
  const [file, setFile] = useState<File | undefined>();
  const send = async (typed: string): Promise<void> => {
    const wrong = (error: string): void => onState({ kind: 'wrong', error });
    if (from === 'text') {
      if (typed.trim() === '') return wrong(words.textMissing);
      return isTooLarge(new Blob([typed])) ? wrong(words.files.large) : onCsv(typed);
    }
    if (file === undefined) return wrong(words.fileMissing);
    const read = await readCsvFile(file);
    return read.kind === 'read' ? onCsv(read.csv) : wrong(known(words.files, read.kind) ?? words.fileMissing);
  };
  const errors = state.kind === 'wrong' ? [state.error] : [];
  return (
    <Form name="import" sending={state.kind === 'sending'} answer={state} onSend={(typed) => void send(typed('rows'))}>
      <Choice
        name="from"
        label={words.from}
        value={from}
        options={options}
        onPick={(picked) => {
          setFrom(picked);
          onState({ kind: 'ready' });
        }}
      />
      {from === 'file' ? (
        <FileField
          name="file"
          label={words.file}
          help={words.fileHelp}
          accept=".csv,text/csv"
          errors={errors}
          onPick={setFile}
        />
      ) : (
        <TextArea name="rows" label={words.text} help={words.textHelp} errors={errors} value="" rows={8} />
      )}
      {isRefusal(state) && (
        <RefusalNotice
          refusal={state}
          here={{ reauthentication_required: words.sharedAddress, payload_too_large: words.files.large }}
        />
      )}
      <div class="actions">
        <Button type="submit" look="primary" sending={state.kind === 'sending' ? words.checking : undefined}>
          {words.check}
        </Button>
        <a class="button" href={toList}>
          {peopleMessages.person.cancel}
        </a>
      </div>
    </Form>
  );
}
