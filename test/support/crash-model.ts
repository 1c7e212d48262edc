/**
 * What an installation must look like after a crash, told from acknowledged answers alone (security.md part 3, "Invariant
 * check"): what was acknowledged is there, what may or may not have happened is left open until it is seen, and from
 * then on has to stay that way. Order is by ticks: two requests that were under way together may have gone either way.
 */
export interface KeptSession {
  readonly transport: 'cookie' | 'bearer';
  readonly kind: 'account' | 'app';
  readonly token: string;
  /** Of a cookie session; proves unsafe requests. */
  readonly csrf: string;
  readonly parent: KeptSession | null;
  begun: number;
  acknowledged: number;
  /** An end of this very session: asked for, or acknowledged. */
  end: 'none' | 'asked' | 'acknowledged';
}

/** Ends all sessions of the user but one. */
interface Clearing {
  readonly begun: number;
  acknowledged: number | null;
  except: KeptSession | null;
  /** What was made from the session that stays goes as well: a password change. */
  readonly takesChildren: boolean;
}

/** Works once: not yet used, sent without an answer, or used up. */
export interface KeptOnce {
  readonly value: string;
  /** Nonce cookie of a login token; empty for tickets. */
  readonly nonce: string;
  readonly session: KeptSession | null;
  readonly begun: number;
  /** By the monotonic clock: it lives for seconds, and a busy machine is slow. */
  readonly madeAt: number;
  use: 'none' | 'sent' | 'used';
}

export type Expected = 'live' | 'dead' | 'either';

export class CrashModel {
  readonly sessions = new Set<KeptSession>();
  readonly ended = new Set<KeptSession>();
  readonly loginTokens = new Set<KeptOnce>();
  readonly tickets = new Set<KeptOnce>();
  /** Sessions that a request is working with: nobody else ends or renews them meanwhile. */
  readonly busy = new Set<KeptSession>();
  passwords: readonly string[];
  readonly oldPasswords: string[] = [];
  states: readonly ('configured' | 'off')[] = ['configured'];
  /** Acknowledged audit events by name. */
  readonly events = new Map<string, number>();
  private clearings: Clearing[] = [];
  private tick = 0;

  constructor(password: string) {
    this.passwords = [password];
  }

  get password(): string {
    return this.passwords[0] ?? '';
  }

  now(): number {
    this.tick += 1;
    return this.tick;
  }

  count(event: string): void {
    this.events.set(event, (this.events.get(event) ?? 0) + 1);
  }

  opened(session: Omit<KeptSession, 'acknowledged' | 'end'>): KeptSession {
    const kept: KeptSession = { ...session, acknowledged: this.now(), end: 'none' };
    this.sessions.add(kept);
    return kept;
  }

  /** Begins to end all but one; returns how to say what came of it, and which session stayed if it got a new token. */
  clear(
    except: KeptSession | null,
    takesChildren: boolean,
  ): { acknowledge: (stays?: KeptSession) => void; refuse: () => void } {
    const clearing: Clearing = { begun: this.now(), acknowledged: null, except, takesChildren };
    this.clearings.push(clearing);
    return {
      acknowledge: (stays = except ?? undefined) => {
        clearing.acknowledged = this.now();
        clearing.except = stays ?? null;
      },
      refuse: () => {
        this.clearings = this.clearings.filter((each) => each !== clearing);
      },
    };
  }

  expected(session: KeptSession): Expected {
    const own = this.expectedAlone(session);
    if (session.parent === null || own === 'dead') return own;
    const parent = this.expected(session.parent);
    if (parent === 'dead') return 'dead';
    return parent === 'either' ? 'either' : own;
  }

  private expectedAlone(session: KeptSession): Expected {
    if (session.end === 'acknowledged' || this.ended.has(session)) return 'dead';
    let expected: Expected = session.end === 'asked' ? 'either' : 'live';
    for (const clearing of this.clearings) {
      const spared =
        clearing.except === session ||
        (!clearing.takesChildren && clearing.except === session.parent && session.parent);
      if (spared) continue;
      if (clearing.acknowledged !== null && session.begun > clearing.acknowledged) continue;
      if (clearing.acknowledged !== null && session.acknowledged < clearing.begun) return 'dead';
      expected = 'either';
    }
    return expected;
  }

  /** A ticket goes with its session, and with a password change of whatever session. */
  expectedTicket(ticket: KeptOnce): Expected {
    if (ticket.use === 'used' || ticket.session === null) return 'dead';
    const session = this.expected(ticket.session);
    if (session === 'dead') return 'dead';
    const changed = this.clearings.some((each) => each.takesChildren && (each.acknowledged ?? Infinity) > ticket.begun);
    return ticket.use === 'sent' || changed ? 'either' : session;
  }

  /** What was seen after a restart: nothing is open any more. */
  settle(seen: ReadonlyMap<KeptSession, 'live' | 'dead'>): void {
    const at = this.now();
    for (const session of this.sessions) {
      const standing = seen.get(session) ?? this.expected(session);
      if (standing === 'dead') {
        this.sessions.delete(session);
        this.ended.add(session);
      } else {
        session.begun = at;
        session.acknowledged = at;
        session.end = 'none';
      }
    }
    this.clearings = [];
    this.tickets.clear();
    this.loginTokens.clear();
    this.busy.clear();
  }
}
