/** Everybody as a file, for a spreadsheet or to be imported elsewhere. */
import { useState } from 'preact/hooks';
import { type Refusal, isRefusal } from '../api/answers.ts';
import { exportPeople } from '../api/many.ts';
import { announce } from '../parts/announce.ts';
import { Button } from '../parts/button.tsx';
import { peopleMessages } from '../words/people-messages.ts';

const words = peopleMessages.people;

interface Props {
  readonly onRefused: (refusal: Refusal | undefined) => void;
}

export function ExportButton({ onRefused }: Props) {
  const [state, setState] = useState<'ready' | 'sending'>('ready');
  const save = async (): Promise<void> => {
    onRefused(undefined);
    setState('sending');
    const outcome = await exportPeople();
    setState('ready');
    if (isRefusal(outcome)) return onRefused(outcome);
    if (outcome.kind !== 'file') return;
    saveAs(words.exportName(location.hostname), outcome.text);
    announce(words.exported);
  };
  return (
    <Button look="plain" onPress={() => void save()} sending={state === 'sending' ? words.exporting : undefined}>
      {words.exportCsv}
    </Button>
  );
}

/** The mark at its beginning tells spreadsheets that it is UTF-8. */
function saveAs(name: string, csv: string): void {
  const url = URL.createObjectURL(new Blob(['\uFEFF', csv.replace(/^\uFEFF/, '')], { type: 'text/csv' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The browser has taken it by then.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
