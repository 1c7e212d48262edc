/** A link for somebody to set their password: made on demand, shown once, mailed where that is possible. */
import { useRef, useState } from 'preact/hooks';
import { isRefusal } from '../api/answers.ts';
import { type LinkOutcome, type MadeLink, type Someone, makeLink } from '../api/people.ts';
import { Section } from '../inside/section.tsx';
import { announce } from '../parts/announce.ts';
import { Button } from '../parts/button.tsx';
import { Moment } from '../parts/moment.tsx';
import { Notice } from '../parts/notice.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { peopleMessages } from '../words/people-messages.ts';

const words = peopleMessages.personLink;

interface Props {
  readonly person: Someone;
  readonly made: LinkOutcome | undefined;
}

type State = LinkOutcome | { readonly kind: 'ready' } | { readonly kind: 'sending' };

export function LinkSection({ person, made }: Props) {
  const [state, setState] = useState<State>(made ?? { kind: 'ready' });
  const purpose = person.hasPassword ? 'reset' : 'invite';
  const make = async (): Promise<void> => {
    setState({ kind: 'sending' });
    setState(await makeLink(person.id, purpose));
  };
  const invite = purpose === 'invite';
  const lead = invite ? words.inviteLead : words.resetLead;
  return (
    <Section
      id="link"
      heading={invite ? words.inviteHeading : words.resetHeading}
      lead={person.active ? lead : words.offLead}
    >
      {isRefusal(state) && <RefusalNotice refusal={state} here={{ conflict: peopleMessages.person.changed }} />}
      {state.kind === 'made' && <Link made={state} />}
      {person.active && (
        <div class="actions">
          <Button onPress={() => void make()} sending={state.kind === 'sending' ? words.making : undefined}>
            {labelOf(purpose, state.kind === 'made')}
          </Button>
        </div>
      )}
    </Section>
  );
}

function labelOf(purpose: MadeLink['purpose'], again: boolean): string {
  if (again) return words.another;
  return purpose === 'invite' ? words.invite : words.reset;
}

function Link({ made }: { readonly made: MadeLink }) {
  const [copying, setCopying] = useState<'not-yet' | 'copied' | 'failed'>('not-yet');
  const text = useRef<HTMLElement>(null);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(made.url);
      setCopying('copied');
      announce(words.copied);
    } catch {
      // Without HTTPS, or when it is not allowed: then it is at least selected.
      if (text.current !== null) getSelection()?.selectAllChildren(text.current);
      setCopying('failed');
    }
  };
  return (
    <div class="made">
      <Notice tone="good" spoken>
        <p>{words.made}</p>
      </Notice>
      <p class="command">
        <code ref={text}>{made.url}</code>
      </p>
      <div class="actions">
        <Button onPress={() => void copy()}>{copying === 'copied' ? words.copied : words.copy}</Button>
      </div>
      {copying === 'failed' && (
        <Notice tone="danger">
          <p>{words.copyFailed}</p>
        </Notice>
      )}
      <dl class="facts">
        <div>
          <dt class="quiet small">{words.ends}</dt>
          <dd>
            <Moment at={made.expiresAt} />
          </dd>
        </div>
        <div>
          <dt class="quiet small">{words.mail}</dt>
          <dd>{made.mailed ? words.mailed : words.notMailed}</dd>
        </div>
      </dl>
    </div>
  );
}
