/** What commands about keys say, for people. */
import type { KeyCommand } from '../../actions/keys/host.ts';
import { type Fields, rowsOf, table, text } from '../host/table.ts';

export function told(command: KeyCommand, fields: Fields): readonly string[] {
  if (command.action === 'list') return listed(rowsOf(fields['keys']));
  const [file, problem] = [text(fields['file']), text(fields['file_problem'])];
  return [
    'the service key is another one now; the old one is dead, and so are the user keys derived from it.',
    problem === ''
      ? `the new one is in ${file}`
      : `${file} does not hold it: ${problem}. Put that right, and the server writes it.`,
  ];
}

function listed(keys: readonly Fields[]): readonly string[] {
  return table([
    ['ID', 'PURPOSE', 'MADE', 'STATE'],
    ...keys.map((key) => [
      text(key['id']),
      text(key['purpose']),
      text(key['made_at']),
      key['in_use'] === true ? 'in use' : 'old',
    ]),
  ]);
}
