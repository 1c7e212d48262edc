import { useEffect, useState } from 'preact/hooks';
import {
  type Session,
  type SessionsOutcome,
  type Whose,
  endOtherSessions,
  endSession,
  sessions as listSessions,
} from '../api/account.ts';
import { type Refusal, isRefusal } from '../api/answers.ts';
import type { DoneAtLast } from '../api/sign-in.ts';
import { announce } from '../parts/announce.ts';
import { Button } from '../parts/button.tsx';
import { RefusalNotice } from '../parts/refusal-notice.tsx';
import { accountMessages } from '../words/account-messages.ts';
import { KnownDevices } from './known-devices.tsx';
import { deviceName } from './device-name.ts';
import { focusHeading, Section } from './section.tsx';
import { SessionsTable } from './sessions-table.tsx';
import { Unread } from './unread.tsx';

const words = accountMessages.sessions;

interface Props {
  readonly whose: Whose;
  /** Another number, another look at the list. */
  readonly asOf: number;
}

/** What is being ended: one session's id, all others, or nothing. */
type Ending =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'one'; readonly id: string }
  | { readonly kind: 'others' };

export function SessionsSection({ whose, asOf }: Props) {
  const [list, setList] = useState<SessionsOutcome | { readonly kind: 'waiting' }>({ kind: 'waiting' });
  const [ending, setEnding] = useState<Ending>({ kind: 'nothing' });
  const [trouble, setTrouble] = useState<Refusal | { readonly kind: 'none' }>({ kind: 'none' });

  const load = async (): Promise<void> => {
    const outcome = await listSessions(whose);
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
    void end(
      { kind: 'one', id: session.id },
      () => endSession(whose, session.id),
      words.ended(deviceName(session.userAgent)),
    );

  const own = whose.kind === 'own';
  return (
    <Section id="devices" heading={words.heading} lead={own ? words.lead : words.leadOf(whose.username)}>
      {trouble.kind !== 'none' && <RefusalNotice refusal={trouble} />}
      {isRefusal(list) ? (
        <Unread refusal={list} onAgain={() => void load()} />
      ) : (
        !isEmpty(list) && (
          <SessionsTable
            sessions={list.kind === 'sessions' ? list.sessions : 'waiting'}
            ending={ending.kind === 'one' ? ending.id : ''}
            onEnd={endOne}
          />
        )
      )}
      {list.kind === 'sessions' && (
        <EndOthers
          own={own}
          count={otherDevices(list.sessions)}
          ending={ending.kind === 'others'}
          onPress={() =>
            void end({ kind: 'others' }, () => endOtherSessions(whose), own ? words.endedOthers : words.endedAll)
          }
        />
      )}
      {list.kind === 'sessions' && list.devices.length > 0 && <KnownDevices devices={list.devices} />}
    </Section>
  );
}

interface EndOthersProps {
  readonly own: boolean;
  readonly count: number;
  readonly ending: boolean;
  readonly onPress: () => void;
}

function EndOthers({ own, count, ending, onPress }: EndOthersProps) {
  if (count === 0) return <p class={own ? 'quiet' : 'empty'}>{own ? words.onlyThis : words.nowhere}</p>;
  return (
    <div class="actions">
      <Button look="danger" onPress={onPress} sending={ending ? accountMessages.account.signingOut : undefined}>
        {own ? words.endOthers(count) : words.endAll(count)}
      </Button>
    </div>
  );
}

function isEmpty(list: SessionsOutcome | { readonly kind: 'waiting' }): boolean {
  return list.kind === 'sessions' && list.sessions.length === 0;
}

/** The one that needs no thought comes first; the rest stay as they came, the latest first. */
function currentFirst(sessions: readonly Session[]): readonly Session[] {
  return sessions.toSorted((a, b) => Number(b.current) - Number(a.current));
}

/** Sessions in applications hang on a session here and are no devices of their own. */
function otherDevices(sessions: readonly Session[]): number {
  return sessions.filter((session) => !session.current && session.sort !== 'app').length;
}
