/** How programs are told their token, each in its own files. Only names of those programs' own settings are in here. */
export type Program = 'curl' | 'home-assistant' | 'homepage' | 'prometheus';

export interface Snippet {
  /** Where it belongs; empty: it is typed. */
  readonly file: string;
  readonly text: string;
}

interface Given {
  readonly name: string;
  readonly secret: string;
  readonly address: string;
}

export function snippets(program: Program, given: Given): readonly Snippet[] {
  switch (program) {
    case 'curl':
      return curl(given);
    case 'home-assistant':
      return homeAssistant(given);
    case 'homepage':
      return homepage(given);
    case 'prometheus':
      return prometheus(given);
  }
}

function curl({ secret, address }: Given): readonly Snippet[] {
  return [{ file: '', text: `curl --header ${shell(`Authorization: Bearer ${secret}`)} ${shell(address)}` }];
}

/** For a program that knows Basic alone. */
export function basicCommand({
  username,
  secret,
  address,
}: Omit<Given, 'name'> & { readonly username: string }): string {
  return `curl --user ${shell(`${username}:${secret}`)} ${shell(address)}`;
}

function homeAssistant({ name, secret, address }: Given): readonly Snippet[] {
  const key = `sallyport_${wordOf(name)}`;
  return [
    { file: 'secrets.yaml', text: `${key}: ${yaml(`Bearer ${secret}`)}` },
    {
      file: 'configuration.yaml',
      text: lines(
        `sensor:`,
        `  - platform: rest`,
        `    name: ${yaml(name)}`,
        `    resource: ${yaml(address)}`,
        `    headers:`,
        `      Authorization: !secret ${key}`,
        `    value_template: "{{ value[:255] }}"`,
        `    scan_interval: 60`,
      ),
    },
  ];
}

function homepage({ name, secret, address }: Given): readonly Snippet[] {
  const variable = `HOMEPAGE_VAR_${wordOf(name).toUpperCase()}`;
  return [
    { file: '.env', text: `${variable}=${secret}` },
    {
      file: 'services.yaml',
      text: lines(
        `- Services:`,
        `    - ${yaml(name)}:`,
        `        widget:`,
        `          type: customapi`,
        `          url: ${yaml(address)}`,
        `          headers:`,
        `            Authorization: "Bearer {{${variable}}}"`,
        `          mappings:`,
        `            - field: status`,
        `              label: Status`,
      ),
    },
  ];
}

function prometheus({ name, secret, address }: Given): readonly Snippet[] {
  const job = wordOf(name);
  const url = URL.parse(address);
  const file = `/etc/prometheus/${job}.token`;
  return [
    { file, text: secret },
    {
      file: 'prometheus.yml',
      text: lines(
        `scrape_configs:`,
        `  - job_name: ${job}`,
        `    scheme: ${url?.protocol === 'http:' ? 'http' : 'https'}`,
        `    metrics_path: ${yaml(url?.pathname ?? '/metrics')}`,
        `    authorization:`,
        `      credentials_file: ${file}`,
        `    static_configs:`,
        `      - targets: [${yaml(url?.host ?? address)}]`,
      ),
    },
  ];
}

const lines = (...each: readonly string[]): string => each.join('\n');

/** As one word of a shell. */
function shell(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** As one value of YAML, which takes the strings of JSON. */
function yaml(text: string): string {
  return JSON.stringify(text);
}

/** A name as a key: letters, digits, underscores. */
function wordOf(name: string): string {
  const word = name
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/[^a-z0-9]+/g, '_')
    .replaceAll(/^_|_$/g, '');
  return /^[a-z]/.test(word) ? word : `token${word === '' ? '' : `_${word}`}`;
}

const consolePaths: Readonly<Record<string, string>> = {
  'sallyport:metrics': '/metrics',
  'sallyport:users': '/api/auth/users',
  'sallyport:sessions': '/api/auth/users',
  'sallyport:audit': '/api/auth/audit',
  'sallyport:blocks': '/api/auth/blocks',
  'sallyport:tokens': '/api/auth/api-tokens',
  'sallyport:tls': '/api/ssl/status',
  'sallyport:keys': '/api/auth/keys/ring',
};

/** Where a token with these scopes is likely to be used: here, for what is ours alone; else at the application. */
export function addressFor(
  scopes: readonly string[],
  at: { readonly here: string; readonly application: string },
): string {
  const [first = ''] = scopes;
  const ours = scopes.every((scope) => scope.startsWith('sallyport:')) ? consolePaths[first] : undefined;
  return ours === undefined ? `${at.application}/` : `${at.here}${ours}`;
}
