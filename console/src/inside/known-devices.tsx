import type { KnownDevice } from '../api/account.ts';
import { Moment } from '../parts/moment.tsx';
import { accountMessages } from '../words/account-messages.ts';

const words = accountMessages.sessions;

/** Browsers that signed in before, told apart by their times: nothing else is kept about them. */
export function KnownDevices({ devices }: { readonly devices: readonly KnownDevice[] }) {
  return (
    <details class="more">
      <summary>{words.known(devices.length)}</summary>
      <p class="quiet">{words.knownLead}</p>
      <div class="table">
        <table role="table" aria-label={words.known(devices.length)}>
          <thead role="rowgroup">
            <tr role="row">
              <th role="columnheader">{words.knownBrowser}</th>
              <th role="columnheader">{words.knownUsed}</th>
              <th role="columnheader">{words.knownSince}</th>
            </tr>
          </thead>
          <tbody role="rowgroup">
            {devices.map((device) => (
              <tr role="row" key={device.id}>
                <td role="cell" class="head">
                  {device.current ? words.thisBrowser : words.otherBrowser}
                </td>
                <td role="cell" data-label={words.knownUsed}>
                  <Moment at={device.usedAt} />
                </td>
                <td role="cell" data-label={words.knownSince}>
                  <Moment at={device.createdAt} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
