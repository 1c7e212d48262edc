/**
 * The pages under `docs/reference/`, made from the code: each function gives one page's text. `write-reference.ts` writes
 * them, `reference.test.ts` fails when what lies there is something else.
 */
import { settingsReference } from '../../src/config/print.ts';
import { problems } from '../../src/errors.ts';
import { openApiDocument } from '../../src/http/openapi.ts';
import type { Route } from '../../src/http/route.ts';
import type { Reach } from '../../src/policy/duty.ts';
import { ownScopes, scopeSets } from '../../src/principal/scopes.ts';
import { auditEvents } from '../../src/record/recorder.ts';
import { version } from '../../src/version.ts';

export interface ReferencePage {
  /** From the repository's root. */
  readonly path: string;
  readonly text: string;
}

export function referencePages(routes: readonly Route[]): readonly ReferencePage[] {
  return [
    { path: 'docs/reference/settings.md', text: settingsPage() },
    { path: 'docs/reference/errors.md', text: errorsPage() },
    { path: 'docs/reference/routes.md', text: routesPage(routes) },
    { path: 'docs/reference/events.md', text: eventsPage() },
    { path: 'docs/reference/scopes.md', text: scopesPage() },
  ];
}

export function settingsPage(): string {
  return page(
    'Settings',
    'Each setting has one name in three spellings: a flag, a variable, and a line of `sallyport.toml`. Flags win over variables, variables over the file. `node src/cli/sallyport.ts config --reference` prints this table, `config` alone what is in force and from where.',
    settingsReference().trim(),
  );
}

export function errorsPage(): string {
  const rows = Object.entries(problems).map(([code, { status, title, detail }]) => [
    `\`${code}\``,
    String(status),
    title,
    detail,
  ]);
  return page(
    'Errors',
    'Every refusal is `application/problem+json` (RFC 9457): `type` is `urn:sallyport:error:<code>`, `title` and `detail` are the two sentences below (a `detail` may say more where more can be said safely), `error_code` is the code. 401 comes with `WWW-Authenticate`, 405 with `Allow`, 429 and 503 with `Retry-After` and `retry_after`.',
    table(['`error_code`', 'status', 'title', 'sentence'], rows),
  );
}

export function routesPage(routes: readonly Route[]): string {
  const answers = answersOf(routes);
  const shared = sharedBy([...answers.values()]);
  const rows = routes.map((route) => [
    `${route.method} \`${route.path}\``,
    route.summary,
    needText(route),
    bodyText(route),
    codesText((answers.get(nameOf(route)) ?? []).filter((code) => !shared.includes(code))),
  ]);
  const beside = [...answers.keys()].filter((name) => !routes.some((route) => nameOf(route) === name));
  return page(
    'Routes',
    `Made from the route table, which \`GET /api/auth/openapi.json\` describes in full. A route works in every setup state unless it says "once there are accounts"; before that it is 503 \`not_configured\`. Each can also answer ${codesText(shared)}; a path that is none is 404 \`not_found\`, another method 405 \`method_not_allowed\`.`,
    table(['route', 'what', 'who', 'body', 'further refusals'], rows),
    beside.length === 0
      ? ''
      : `Answered beside the table, whatever the method: ${beside.map((name) => `\`${name.split(' ')[1] ?? ''}\``).join(', ')}, a reverse proxy's question (\`docs/guides/\`). On protected hosts \`/.sallyport/callback\` and \`/.sallyport/sign-out\` are ours. Pages live under \`/auth/\`.`,
  );
}

export function eventsPage(): string {
  const rows = Object.entries(auditEvents).map(([name, meaning]) => [`\`${name}\``, meaning]);
  return page(
    'Audit events',
    'Every kind of thing that is written to the audit log. Each record has `number`, `at` (UTC), `event`, `actor` (a user id; empty for a stranger or the host), `actor_name` (at that time), `address` (the client; a network where many are counted in one), `peer` (who the connection came from, where that was a proxy), `way`, `target`, `result` (`ok`, or the cause), `count` and `hash`. [Decision 0016](../decisions/0016-audit-chain.md) says how the records are chained and signed.',
    table(['event', 'what happened'], rows),
  );
}

export function scopesPage(): string {
  const rows = Object.entries(ownScopes).map(([scope, meaning]) => [`\`${scope}\``, meaning]);
  const sets = Object.entries(scopeSets).map(([name, scopes]) => `\`${name}\` is ${codesText(scopes)}`);
  return page(
    'Scopes',
    `Scopes of Sallyport's own routes; no wildcard reaches them, and they need an owner who is an administrator. Applications have whatever others they like. ${sets.join(', ')}. [The guide](../guides/api-tokens.md) says how they are used.`,
    table(['scope', 'a token with it may'], rows),
  );
}

