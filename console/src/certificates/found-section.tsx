/** The pairs that the server found by itself. */
import { isRefusal } from '../api/answers.ts';
import type { Choice, PairFiles, Serving, Standing } from '../api/certificates.ts';
import { Section } from '../inside/section.tsx';
import { Button } from '../parts/button.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { certificateMessages } from '../words/certificate-messages.ts';
import { sourceName } from './certificate-facts.tsx';
import { Judgement } from './judgement.tsx';
import { type Judging, type OnSwitched, type Wish, useJudging } from './judging.ts';
import { UseDialog } from './use-dialog.tsx';

const words = certificateMessages.found;

interface Props {
  readonly standing: Standing;
  readonly onSwitched: OnSwitched;
}

export function FoundSection({ standing: { found, serving }, onSwitched }: Props) {
  const { judging, judge, set } = useJudging();
  const ask = (files: PairFiles, wish: Wish): void =>
    void judge({ certPath: files.certPath, keyPath: files.keyPath, choice: choiceOf(files, found) }, wish);
  return (
    <Section id="found" heading={words.heading} lead={words.lead}>
      {found.length === 0 ? (
        <p class="empty">{words.empty}</p>
      ) : (
        <Table found={found} serving={serving} judging={judging} onAsk={ask} />
      )}
      {isRefusal(judging) && <RefusalNotice refusal={judging} />}
      {judging.kind === 'judged' && <Judgement certPath={judging.candidate.certPath} judged={judging.judged} />}
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

/** By its source where that means this pair; the others by their files. */
function choiceOf({ source, certPath, keyPath }: PairFiles, found: readonly PairFiles[]): Choice {
  const first = found.find((each) => each.source === source)?.certPath === certPath;
  if (first && (source === 'proxmox' || source === 'letsencrypt')) return { source };
  return { source: 'custom', cert_path: certPath, key_path: keyPath };
}

interface TableProps {
  readonly found: readonly PairFiles[];
  readonly serving: Serving;
  readonly judging: Judging;
  readonly onAsk: (files: PairFiles, wish: Wish) => void;
}

function Table({ found, serving, judging, onAsk }: TableProps) {
  return (
    <div class="table">
      <table role="table" aria-labelledby="found-heading">
        <thead role="rowgroup">
          <tr role="row">
            <th role="columnheader">{words.source}</th>
            <th role="columnheader">{words.certificate}</th>
            <th role="columnheader">
              <span class="unseen">{words.action}</span>
            </th>
          </tr>
        </thead>
        <tbody role="rowgroup">
          {found.map((files) => (
            <Row key={files.certPath} files={files} serving={serving} judging={judging} onAsk={onAsk} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface RowProps extends Omit<TableProps, 'found'> {
  readonly files: PairFiles;
}

function Row({ files, serving, judging, onAsk }: RowProps) {
  const { certPath } = files;
  const served = serving.kind === 'tls' && serving.files.certPath === certPath;
  const asked = (wish: Wish): string | undefined =>
    judging.kind === 'sending' && judging.wish === wish && judging.candidate.certPath === certPath
      ? words.checking
      : undefined;
  return (
    <tr role="row">
      <td role="cell" class="head">
        <div class="source">
          <span class="named">{sourceName(files.source)}</span>
          {served && <span class="badge">{words.servedNow}</span>}
        </div>
      </td>
      <td role="cell" data-label={words.certificate}>
        <span class="pair">
          <code class="path">{certPath}</code>
          <span class="quiet small">
            {words.key} <code class="path">{files.keyPath}</code>
          </span>
        </span>
      </td>
      <td role="cell" class="end two">
        <Button
          look="plain"
          label={words.checkFull(certPath)}
          sending={asked('check')}
          onPress={() => onAsk(files, 'check')}
        >
          {words.check}
        </Button>
        {!served && (
          <Button
            look="plain"
            label={words.useFull(certPath)}
            sending={asked('use')}
            onPress={() => onAsk(files, 'use')}
          >
            {words.use}
          </Button>
        )}
      </td>
    </tr>
  );
}
