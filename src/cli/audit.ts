/** `sallyport audit list | verify | export`: the audit log seen, proven and taken along (3-rules, Logs, audit, metrics). */
import { parseArgs } from 'node:util';
import { readAuditQuery } from '../actions/audit.ts';
import { loadSettings, readSettingsFile } from '../config/load.ts';
import { noticeLine } from '../config/print.ts';
import { allLines } from '../record/audit-log.ts';
import { type AuditLine, csvHead, csvLine, eventFields, lineText } from '../record/audit-lines.ts';
import { parseCheckpoint } from '../record/checkpoint.ts';
import { type Broken, logCheck, type Whole } from '../record/verify-audit.ts';
import { systemClock } from '../setup.ts';
import type { AuditCheckpoint, AuditRow } from '../store/rows.ts';
import { fileLines, openAuditSource, type OpenSource, SourceFault } from './audit-source.ts';
import type { Invocation } from './command.ts';
import { type ExitCode, exitCodes, fail, type Terminal } from './exit-codes.ts';
import { complaintOf, parted } from './own-flags.ts';

const usage = [
  'Usage: sallyport audit list [--limit N] [--event E] [--user NAME] [--since T] [--until T] [--json]',
  '       sallyport audit verify [FILE.ndjson] [--checkpoint TEXT]… [--json]',
  '       sallyport audit export [--format ndjson|csv | --json]',
  '',
  'Reads from the running server, or from the data folder when none runs (--data FOLDER). Times are such as',
  '2026-11-21T22:00:00Z.',
  '',
  '  verify  walks the whole log: 0 when it is what was written, 1 when it is not, with the number of the first line',
  '          that is wrong. With FILE, an export is checked by the public keys in it. --checkpoint takes a checkpoint',
  '          from the journal ("audit checkpoint" lines), which the log then has to agree with.',
  '  export  writes everything to standard output. NDJSON (as --json) can be verified, CSV is for spreadsheets.',
].join('\n');

/** Flags of these commands; all others are settings. */
const own = {
  limit: { type: 'string' },
  event: { type: 'string' },
  user: { type: 'string' },
  since: { type: 'string' },
  until: { type: 'string' },
  json: { type: 'boolean' },
  format: { type: 'string' },
  checkpoint: { type: 'string', multiple: true },
} as const;

const flagsOf = {
  list: ['limit', 'event', 'user', 'since', 'until', 'json'],
  verify: ['checkpoint', 'json'],
  export: ['format', 'json'],
} as const satisfies Readonly<Record<string, readonly (keyof typeof own)[]>>;

type Name = keyof typeof flagsOf;

export const audit = {
  summary: 'list, verify or export the audit log',
  help: usage,
  async run({ argv, env, terminal }: Invocation): Promise<ExitCode> {
    const [name = '', ...rest] = argv;
    if (!Object.hasOwn(flagsOf, name))
      return fail(terminal, exitCodes.usage, 'say what to do: sallyport audit list, verify or export.');
    const read = readArguments(name as Name, rest);
    if (read.kind === 'wrong') return fail(terminal, exitCodes.usage, read.why);
    try {
      if (name === 'verify' && read.file !== null)
        return tell(terminal, read, await verifyFile(read.file, read.checkpoints));
      const loaded = loadSettings({ argv: read.settings, env, readFile: readSettingsFile });
      if (loaded.kind === 'refused') return fail(terminal, exitCodes.usage, ...loaded.problems.map(noticeLine));
      const opened = await openAuditSource(loaded.settings);
      if (opened.kind === 'unreadable') return fail(terminal, opened.code, opened.why);
      try {
        return await runOn(name as Name, opened, read, terminal);
      } finally {
        await opened.close();
      }
    } catch (fault) {
      if (fault instanceof SourceFault) return fail(terminal, exitCodes.unavailable, fault.message);
      return fail(terminal, exitCodes.fault, fault instanceof Error ? fault.message : String(fault));
    }
  },
};

interface Arguments {
  readonly kind: 'read';
  readonly query: Extract<ReturnType<typeof readAuditQuery>, { kind: 'query' }>;
  readonly form: 'ndjson' | 'csv';
  readonly json: boolean;
  readonly file: string | null;
  readonly checkpoints: readonly AuditCheckpoint[];
  readonly settings: readonly string[];
}

