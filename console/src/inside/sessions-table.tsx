import type { Session } from '../api/account.ts';
import { Button } from '../parts/button.tsx';
import { Moment } from '../parts/moment.tsx';
import { accountMessages } from '../words/account-messages.ts';
import { Address } from './address.tsx';
import { deviceName } from './device-name.ts';
import { WaitingRows } from './waiting-rows.tsx';

const words = accountMessages.sessions;

interface Props {
  readonly sessions: readonly Session[] | 'waiting';
  /** The id of the session that is being ended. */
  readonly ending: string;
  readonly onEnd: (session: Session) => void;
}

/** A table, and cards on a narrow screen; the roles are written out because a table drawn as cards loses them. */
export function SessionsTable({ sessions, ending, onEnd }: Props) {
  return (
    <div class="table" aria-busy={sessions === 'waiting'}>
      <table role="table" aria-labelledby="devices-heading">
        <thead role="rowgroup">
          <tr role="row">
            <th role="columnheader">{words.device}</th>
            <th role="columnheader">{words.lastSeen}</th>
            <th role="columnheader">{words.since}</th>
            <th role="columnheader">{words.address}</th>
            <th role="columnheader">
              <span class="unseen">{words.action}</span>
            </th>
          </tr>
        </thead>
        <tbody role="rowgroup">
          {sessions === 'waiting' ? (
            <WaitingRows columns={5} rows={3} />
          ) : (
            sessions.map((session) => (
              <Row key={session.id} session={session} ending={session.id === ending} onEnd={onEnd} />
            ))
          )}
        </tbody>
      </table>
    </div>
  );
}

interface RowProps {
  readonly session: Session;
  readonly ending: boolean;
  readonly onEnd: (session: Session) => void;
}

function Row({ session, ending, onEnd }: RowProps) {
  const device = deviceName(session.userAgent);
  const place = placeOf(session);
  return (
    <tr role="row">
      <td role="cell" class="head">
        <div class="device-name">
          <details class="device">
            <summary>{device}</summary>
            <p class="full">{session.userAgent || accountMessages.device.none}</p>
          </details>
          {session.current && <span class="badge">{words.current}</span>}
        </div>
        {place !== '' && <span class="where quiet small">{place}</span>}
      </td>
      <td role="cell" data-label={words.lastSeen}>
        <Moment at={session.lastSeenAt} />
      </td>
      <td role="cell" data-label={words.since}>
        <Moment at={session.createdAt} />
      </td>
      <td role="cell" data-label={words.address}>
        <Address text={session.address} />
      </td>
      <td role="cell" class="end">
        {!session.current && (
          <Button
            look="plain"
            label={words.endFull(device)}
            sending={ending ? accountMessages.account.signingOut : undefined}
            onPress={() => onEnd(session)}
          >
            {words.end}
          </Button>
        )}
      </td>
    </tr>
  );
}

/** Where a session is good, if not for these pages. */
function placeOf(session: Session): string {
  if (session.sort === 'admin') return words.inAdministration;
  if (session.sort !== 'app') return '';
  const url = URL.parse(session.origin);
  return url === null ? words.inSomeApplication : words.inApplication(url.host);
}
