/** A secret, shown once, with what the programs want that are to use it. */
import { useEffect, useState } from 'preact/hooks';
import { sessions } from '../api/account.ts';
import type { MadeSecret } from '../api/tokens.ts';
import { Button } from '../parts/button.tsx';
import { Dialog } from '../parts/dialog.tsx';
import { Field } from '../parts/field.tsx';
import { Moment } from '../parts/moment.tsx';
import { Select } from '../parts/select.tsx';
import { tokenMessages } from '../words/token-messages.ts';
import { addressFor, type Program, snippets } from './snippets.ts';
import { ToCopy } from './to-copy.tsx';

const words = tokenMessages.secret;

interface Props {
  readonly heading: string;
  readonly made: MadeSecret;
  readonly onClose: () => void;
}

/** Escape does not let go of it: what is not stored now is lost. */
export function SecretDialog({ heading, made, onClose }: Props) {
  const [copied, setCopied] = useState(false);
  // Closing the tab by mistake would lose it: the browser asks first.
  useEffect(() => {
    if (copied) return undefined;
    const hold = (event: BeforeUnloadEvent): void => event.preventDefault();
    addEventListener('beforeunload', hold);
    return () => removeEventListener('beforeunload', hold);
  }, [copied]);
  const taken = (): void => setCopied(true);
  return (
    <Dialog heading={heading} lead={words.lead(made.name)} broad onCancel={() => undefined}>
      <ToCopy name={words.label} text={made.secret} look="primary" onCopied={taken} />
      {made.previousUntil > 0 && (
        <p>
          {words.previous} <Moment at={made.previousUntil} />
        </p>
      )}
      <Examples made={made} onCopied={taken} />
      <div class="actions">
        <Button onPress={onClose}>{words.close}</Button>
      </div>
    </Dialog>
  );
}

const programs = [
  { value: 'curl', name: words.curl },
  { value: 'home-assistant', name: words.homeAssistant },
  { value: 'homepage', name: words.homepage },
  { value: 'prometheus', name: words.prometheus },
] as const;

interface ExamplesProps {
  readonly made: MadeSecret;
  readonly onCopied: () => void;
}

function Examples({ made, onCopied }: ExamplesProps) {
  const forFigures = made.scopes.includes('sallyport:metrics');
  const [program, setProgram] = useState<Program>(forFigures ? 'prometheus' : 'curl');
  const [typed, setTyped] = useState('');
  const likely = addressFor(made.scopes, { here: location.origin, application: useApplication() });
  const address = typed === '' ? likely : typed;
  return (
    <section class="examples" aria-label={words.use}>
      <h3>{words.use}</h3>
      <Select name="program" label={words.program} value={program} options={programs} onPick={setProgram} />
      <Field
        key={likely}
        name="address"
        label={words.address}
        help={words.addressHelp}
        autocomplete="off"
        code
        value={address}
        onInput={(text) => setTyped(text.trim())}
      />
      {snippets(program, { name: made.name, secret: made.secret, address }).map(({ file, text }) => (
        <ToCopy key={`${program} ${file}`} name={file === '' ? words.shell : file} text={text} onCopied={onCopied} />
      ))}
    </section>
  );
}

/** The application that was opened last by a session of this account; before that, this very address. */
function useApplication(): string {
  const [origin, setOrigin] = useState(location.origin);
  const look = async (): Promise<void> => {
    const known = await sessions({ kind: 'own' });
    const inApplication =
      known.kind === 'sessions' ? known.sessions.find((session) => session.sort === 'app') : undefined;
    const url = URL.parse(inApplication?.origin ?? '');
    if (url !== null) setOrigin(url.origin);
  };
  useEffect(() => void look(), []);
  return origin;
}
