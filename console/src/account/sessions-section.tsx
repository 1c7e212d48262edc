import { useEffect, useState } from 'preact/hooks';
import {
  type DoneAtLast,
  type SessionsOutcome,
  endOtherSessions,
  endSession,
  sessions as listSessions,
} from '../api/api.ts';
import { type Refusal, type Session, isRefusal } from '../api/answers.ts';
import { announce } from '../parts/announce.ts';
import { Button } from '../parts/button.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { messages } from '../words/messages.ts';
import { deviceName } from './device-name.ts';
import { focusHeading, Section } from './section.tsx';
import { SessionsTable } from './sessions-table.tsx';
import { Unread } from './unread.tsx';

const words = messages.sessions;

interface Props {
  /** Another number, another look at the list. */
  readonly asOf: number;
}

/** What is being ended: one session's id, all others, or nothing. */
type Ending =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'one'; readonly id: string }
  | { readonly kind: 'others' };

export function SessionsSection({ asOf }: Props) {
  const [list, setList] = useState<SessionsOutcome | { readonly kind: 'waiting' }>({ kind: 'waiting' });
  const [ending, setEnding] = useState<Ending>({ kind: 'nothing' });
  const [trouble, setTrouble] = useState<Refusal | { readonly kind: 'none' }>({ kind: 'none' });

  const load = async (): Promise<void> => {
    const outcome = await listSessions();
    setList(outcome.kind === 'sessions' ? { ...outcome, sessions: currentFirst(outcome.sessions) } : outcome);
  };
  useEffect(() => void load(), [asOf]);

  const end = async (what: Ending, ask: () => Promise<DoneAtLast>, said: string): Promise<void> => {
    setEnding(what);
    setTrouble({ kind: 'none' });
    const outcome = await ask();
    // Gone already is what was wanted.
    const gone = outcome.kind === 'done' || (outcome.kind === 'refused' && outcome.status === 404);
    if (gone) await load();
    setEnding({ kind: 'nothing' });
    if (gone) {
      announce(said);
      focusHeading('devices');
      return;
    }
    if (outcome.kind !== 'given-up') setTrouble(outcome);
  };
  const endOne = (session: Session): void =>
    void end({ kind: 'one', id: session.id }, () => endSession(session.id), words.ended(deviceName(session.userAgent)));

  return (
    <Section id="devices" heading={words.heading} lead={words.lead}>
      {trouble.kind !== 'none' && <RefusalNotice refusal={trouble} />}
      {isRefusal(list) ? (
        <Unread refusal={list} onAgain={() => void load()} />
      ) : (
        <SessionsTable
          sessions={list.kind === 'sessions' ? list.sessions : 'waiting'}
          ending={ending.kind === 'one' ? ending.id : ''}
          onEnd={endOne}
        />
      )}
      {list.kind === 'sessions' && (
        <EndOthers
          count={otherDevices(list.sessions)}
          ending={ending.kind === 'others'}
          onPress={() => void end({ kind: 'others' }, endOtherSessions, words.endedOthers)}
        />
      )}
    </Section>
  );
}

interface EndOthersProps {
  readonly count: number;
  readonly ending: boolean;
  readonly onPress: () => void;
}

function EndOthers({ count, ending, onPress }: EndOthersProps) {
  if (count === 0) return <p class="quiet">{words.onlyThis}</p>;
  return (
    <div class="actions">
      <Button look="danger" onPress={onPress} sending={ending ? messages.account.signingOut : undefined}>
        {words.endOthers(count)}
      </Button>
    </div>
  );
}

/** The one that needs no thought comes first; the rest stay as they came, the latest first. */
function currentFirst(sessions: readonly Session[]): readonly Session[] {
  return sessions.toSorted((a, b) => Number(b.current) - Number(a.current));
}

/** Sessions in applications hang on a session here and are no devices of their own. */
function otherDevices(sessions: readonly Session[]): number {
  return sessions.filter((session) => !session.current && session.sort !== 'app').length;
}
