/** A pair by the paths of its files. */
import { useRef, useState } from 'preact/hooks';
import { isRefusal } from '../api/answers.ts';
import type { PairNote } from '../api/certificates.ts';
import { Section } from '../inside/section.tsx';
import { Button } from '../parts/button.tsx';
import { Field } from '../parts/field.tsx';
import { Form, type Typed } from '../parts/form.tsx';
import { Notice } from '../parts/notice.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { messages } from '../words/messages.ts';
import { certificateMessages } from '../words/certificate-messages.ts';
import { Judgement } from './judgement.tsx';
import { type Candidate, type Judging, type OnSwitched, type Wish, useJudging } from './judging.ts';
import { Problems, problemText } from './problems.tsx';
import { UseDialog } from './use-dialog.tsx';

const words = certificateMessages.files;

interface Props {
  readonly folders: readonly string[];
  readonly onSwitched: OnSwitched;
}

interface Beside {
  readonly cert: readonly string[];
  readonly key: readonly string[];
}

const nothing: Beside = { cert: [], key: [] };

const inWords = new Intl.ListFormat(messages.locale, { type: 'conjunction' });

export function FilesSection({ folders, onSwitched }: Props) {
  const [typing, setTyping] = useState<Beside>(nothing);
  const { judging, judge, set } = useJudging();
  // Set by the button that sends the form; the Enter key presses the first.
  const wish = useRef<Wish>('check');
  const want = (what: Wish): void => {
    wish.current = what;
  };
  const send = (typed: Typed): void => {
    const candidate = candidateOf(typed);
    const mistyped: Beside = {
      cert: pathErrors(candidate.certPath, words.certMissing),
      key: pathErrors(candidate.keyPath, words.keyMissing),
    };
    setTyping(mistyped);
    if (mistyped.cert.length + mistyped.key.length > 0) return set({ kind: 'ready' });
    void judge(candidate, wish.current);
  };

  if (folders.length === 0) {
    return (
      <Section id="files" heading={words.heading} lead={words.lead}>
        <p class="empty">{words.noFolders}</p>
      </Section>
    );
  }
  const wrong = wrongIn(judging);
  const named = inWords.format(folders);
  const sending = (what: Wish): string | undefined =>
    judging.kind === 'sending' && judging.wish === what ? certificateMessages.found.checking : undefined;
  return (
    <Section id="files" heading={words.heading} lead={words.lead}>
      <Form
        name="own-files"
        sending={judging.kind === 'sending'}
        answer={judging.kind === 'ready' ? typing : judging}
        onSend={send}
      >
        <Field
          name="cert_path"
          label={words.cert}
          help={words.certHelp(named)}
          autocomplete="off"
          code
          errors={[...typing.cert, ...wrong.cert]}
        />
        <Field
          name="key_path"
          label={words.key}
          help={words.keyHelp(named)}
          autocomplete="off"
          code
          errors={[...typing.key, ...wrong.key]}
        />
        {wrong.rest.length > 0 && (
          <Notice tone="danger">
            <Problems problems={wrong.rest} />
          </Notice>
        )}
        {isRefusal(judging) && <RefusalNotice refusal={judging} />}
        <div class="actions">
          <Button type="submit" sending={sending('check')} onPress={() => want('check')}>
            {words.check}
          </Button>
          <Button type="submit" look="primary" sending={sending('use')} onPress={() => want('use')}>
            {words.use}
          </Button>
        </div>
      </Form>
      {judging.kind === 'judged' && judging.judged.kind === 'usable' && (
        <Judgement certPath={judging.candidate.certPath} judged={judging.judged} />
      )}
      {judging.kind === 'asking' && (
        <UseDialog
          candidate={judging.candidate}
          certificate={judging.certificate}
          onSwitched={(switched) => {
            set({ kind: 'ready' });
            onSwitched(switched);
          }}
          onCancel={() => set({ kind: 'ready' })}
        />
      )}
    </Section>
  );
}

function candidateOf(typed: Typed): Candidate {
  const [certPath, keyPath] = [typed('cert_path').trim(), typed('key_path').trim()];
  return { certPath, keyPath, choice: { source: 'custom', cert_path: certPath, key_path: keyPath } };
}

function pathErrors(path: string, missing: string): readonly string[] {
  if (path === '') return [missing];
  return path.startsWith('/') ? [] : [words.notFull];
}

const ofCertificate: readonly string[] = ['no-certificate', 'not-yet-valid', 'expired', 'weak'];
const ofKey: readonly string[] = ['key-mode', 'no-key', 'key-encrypted', 'mismatch'];

/** Each problem beside the file that it is about, by its code or because the server's sentence names the file. */
function wrongIn(judging: Judging): Beside & { readonly rest: readonly PairNote[] } {
  if (judging.kind !== 'judged' || judging.judged.kind === 'usable') return { ...nothing, rest: [] };
  const { judged } = judging;
  const cert = judged.problems.filter(
    ({ code, message }) => ofCertificate.includes(code) || /\bcertificate file\b/.test(message),
  );
  const key = judged.problems.filter(({ code, message }) => ofKey.includes(code) || /\bkey file\b/.test(message));
  return {
    cert: cert.map(problemText),
    key: key.map(problemText),
    rest: judged.problems.filter((note) => !cert.includes(note) && !key.includes(note)),
  };
}