function page(title: string, ...parts: readonly string[]): string {
  const note = '<!-- Made by `node test/repo/write-reference.ts`. Change the code, not this page. -->';
  return `${[`# ${title}`, note, ...parts.filter((part) => part !== '')].join('\n\n')}\n`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n');
}

const nameOf = (route: Route): string => `${route.method} ${route.path}`;
const codesText = (codes: readonly string[]): string => codes.map((code) => `\`${code}\``).join(', ');

/** Refusals per route as the OpenAPI document has them: the codes of each status, in order of status. */
function answersOf(routes: readonly Route[]): ReadonlyMap<string, readonly string[]> {
  const { paths } = openApiDocument(routes, version) as {
    readonly paths: Readonly<
      Record<
        string,
        Readonly<Record<string, { readonly responses: Readonly<Record<string, { description: string }>> }>>
      >
    >;
  };
  const answers = new Map<string, readonly string[]>();
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, { responses }] of Object.entries(methods)) {
      const refusals = Object.entries(responses).filter(([status]) => Number(status) >= 400);
      answers.set(
        `${method.toUpperCase()} ${path}`,
        refusals.flatMap(([, { description }]) => description.split(', ')).filter((code) => code in problems),
      );
    }
  }
  return answers;
}

/** What every route of the table may answer; the question of a reverse proxy lists no codes. */
function sharedBy(lists: readonly (readonly string[])[]): readonly string[] {
  const [first = [], ...rest] = lists.filter((list) => list.length > 0);
  return first.filter((code) => rest.every((list) => list.includes(code)));
}

const reachTexts: Readonly<Record<Reach, string>> = {
  always: ', whatever has to be done first',
  'to-enrol': ', also before a second factor that is required',
  whole: '',
};

function needText(route: Route): string {
  const who = (): string => {
    switch (route.need.kind) {
      case 'nobody':
        return 'anybody; no credential is read';
      case 'anybody':
        if (route.reads === 'tickets') return 'anybody; nothing but a signed ticket is read';
        return route.need.header === 'judged'
          ? 'anybody; an admin, and the service key, are told more; a wrong header is refused'
          : 'anybody; says who is signed in';
      case 'local':
        return `whoever is on this machine; anybody on \`ops-listen\`; a token with \`${route.need.scope}\``;
      case 'session':
        return `a session (${route.need.kinds.map((kind) => `\`${kind}\``).join(' or ')})${route.need.tickets === 'admitted' ? ', or a signed ticket' : ''}${reachTexts[route.need.reach]}`;
      case 'person':
        return `a session (${route.need.kinds.map((kind) => `\`${kind}\``).join(' or ')})${route.stepUp === 'fresh' ? '' : ', a signed ticket'}, or Basic${reachTexts[route.need.reach]}`;
      case 'account':
        return `a session (${route.need.kinds.map((kind) => `\`${kind}\``).join(' or ')})${route.stepUp === 'fresh' ? '' : ', a signed ticket'}, Basic, or a token${route.need.scope === 'any' ? '' : ` with \`${route.need.scope}\``}${route.need.service === 'admitted' ? '; the service key' : ''}`;
      case 'admin':
        return `an admin, by a session${route.stepUp === 'fresh' ? '' : ', a signed ticket'} or Basic; an admin’s token with \`${route.need.scope}\`; the service key`;
    }
  };
  return [
    who(),
    route.stepUp === 'fresh' ? 'confirmed just now' : '',
    route.stepUp === 'by-content' ? 'confirmed just now where it widens something' : '',
    route.works === 'always' || typeof route.works === 'object' ? '' : 'once there are accounts',
  ]
    .filter((part) => part !== '')
    .join('; ');
}

function bodyText(route: Route): string {
  if (route.form === 'none') return 'none';
  if (route.form === 'csv') return 'a CSV file';
  if (route.body === null) return 'an empty JSON object';
  const schema = route.body.toJSONSchema({ io: 'input' });
  const required: readonly string[] = schema.required ?? [];
  const fields = Object.keys(schema.properties ?? {}).map((name) => `\`${name}${required.includes(name) ? '' : '?'}\``);
  return `${fields.join(', ')}${route.form === 'json-or-form' ? ' (JSON or a form)' : ''}`;
}
