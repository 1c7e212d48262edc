/** What is known of somebody, as fields; and as the API takes it. */
import type { Details, Someone } from '../api/people.ts';
import { Checkbox } from '../parts/checkbox.tsx';
import { Field } from '../parts/field.tsx';
import type { Typed } from '../parts/form.tsx';
import { peopleMessages } from '../words/people-messages.ts';

const words = peopleMessages.person;
const adminPrivilege = 'admin';

export function DetailsFields({ person }: { readonly person?: Someone }) {
  const others = person?.privileges.filter((each) => each !== adminPrivilege) ?? [];
  return (
    <>
      <Field name="display_name" label={words.displayName} autocomplete="off" value={person?.displayName} />
      <Field name="email" label={words.email} help={words.emailHelp} autocomplete="off" value={person?.email} />
      <Field
        name="groups"
        label={peopleMessages.people.groups}
        help={words.groupsHelp}
        autocomplete="off"
        value={person?.groups.join(', ')}
      />
      <Field
        name="privileges"
        label={words.privileges}
        help={words.privilegesHelp}
        autocomplete="off"
        value={others.join(', ')}
      />
      <Checkbox
        name="admin"
        label={peopleMessages.people.admin}
        help={words.adminHelp}
        checked={person?.privileges.includes(adminPrivilege) ?? false}
      />
    </>
  );
}

export function readDetails(typed: Typed): Details {
  return {
    display_name: typed('display_name').trim(),
    email: typed('email').trim(),
    groups: listOf(typed('groups')),
    privileges: [...(typed('admin') === '' ? [] : [adminPrivilege]), ...listOf(typed('privileges'))],
  };
}

function listOf(text: string): readonly string[] {
  return [...new Set(text.split(',').map((each) => each.trim()))].filter((each) => each !== '');
}
