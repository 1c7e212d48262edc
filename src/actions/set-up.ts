/**
 * First run: make the first admin, or decline (2-http-api, 4; 3-rules, Setup states). The setup code proves access to
 * the host; of any number of racers the store lets one win.
 */
import { newRecoveryCodes, recoveryCodeDigest } from '../crypto/code.ts';
import type { Keyring } from '../crypto/keyring.ts';
import type { PasswordHasher } from '../crypto/password-hash.ts';
import { newUserId } from '../crypto/random.ts';
import { refuse, type Refusal } from '../errors.ts';
import type { CommonPasswords } from '../policy/common-passwords.ts';
import { judgePassword, passwordRefused } from '../policy/password-policy.ts';
import { adminPrivilege } from '../principal/principal.ts';
import type { Prover } from '../prove.ts';
import { readPassword } from '../verify/claim.ts';
import type { Realms } from '../realm/realms.ts';
import type { Recorder } from '../record/recorder.ts';
import type { UserRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import type { Digest, Password, SessionKind, Username } from '../types.ts';
import { networkUse } from '../verify/acquaintance.ts';
import type { LoginTokens } from '../verify/login-token.ts';
import type { Memory } from '../verify/known/contract.ts';
import { passwordPlace } from '../verify/password.ts';
import { type Call, circumstancesOf, clientAddress, done, type Outcome, whence } from './call.ts';
import { handOverToken, type Issuing, issueSession, rememberDevice, timeText } from './issue-session.ts';
import { type LoginMode, loginMode } from './login-mode.ts';
import { readLocalName } from './people/accounts.ts';

export interface SetUpBody {
  readonly setup_code: string;
  readonly username: string;
  readonly password: string;
  readonly login_token?: string | undefined;
}

export interface SetUpParts extends Issuing {
  readonly store: Store;
  readonly realms: Realms;
  readonly memory: Memory;
  readonly prover: Prover;
  readonly recorder: Recorder;
  readonly tokens: LoginTokens;
  readonly hasher: PasswordHasher;
  readonly keyring: Keyring;
  readonly accountKind: SessionKind;
  readonly hostNames: () => readonly string[];
  readonly commonPasswords: CommonPasswords;
}

/**
 * The dear part, hashing and making, runs one after the other: the first set-up that succeeds spares the rest their
 * hash. Whoever has no code never gets to stand in that line.
 */
export function setUpInTurn(parts: SetUpParts): (call: Call<SetUpBody>) => Promise<Outcome> {
  let last: Promise<unknown> = Promise.resolve();
  return async (call) => {
    const candidate = await candidateFrom(parts, call);
    if (candidate.kind === 'refused') return candidate;
    const turn = last.then(() => makeFirstAdmin(parts, call, candidate));
    last = turn.catch(() => undefined);
    return turn;
  };
}

interface Candidate {
  readonly kind: 'candidate';
  readonly username: Username;
  readonly displayName: string;
  readonly password: Password;
  readonly codeDigest: Digest;
  readonly mode: LoginMode;
}

async function candidateFrom(parts: SetUpParts, call: Call<SetUpBody>): Promise<Refusal | Candidate> {
  const state = await parts.memory.state();
  if (state === 'configured' || state === 'off') return refuse('already_configured');
  const name = readLocalName(parts.realms, call.body.username);
  if (name.kind === 'refused') return name;
  const password = readPassword(call.body.password);
  if (password.kind === 'refused') return password;
  const mode = await loginMode(parts, call, call.body.login_token);
  if (mode.kind === 'refused') return mode;
  const withCookies = (refusal: Refusal): Refusal => ({ ...refusal, cookies: mode.cookies });

  const code = await parts.prover.setupCode(call.body.setup_code, circumstancesOf(call, ''));
  if (code.kind === 'refused') return withCookies(code);
  const judged = judgePassword(
    { password: password.password, username: name.username, hostNames: parts.hostNames(), secondFactor: 'none' },
    parts.commonPasswords,
  );
  if (judged.kind === 'refused') return withCookies(passwordRefused(judged.reasons));
  return {
    kind: 'candidate',
    username: name.username,
    displayName: name.display,
    password: password.password,
    codeDigest: code.codeDigest,
    mode,
  };
}

async function makeFirstAdmin(parts: SetUpParts, call: Call<SetUpBody>, candidate: Candidate): Promise<Outcome> {
  const { mode } = candidate;
  const withCookies = (refusal: Refusal): Refusal => ({ ...refusal, cookies: mode.cookies });
  const state = await parts.memory.state();
  if (state === 'configured' || state === 'off') return withCookies(refuse('already_configured'));
  const made = await parts.hasher.make(candidate.password, parts.prover.turnFor('known', clientAddress(call)));
  if (made.kind === 'busy') return withCookies(refuse('busy', { retryAfterSeconds: 1 }));

  const user = newAdmin(parts, candidate.username, candidate.displayName, made.phc);
  const codes = newRecoveryCodes(parts.random);
  const { token, opening } = issueSession(parts, call, user, parts.accountKind, mode.transport);
  const { scheme } = call.arrival;
  const remembered = mode.transport === 'cookie' ? rememberDevice(parts, user, null, scheme) : null;
  const first = await parts.store.createFirstAdmin({
    codeDigest: candidate.codeDigest,
    user,
    recoveryCodes: codes.map((each) => recoveryCodeDigest(each)),
    session: opening,
    device: remembered?.device ?? null,
    network: networkUse(clientAddress(call), parts.clock),
    audit: parts.recorder.event({
      event: 'setup',
      actor: user.id,
      ...whence(call),
      way: 'setup-code',
      target: user.id,
    }),
    at: parts.clock.now(),
  });
  switch (first.kind) {
    case 'already-configured':
      return withCookies(refuse('already_configured'));
    case 'code-invalid':
      return withCookies(refuse('setup_code_invalid'));
    case 'created': {
      parts.recorder.passed({ kind: 'setup', way: 'setup-code' });
      const handed = handOverToken(parts, token, opening.session, parts.accountKind.sameSite, scheme);
      return done(
        { ...handed.fields, expires_at: timeText(opening.session.expiresAt), backup_codes: codes },
        { status: 201, cookies: [...handed.cookies, ...(remembered?.cookies ?? []), ...mode.cookies] },
      );
    }
  }
}

function newAdmin(parts: SetUpParts, username: Username, displayName: string, phc: string): UserRow {
  const id = newUserId(parts.random);
  return {
    id,
    username,
    displayName,
    email: '',
    privileges: [adminPrivilege],
    groups: [],
    active: true,
    sealedPassword: parts.keyring.seal(passwordPlace(id), phc),
    sealedTotp: '',
    passkeys: 0,
    passwordLength: 'full',
    passwordStanding: 'own',
    realm: 'local',
    disabledBy: '',
    ticketGeneration: 0,
    credentialGeneration: 1,
    createdAt: parts.clock.now(),
  };
}

export interface DeclineParts {
  readonly store: Store;
  readonly memory: Memory;
  readonly prover: Prover;
  readonly recorder: Recorder;
  readonly clock: Issuing['clock'];
  /** Whether an installation without sign-in may be open here: on loopback, or by the operator's word. */
  readonly openness: 'closed' | 'may-be-open';
}

/** Records the decision to run without sign-in; asked again it says so again. */
export async function decline(parts: DeclineParts, call: Call<{ readonly setup_code: string }>): Promise<Outcome> {
  const state = await parts.memory.state();
  if (state === 'configured' || state === 'off') return refuse('already_configured');
  if (state === 'declined') return done({ auth_declined: true });
  if (parts.openness === 'closed') {
    return refuse('forbidden', {
      detail:
        'Sign-in cannot be declined while a listener is reachable from the network. Start with --allow-open to allow that.',
    });
  }
  const code = await parts.prover.setupCode(call.body.setup_code, circumstancesOf(call, ''));
  if (code.kind === 'refused') return code;
  const audit = parts.recorder.event({ event: 'declined', actor: '', ...whence(call), way: 'setup-code' });
  const declined = await parts.store.decline({ codeDigest: code.codeDigest, at: parts.clock.now(), audit });
  switch (declined.kind) {
    case 'already-configured':
      return refuse('already_configured');
    case 'code-invalid':
      return refuse('setup_code_invalid');
    case 'declined':
      return done({ auth_declined: true });
  }
}
