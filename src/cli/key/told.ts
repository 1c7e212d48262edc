/** What commands about keys say, for people. */
import type { KeyCommand } from '../../actions/keys/host.ts';
import { type Fields, rowsOf, table, text } from '../host/table.ts';

export function told(command: KeyCommand, fields: Fields): readonly string[] {
  if (command.action === 'list') return listed(fields);
  const { purpose, when } = command;
  switch (purpose) {
    case 'service':
      return serviceLines(fields);
    case 'root':
      return [
        `the root key is another one now, in ${text(fields['file'])}. Every key of the installation is sealed under it.`,
        'Copy that file to every other node that has one of its own, and keep it with your backups: copies of the database',
        'from before need the key from before.',
      ];
    case 'all':
      return [...rotatedLines(fields), ...serviceLines(fields)];
    case 'ticket':
    case 'cookie':
    case 'seal':
    case 'audit':
      return when === 'compromised'
        ? [...rotatedLines(fields), 'the keys before it are gone: every signed ticket has ended.']
        : rotatedLines(fields);
  }
}

function serviceLines(fields: Fields): readonly string[] {
  const [file, problem] = [text(fields['file']), text(fields['file_problem'])];
  return [
    'the service key is another one now; the old one is dead, and so are the user keys derived from it.',
    problem === ''
      ? `the new one is in ${file}`
      : `${file} does not hold it: ${problem}. Put that right, and the server writes it.`,
  ];
}

function rotatedLines(fields: Fields): readonly string[] {
  return rowsOf(fields['keys'])
    .filter((key) => key['purpose'] !== 'service')
    .map(
      (key) => `the next ${text(key['purpose'])} key is ${text(key['id'])}, used from ${text(key['used_from'])} on.`,
    );
}

function listed(fields: Fields): readonly string[] {
  const { resealing } = fields as { readonly resealing?: { readonly done: number; readonly total: number } | null };
  const lines = table([
    ['ID', 'PURPOSE', 'MADE', 'AGE', 'STATE', 'UNDER IT'],
    ...rowsOf(fields['keys']).map((key) => [
      text(key['id']),
      text(key['purpose']),
      text(key['made_at']),
      ageText(Number(key['age_seconds'])),
      stateText(key),
      underText(key),
    ]),
  ]);
  return [
    ...lines,
    ...(resealing === undefined || resealing === null ? [] : [`sealed anew: ${resealing.done} of ${resealing.total}`]),
    ...(fields['root_key'] === 'does-not-fit' ? ['the root key of this node does not open what is in the store.'] : []),
  ];
}

function stateText(key: Fields): string {
  switch (key['state']) {
    case 'published':
      return `published, used from ${text(key['used_from'])}`;
    case 'in-use':
      return 'in use';
    default:
      return 'old';
  }
}

function underText(key: Fields): string {
  const { uses } = key as { readonly uses?: number | null };
  const what = key['purpose'] === 'audit' ? 'checkpoints' : 'values';
  const counted = uses === null || uses === undefined ? '' : `${uses} ${what}`;
  const until = key['state'] === 'old' && counted === '' ? `kept until ${text(key['kept_until'])}` : '';
  return counted === '' ? until : counted;
}

function ageText(seconds: number): string {
  const [days, hours] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3600)];
  return days > 0 ? `${days} d` : hours > 0 ? `${hours} h` : `${Math.floor(seconds / 60)} min`;
}
