import type { Someone } from '../api/people.ts';
import { WaitingRows } from '../inside/waiting-rows.tsx';
import { NoPickCell, PickCell, PickHead } from '../many/pick-cell.tsx';
import type { Selection } from '../many/selection.ts';
import { peopleMessages } from '../words/people-messages.ts';
import { toPerson } from './view.ts';

const words = peopleMessages.people;

interface Props {
  readonly people: readonly Someone[] | 'waiting';
  readonly self: string;
  readonly selection: Selection;
}

/** A table, and cards on a narrow screen; the roles are written out because a table drawn as cards loses them. */
export function PeopleTable({ people, self, selection }: Props) {
  const picking = selection.mode === 'picking';
  return (
    <div class="table" aria-busy={people === 'waiting'}>
      <table role="table" aria-label={words.heading}>
        <thead role="rowgroup">
          <tr role="row">
            {picking && <PickHead />}
            <th role="columnheader">{words.name}</th>
            <th role="columnheader">{words.role}</th>
            <th role="columnheader">{words.groups}</th>
            <th role="columnheader">{words.factor}</th>
            <th role="columnheader">{words.state}</th>
          </tr>
        </thead>
        <tbody role="rowgroup">
          {people === 'waiting' ? (
            <WaitingRows columns={picking ? 6 : 5} rows={3} />
          ) : (
            people.map((person) => <Row key={person.id} person={person} self={self} selection={selection} />)
          )}
        </tbody>
      </table>
    </div>
  );
}

function Row({ person, self, selection }: Omit<Props, 'people'> & { readonly person: Someone }) {
  return (
    <tr role="row">
      {selection.mode === 'picking' &&
        (person.username === self ? (
          <NoPickCell />
        ) : (
          <PickCell id={person.id} label={words.select(person.username)} selection={selection} />
        ))}
      <td role="cell" class="head">
        <div class="device-name">
          <a class="to-person" href={toPerson(person.id)}>
            {person.username}
          </a>
          {person.username === self && <span class="badge">{words.you}</span>}
        </div>
        {person.displayName !== '' && person.displayName !== person.username && (
          <span class="where quiet small">{person.displayName}</span>
        )}
      </td>
      <td role="cell" data-label={words.role}>
        {roleOf(person)}
      </td>
      <td role="cell" data-label={words.groups} class="many">
        {person.groups.length === 0 ? <span class="quiet">{words.noGroups}</span> : person.groups.join(', ')}
      </td>
      <td role="cell" data-label={words.factor}>
        {factorOf(person)}
      </td>
      <td role="cell" data-label={words.state}>
        <State person={person} />
      </td>
    </tr>
  );
}

export function roleOf(person: Someone): string {
  return person.privileges.includes('admin') ? words.admin : words.member;
}

export function factorOf(person: Someone): string {
  if (person.hasTotp) return person.passkeys > 0 ? words.both : words.app;
  return person.passkeys > 0 ? words.passkey : words.noFactor;
}

export function State({ person }: { readonly person: Someone }) {
  if (!person.active) return <span class="badge off">{words.off}</span>;
  return person.hasPassword ? <>{words.active}</> : <span class="badge warn">{words.invited}</span>;
}
