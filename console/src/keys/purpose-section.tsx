/** The keys of one purpose: the one in use, the next one, those that are kept, and replacing it. */
import { useState } from 'preact/hooks';
import type { Key, KeyPurpose, Replaced, Ring, When } from '../api/keys.ts';
import { focusHeading, Section } from '../inside/section.tsx';
import { announce } from '../parts/announce.ts';
import { Button } from '../parts/button.tsx';
import { Known } from '../parts/known.tsx';
import { Moment } from '../parts/moment.tsx';
import { Notice } from '../parts/notice.tsx';
import { keyMessages } from '../words/key-messages.ts';
import { known } from '../words/refusal-text.ts';
import { isResealing } from './following.ts';
import { OldKeys } from './old-keys.tsx';
import { ReplaceDialog } from './replace-dialog.tsx';
import { ResealingProgress } from './resealing-progress.tsx';

const words = keyMessages.keys;

interface Props {
  readonly purpose: KeyPurpose;
  readonly ring: Ring;
  /** The ring is read again; resolves when it is. */
  readonly onReplaced: () => Promise<void>;
}

type State =
  | { readonly kind: 'shut' }
  | { readonly kind: 'asking' }
  | { readonly kind: 'done'; readonly said: string; readonly fileProblem: string };

export function PurposeSection({ purpose, ring, onReplaced }: Props) {
  const [state, setState] = useState<State>({ kind: 'shut' });
  const keys = ring.keys.filter((key) => key.purpose === purpose);
  const of = (wanted: Key['state']): readonly Key[] => keys.filter((key) => key.state === wanted);
  const [used, next, old] = [of('in-use'), of('published'), of('old')];
  const done = async (when: When, { fileProblem }: Replaced): Promise<void> => {
    const said = saidOf(purpose, when);
    await onReplaced();
    setState({ kind: 'done', said, fileProblem });
    announce(said);
    focusHeading(purpose);
  };
  const { resealing } = ring;
  return (
    <Section
      id={purpose}
      heading={known(keyMessages.keyNames, purpose) ?? purpose}
      lead={known(keyMessages.keyLeads, purpose) ?? ''}
    >
      {state.kind === 'done' && <Done said={state.said} fileProblem={state.fileProblem} />}
      {used.length + next.length === 0 ? <p class="empty">{words.none}</p> : <Living used={used} next={next} />}
      {purpose === 'seal' && resealing !== undefined && isResealing(ring) && (
        <ResealingProgress resealing={resealing} />
      )}
      {old.length > 0 && <OldKeys purpose={purpose} keys={old} />}
      {ring.rootKey === 'fits' && (
        <div class="actions">
          <Button
            look={purpose === 'service' ? 'danger' : 'secondary'}
            label={known(keyMessages.keyReplace, purpose) ?? words.replace}
            onPress={() => setState({ kind: 'asking' })}
          >
            {words.replace}
          </Button>
        </div>
      )}
      {state.kind === 'asking' && (
        <ReplaceDialog
          purpose={purpose}
          next={next.length > 0 ? 'published' : 'none'}
          onReplaced={(when, replaced) => void done(when, replaced)}
          onCancel={() => setState({ kind: 'shut' })}
        />
      )}
    </Section>
  );
}

function saidOf(purpose: KeyPurpose, when: When): string {
  const said = keyMessages.replacing;
  if (purpose === 'service') return said.doneService;
  if (purpose === 'cookie' && when === 'now') return said.doneShortLived;
  return { planned: said.donePlanned, now: said.doneNow, stolen: said.doneStolen }[when];
}

function Done({ said, fileProblem }: { readonly said: string; readonly fileProblem: string }) {
  return (
    <>
      <Notice tone="good">
        <p>{said}</p>
      </Notice>
      {fileProblem !== '' && (
        <Notice tone="warn" spoken>
          <p>{keyMessages.replacing.fileProblem}</p>
          <p>{fileProblem}</p>
        </Notice>
      )}
    </>
  );
}

/** New things are made under one of these, now or soon. */
function Living({ used, next }: { readonly used: readonly Key[]; readonly next: readonly Key[] }) {
  return (
    <dl class="known">
      {used.map((key) => (
        <Used key={key.id} of={key} followed={next.length > 0 ? 'published' : 'not-yet'} />
      ))}
      {next.map((key) => (
        <Next key={key.id} of={key} />
      ))}
    </dl>
  );
}

function Used({ of, followed }: { readonly of: Key; readonly followed: 'published' | 'not-yet' }) {
  return (
    <>
      <Known name={words.inUse}>
        <code class="key-id">{of.id}</code>
      </Known>
      <Known name={words.since}>
        <Moment at={of.usedFrom} />
      </Known>
      {followed === 'not-yet' && <Due at={of.nextFrom} />}
    </>
  );
}

function Due({ at }: { readonly at: number }) {
  if (at === 0) return <Known name={words.due}>{words.byHand}</Known>;
  return (
    <Known name={words.due}>
      <Moment at={at} />
    </Known>
  );
}

function Next({ of }: { readonly of: Key }) {
  return (
    <>
      <Known name={words.next}>
        <code class="key-id">{of.id}</code>
        <span class="badge">{words.published}</span>
      </Known>
      <Known name={words.usedFrom}>
        <Moment at={of.usedFrom} />
      </Known>
    </>
  );
}