function readArguments(
  name: Name,
  argv: readonly string[],
): Arguments | { readonly kind: 'wrong'; readonly why: string } {
  const wrong = (why: string) => ({ kind: 'wrong', why }) as const;
  const mine: readonly string[] = flagsOf[name];
  const [taken, settings, files] = parted(argv, { mine, bare: name === 'verify' ? 'taken' : 'settings' });
  let values;
  try {
    ({ values } = parseArgs({ args: taken, options: own, strict: true }));
  } catch (fault) {
    return wrong(complaintOf(fault));
  }
  if (files.length > 1) return wrong('one file at a time.');
  const query = readAuditQuery(
    new URLSearchParams(
      (['event', 'user', 'since', 'until', 'limit'] as const).flatMap((each): [string, string][] => {
        const value = values[each];
        return value === undefined ? [] : [[each, value]];
      }),
    ),
  );
  if (query.kind === 'refused') return wrong(query.detail ?? 'the filter cannot be read.');
  const { format = 'ndjson' } = values;
  if (format !== 'ndjson' && format !== 'csv') return wrong('--format is ndjson or csv.');
  if (name === 'export' && values.json === true && format === 'csv')
    return wrong('--json and --format csv are two things.');
  const checkpoints: AuditCheckpoint[] = [];
  for (const text of values.checkpoint ?? []) {
    const form = parseCheckpoint(text);
    if (form.kind === 'malformed') return wrong('--checkpoint is no checkpoint: v1, dots, and what the journal says.');
    checkpoints.push(form.checkpoint);
  }
  return {
    kind: 'read',
    query,
    form: format,
    json: values.json === true,
    file: files[0] ?? null,
    checkpoints,
    settings,
  };
}

async function runOn(name: Name, { source }: OpenSource, read: Arguments, terminal: Terminal): Promise<ExitCode> {
  switch (name) {
    case 'list': {
      const { filter, before, limit } = read.query;
      const { events } = await source.newest(filter, before, limit ?? 100);
      if (read.json) await terminal.write(JSON.stringify({ events: events.map(eventFields) }));
      else {
        const several = new Set(events.map(({ chain }) => chain)).size > 1;
        for (const row of events) await terminal.write(`${several ? `${row.chain}  ` : ''}${listed(row)}`);
      }
      return exitCodes.well;
    }
    case 'export': {
      if (read.form === 'csv') await terminal.write(csvHead);
      for await (const line of allLines(source)) {
        if (read.form === 'ndjson') await terminal.write(lineText(line));
        else if (line.kind === 'event') await terminal.write(csvLine(line.row));
      }
      return exitCodes.well;
    }
    case 'verify':
      return tell(terminal, read, await verifyLines(allLines(source), read.checkpoints));
  }
}

/** One event in one line, for people. */
function listed(row: AuditRow): string {
  const { number, at, event, actor_name: who, address, peer, way, target, result, count } = eventFields(row);
  const from = peer === '' ? address : `${address} through ${peer}`;
  const more = [
    who === '' ? '' : `by ${who}`,
    from === '' ? '' : `from ${from}`,
    `way ${way}`,
    target === '' ? '' : `to ${target}`,
  ];
  const often = count === 1 ? [] : [`${count} times`];
  return [String(number), at, event, result, ...more.filter((part) => part !== ''), ...often].join('  ');
}

type Verdict = Broken | { readonly kind: 'whole'; readonly chains: readonly Whole[] };

async function verifyLines(lines: AsyncIterable<AuditLine>, given: readonly AuditCheckpoint[]): Promise<Verdict> {
  const check = logCheck(given, systemClock.now());
  for await (const line of lines) {
    const taken = check.take(line);
    if (taken.kind === 'broken') return taken;
  }
  return check.end();
}

async function verifyFile(path: string, given: readonly AuditCheckpoint[]): Promise<Verdict> {
  const check = logCheck(given, systemClock.now());
  let [chain, number] = ['', 0];
  for await (const { at, line } of fileLines(path)) {
    if (line === 'unreadable')
      return { kind: 'broken', chain, number: number + 1, why: `line ${at} of the file cannot be read` };
    const taken = check.take(line);
    if (taken.kind === 'broken') return taken;
    if (line.kind === 'head') [chain, number] = [line.chain, 0];
    if (line.kind === 'event') ({ number } = line.row);
  }
  return check.end();
}

function tell(terminal: Terminal, { json }: Arguments, outcome: Verdict): ExitCode {
  if (outcome.kind === 'broken') {
    const { chain, number, why } = outcome;
    if (json) terminal.out(JSON.stringify({ whole: false, chain, line: number, why }));
    const whose = chain === '' ? '' : ` (chain ${chain})`;
    return fail(terminal, exitCodes.broken, `the audit log is broken at line ${number}: ${why}${whose}.`);
  }
  const { chains } = outcome;
  if (json)
    terminal.out(
      JSON.stringify({
        whole: true,
        ...(chains.length === 1 ? chains.map(wholeFields)[0] : {}),
        chains: chains.map(wholeFields),
      }),
    );
  else for (const each of chains) terminal.out(wholeText(each, chains.length));
  return exitCodes.well;
}

function wholeFields({ chain, events, first, last, checkpoints, unsigned, compared }: Whole) {
  return { chain, events, first, last, checkpoints, unsigned, compared };
}

function wholeText({ chain, events, first, last, checkpoints, unsigned, compared }: Whole, chains: number): string {
  const what = chains === 1 ? 'the audit log' : `chain ${chain}`;
  const range = events === 0 ? '' : ` (${first} to ${last})`;
  const given = compared === 0 ? '' : `; agrees with ${compared} given`;
  return `${what} is whole: ${events} events${range}, ${checkpoints} checkpoints, ${unsigned} events not signed yet${given}`;
}
