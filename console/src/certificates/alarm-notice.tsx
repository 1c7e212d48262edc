/** A renewed pair that cannot be used: which files, what is wrong with them, and that nothing has stopped. */
import type { Alarm } from '../api/certificates.ts';
import { Moment } from '../parts/moment.tsx';
import { Notice } from '../parts/notice.tsx';
import { certificateMessages } from '../words/certificate-messages.ts';
import { Problems } from './problems.tsx';

const words = certificateMessages.certificates;

export function AlarmNotice({ alarm }: { readonly alarm: Alarm }) {
  return (
    <Notice tone="danger">
      <p>{words.alarm}</p>
      {alarm.certPath !== '' && (
        <p>
          <code class="path">{alarm.certPath}</code>
        </p>
      )}
      <Problems problems={alarm.problems} />
      {alarm.since > 0 && (
        <p class="small">
          {words.alarmSince} <Moment at={alarm.since} />
        </p>
      )}
      <p>{words.alarmNext}</p>
    </Notice>
  );
}
