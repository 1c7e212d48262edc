/** Many people from a file: first what would happen, row by row, then the import, then what came of it. */
import { useState } from 'preact/hooks';
import { type Refusal, isRefusal } from '../../api/answers.ts';
import { type Results, type RowResult, importPeople } from '../../api/many.ts';
import { focusHeading, Section } from '../../inside/section.tsx';
import { ResultsTable, refusedText } from '../../many/results-table.tsx';
import { announce } from '../../parts/announce.ts';
import { Button } from '../../parts/button.tsx';
import { Heading } from '../../parts/heading.tsx';
import { Notice } from '../../parts/notice.tsx';
import { RefusalNotice } from '../../parts/refusal-notice.tsx';
import { peopleMessages } from '../../words/people-messages.ts';
import { known } from '../../words/refusal-text.ts';
import { toList } from '../view.ts';
import { namesIn } from './names-in.ts';
import { SourceForm, type SourceState } from './source-form.tsx';

const words = peopleMessages.peopleImport;

/** What the server has read: its text, the names in it, and what becomes of each row. */
interface Read {
  readonly csv: string;
  readonly names: readonly string[];
  readonly results: Results;
}

type Step = { readonly kind: 'source' } | ({ readonly kind: 'checked' | 'imported' } & Read);

export function ImportView() {
  const [step, setStep] = useState<Step>({ kind: 'source' });
  const [source, setSource] = useState<SourceState>({ kind: 'ready' });
  const [forms, setForms] = useState(0);
  const check = async (csv: string): Promise<void> => {
    setSource({ kind: 'sending' });
    const results = await importPeople(csv, 'trial');
    setSource(isRefusal(results) ? besideField(results) : { kind: 'ready' });
    if (results.kind !== 'results') return;
    setStep({ kind: 'checked', csv, names: namesIn(csv), results });
    focusHeading('import-rows');
  };
  const back = (): void => {
    setStep({ kind: 'source' });
    requestAnimationFrame(() => document.querySelector('h1')?.focus());
  };
  return (
    <>
      <header class="person">
        <nav class="links" aria-label={peopleMessages.people.all}>
          <a href={toList}>{peopleMessages.people.all}</a>
        </nav>
        <Heading text={words.heading} focus />
        <p class="quiet">{words.lead}</p>
      </header>
      {/* Out of sight it stays: what was chosen or typed can still be changed. */}
      <div class="import" hidden={step.kind !== 'source'}>
        <Example />
        <SourceForm key={forms} state={source} onState={setSource} onCsv={(csv) => void check(csv)} />
      </div>
      {step.kind === 'checked' && (
        <Checked
          read={step}
          onBack={back}
          onImported={(results) => {
            setStep({ ...step, kind: 'imported', results });
            focusHeading('import-rows');
          }}
        />
      )}
      {step.kind === 'imported' && (
        <Imported
          read={step}
          onAgain={() => {
            setForms(forms + 1);
            back();
          }}
        />
      )}
    </>
  );
}

/** What the server says of the file as a whole, and how to mend it. */
function besideField(refusal: Refusal): SourceState {
  const ofFile = refusal.kind === 'refused' && refusal.code === 'invalid_request' && refusal.detail !== '';
  return ofFile ? { kind: 'wrong', error: refusal.detail } : refusal;
}

function Example() {
  return (
    <figure class="example">
      <figcaption class="quiet">{words.example}</figcaption>
      <pre class="command lines" role="group" aria-label={words.exampleName} tabIndex={0}>
        <code>{words.exampleRows}</code>
      </pre>
    </figure>
  );
}

type State = { readonly kind: 'ready' } | { readonly kind: 'sending' } | Refusal;

interface CheckedProps {
  readonly read: Read;
  readonly onBack: () => void;
  readonly onImported: (results: Results) => void;
}

function Checked({ read, onBack, onImported }: CheckedProps) {
  const [state, setState] = useState<State>({ kind: 'ready' });
  const { good, bad } = countsOf(read.results);
  const send = async (): Promise<void> => {
    setState({ kind: 'sending' });
    announce(words.sending);
    const results = await importPeople(read.csv, 'for-real');
    if (results.kind === 'results') return onImported(results);
    setState(isRefusal(results) ? results : { kind: 'ready' });
  };
  return (
    <Section id="import-rows" heading={words.checkHeading} lead={words.checkLead}>
      <Notice tone={bad > 0 ? 'warn' : 'info'} spoken>
        <p>{good > 0 ? words.wouldAdd(good) : words.wouldAddNobody}</p>
        {bad > 0 && <p>{words.problems(bad)}</p>}
      </Notice>
      <Rows read={read} said={words.new} />
      {isRefusal(state) && (
        <RefusalNotice
          refusal={state}
          here={{ reauthentication_required: words.sharedAddress, payload_too_large: words.files.large }}
        />
      )}
      <div class="actions">
        {good > 0 && (
          <Button
            look="primary"
            sending={state.kind === 'sending' ? words.sending : undefined}
            onPress={() => void send()}
          >
            {words.submit(good)}
          </Button>
        )}
        <Button onPress={onBack}>{words.back}</Button>
      </div>
    </Section>
  );
}

function Imported({ read, onAgain }: { readonly read: Read; readonly onAgain: () => void }) {
  const { good, bad } = countsOf(read.results);
  return (
    <Section id="import-rows" heading={words.doneHeading} lead={words.doneLead}>
      <Notice tone={bad > 0 ? 'warn' : 'good'} spoken>
        <p>{good > 0 ? words.added(good) : words.addedNobody}</p>
        {bad > 0 && <p>{words.leftOut(bad)}</p>}
      </Notice>
      <Rows read={read} said={words.isAdded} />
      <div class="actions">
        <a class="button" href={toList}>
          {peopleMessages.people.all}
        </a>
        <Button onPress={onAgain}>{words.again}</Button>
      </div>
    </Section>
  );
}

function Rows({ read, said }: { readonly read: Read; readonly said: string }) {
  if (read.results.rows.length === 0) return null;
  return (
    <ResultsTable
      rows={read.results.rows}
      nameOf={(row) => read.names[row - 1] ?? ''}
      said={(row: RowResult) => (row.kind === 'done' ? said : refusedText(row, known(words.problemsOf, row.code)))}
    />
  );
}

function countsOf({ rows }: Results): { readonly good: number; readonly bad: number } {
  const good = rows.filter((row) => row.kind === 'done').length;
  return { good, bad: rows.length - good };
}
