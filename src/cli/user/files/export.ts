/** `sallyport user export [FILE]`: everybody as a CSV file, which can be imported again. */
import { writeFile } from 'node:fs/promises';
import { type ExportedAccount, exportHead, exportRecord } from '../../../actions/people/files/columns.ts';
import type { HostCommand } from '../../../actions/people/host.ts';
import { type ExitCode, exitCodes, fail } from '../../exit-codes.ts';
import type { Use } from '../../host/command.ts';
import type { FileAsked } from '../arguments.ts';

const limit = '500';

export async function exportFile({
  command: { file },
  host,
  json,
  terminal,
}: Use<Extract<FileAsked, { action: 'export' }>, HostCommand>): Promise<ExitCode> {
  const users: ExportedAccount[] = [];
  for (let after: string | null = null; ;) {
    const answer = await host.ask({ action: 'list', matching: '', after, limit });
    if (answer.kind === 'failed') return fail(terminal, answer.code, answer.why);
    users.push(...(answer.fields['users'] as readonly ExportedAccount[]));
    const { next } = answer.fields;
    if (typeof next !== 'string') break;
    after = next;
  }
  const lines = json ? [jsonText(users)] : [exportHead, ...users.map(exportRecord)];
  if (file === null) {
    // A record ends in CR LF, of which the terminal writes the second.
    for (const line of lines) await terminal.write(json ? line : `${line}\r`);
    return exitCodes.well;
  }
  try {
    await writeFile(file, lines.map((line) => `${line}${json ? '\n' : '\r\n'}`).join(''), { mode: 0o600 });
  } catch (fault) {
    const why = `cannot write ${file}: ${fault instanceof Error ? fault.message : String(fault)}`;
    return fail(terminal, exitCodes.unavailable, why);
  }
  terminal.out(`${users.length} accounts are in ${file}`);
  return exitCodes.well;
}

function jsonText(users: readonly ExportedAccount[]): string {
  return JSON.stringify({
    success: true,
    users: users.map(({ username, email, display_name, privileges, groups, active }) => ({
      username,
      email,
      display_name,
      privileges,
      groups,
      active,
    })),
  });
}
