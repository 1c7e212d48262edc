/**
 * Step 4 as numbers: every attempt by way and result, and how the parts are doing, for Prometheus (MX6; 3-rules, Logs,
 * audit, metrics). Counts live in this process and begin with it; nothing in them names anybody.
 */
import type { Millis } from '../types.ts';

/** How the parts are doing now; totals since the process began. */
export interface Figures {
  readonly liveSessions: number;
  /** Whether whoever reaches the application was asked who they are. */
  readonly signIn: 'required' | 'not-required';
  readonly hashing: {
    readonly waiting: number;
    readonly running: number;
    readonly ran: number;
    readonly refused: number;
    readonly waitedMs: number;
  };
  readonly memory: {
    readonly sessions: number;
    readonly tokens: number;
    readonly hits: number;
    readonly misses: number;
  };
  /** Since changes by others were last read: a revocation is at most so far from being seen here. */
  readonly changesReadMsAgo: number;
  /** `latencyMs`: of a write made to find out. */
  readonly store: { readonly waiting: number; readonly writes: number; readonly latencyMs: number };
  /** `notAfter`: of the one that is served; null without TLS. `raised`: another should be, and cannot. */
  readonly certificate: { readonly notAfter: Millis | null; readonly alarm: 'none' | 'raised' };
  /** Of each purpose, how long the key in use has been in use. */
  readonly keys: readonly { readonly purpose: string; readonly ageMs: number }[];
}

export interface Attempted {
  /** Kind of session asked for, or what else was tried. */
  readonly kind: string;
  readonly way: string;
  /** `ok`, or the cause of the refusal in one word. */
  readonly result: string;
}

export interface Metrics {
  authenticated(attempted: Attempted): void;
  /** Refused by a limit, before anything was looked at. */
  rateLimited(way: string): void;
  /** Prometheus' text format, version 0.0.4. */
  render(figures: Figures): string;
}

type Labels = Readonly<Record<string, string>>;

interface Family {
  readonly name: string;
  readonly kind: 'counter' | 'gauge';
  readonly help: string;
  readonly samples: readonly (readonly [Labels, number])[];
}

/** Labels come from our own words, so there are few; a table that grew all the same takes no more. */
const mostSeries = 1000;

export function metrics(): Metrics {
  const attempts = new Map<string, { readonly labels: Labels; count: number }>();
  const limited = new Map<string, { readonly labels: Labels; count: number }>();
  const count = (table: typeof attempts, labels: Labels): void => {
    const key = JSON.stringify(labels);
    const known = table.get(key);
    if (known !== undefined) known.count += 1;
    else if (table.size < mostSeries) table.set(key, { labels, count: 1 });
  };
  const samplesOf = (table: typeof attempts): Family['samples'] =>
    [...table.values()].map(({ labels, count: value }) => [labels, value]);

  return {
    authenticated: ({ kind, way, result }) => count(attempts, { kind, way, result }),
    rateLimited: (way) => count(limited, { way }),
    render: (figures) => {
      const families: readonly Family[] = [
        {
          name: 'sallyport_authentication_total',
          kind: 'counter',
          help: 'Attempts to authenticate, by kind of session, way and result.',
          samples: samplesOf(attempts),
        },
        {
          name: 'sallyport_authentication_ratelimited_total',
          kind: 'counter',
          help: 'Attempts refused by a limit before anything was looked at, by way.',
          samples: samplesOf(limited),
        },
        ...numbersOf(figures),
      ];
      return `${families.map(familyText).join('\n')}\n`;
    },
  };
}

function numbersOf(figures: Figures): readonly Family[] {
  const { liveSessions, signIn, hashing, memory, changesReadMsAgo, store, certificate, keys } = figures;
  const one = (kind: Family['kind'], name: string, help: string, value: number): Family => ({
    name: `sallyport_${name}`,
    kind,
    help,
    samples: [[{}, value]],
  });
  const asked = memory.hits + memory.misses;
  return [
    one('gauge', 'sessions_live', 'Sessions that have not ended.', liveSessions),
    one('gauge', 'sign_in_required', '0: everybody reaches the application.', signIn === 'required' ? 1 : 0),
    one('gauge', 'hash_queue_waiting', 'Password hashes that wait for their turn.', hashing.waiting),
    one('gauge', 'hash_queue_running', 'Password hashes under way.', hashing.running),
    one('counter', 'hashes_total', 'Password hashes that were computed.', hashing.ran),
    one('counter', 'hashes_refused_total', 'Password hashes refused because the queue was full.', hashing.refused),
    one('counter', 'hash_wait_seconds_total', 'Time that password hashes waited.', hashing.waitedMs / 1000),
    one('gauge', 'session_cache_entries', 'Sessions known in memory.', memory.sessions),
    one('gauge', 'token_cache_entries', 'API tokens known in memory.', memory.tokens),
    one('counter', 'session_cache_hits_total', 'Sessions and tokens answered from memory.', memory.hits),
    one('counter', 'session_cache_misses_total', 'Sessions and tokens looked up in the store.', memory.misses),
    one(
      'gauge',
      'session_cache_hit_ratio',
      'Hits of all look-ups; 1 before the first.',
      asked ? memory.hits / asked : 1,
    ),
    one('gauge', 'revocation_delay_seconds', 'Since changes were last read from the store.', changesReadMsAgo / 1000),
    one('gauge', 'store_writes_waiting', 'Writes that wait for the disk.', store.waiting),
    one('counter', 'store_writes_total', 'Writes that reached the disk.', store.writes),
    one('gauge', 'store_latency_seconds', 'How long a write takes now.', store.latencyMs / 1000),
    ...(certificate.notAfter === null
      ? []
      : [
          one(
            'gauge',
            'certificate_not_after_seconds',
            'When the certificate that is served ends, in Unix time.',
            certificate.notAfter / 1000,
          ),
        ]),
    one(
      'gauge',
      'certificate_alarm',
      '1: a certificate should be served and cannot be; the one before it is.',
      certificate.alarm === 'raised' ? 1 : 0,
    ),
    {
      name: 'sallyport_key_age_seconds',
      kind: 'gauge',
      help: 'How long the key in use of each purpose has been in use.',
      samples: keys.map(({ purpose, ageMs }) => [{ purpose }, Math.floor(ageMs / 1000)]),
    },
  ];
}

function familyText({ name, kind, help, samples }: Family): string {
  const lines = samples.map(([labels, value]) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
    return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}`;
  });
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${kind}`, ...lines].join('\n');
}

/** The format knows three escapes and no other. */
function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
