/** The calls about second factors. What changes them asks for a proof first, where the last one is too long ago. */
import {
  type Fields,
  type GivenUp,
  type Refusal,
  readFields,
  readList,
  readNumber,
  readText,
  readTexts,
  readTime,
} from './answers.ts';
import { doneAtLast } from './account.ts';
import { sendThroughDoor } from './door.ts';
import { type DoneAtLast, type PasswordProof, passwordFields } from './sign-in.ts';
import { send } from './transport.ts';

export interface Passkey {
  readonly id: string;
  readonly name: string;
  /** The host it works at. */
  readonly rpId: string;
  readonly createdAt: number;
  /** 0: never. */
  readonly usedAt: number;
  /** It is kept in an account of the person's, and on all devices there. */
  readonly synced: boolean;
  /** Its counter went back, as that of a copy does. */
  readonly flagged: boolean;
}

export interface Factors {
  readonly kind: 'factors';
  readonly totp: { readonly kind: 'off' } | { readonly kind: 'on'; readonly addedAt: number; readonly locked: boolean };
  readonly passkeys: readonly Passkey[];
  /** How many are left. */
  readonly recoveryCodes: number;
}

export interface Enrolment {
  readonly kind: 'enrolment';
  readonly secret: string;
  /** An SVG as a data URL. */
  readonly qrCode: string;
  readonly otpauthUrl: string;
  /** They count from the moment that a code proves the new secret. */
  readonly recoveryCodes: readonly string[];
}

export type FactorsOutcome = Factors | Refusal | GivenUp;
export type EnrolmentOutcome = Enrolment | Refusal | GivenUp;
export type CodesOutcome = { readonly kind: 'codes'; readonly codes: readonly string[] } | Refusal | GivenUp;
export type CreationOutcome = { readonly kind: 'options'; readonly options: Fields } | Refusal | GivenUp;

export async function factors(): Promise<FactorsOutcome> {
  const answer = await sendThroughDoor('GET', '/api/auth/factors');
  if (answer.kind !== 'answered') return answer;
  const { fields } = answer;
  const totp = readFields(fields['totp']);
  return {
    kind: 'factors',
    totp:
      totp['enabled'] === true
        ? { kind: 'on', addedAt: readTime(totp, 'added_at'), locked: totp['locked'] === true }
        : { kind: 'off' },
    passkeys: readList(fields, 'passkeys').map(readPasskey),
    recoveryCodes: readNumber(fields, 'recovery_codes'),
  };
}

/** Changes nothing yet. */
export async function beginTotp(): Promise<EnrolmentOutcome> {
  const answer = await sendThroughDoor('POST', '/api/auth/totp/setup', {});
  if (answer.kind !== 'answered') return answer;
  return {
    kind: 'enrolment',
    secret: readText(answer.fields, 'secret'),
    qrCode: readText(answer.fields, 'qr_code'),
    otpauthUrl: readText(answer.fields, 'otpauth_url'),
    recoveryCodes: readTexts(answer.fields, 'backup_codes'),
  };
}

export async function enableTotp(code: string): Promise<DoneAtLast> {
  return doneAtLast(await sendThroughDoor('POST', '/api/auth/totp/enable', { token: code }));
}

/** Never through an open window: password and code are asked for on the spot. */
export async function disableTotp(proof: PasswordProof): Promise<DoneAtLast> {
  return doneAtLast(await sendThroughDoor('POST', '/api/auth/totp/disable', passwordFields(proof), 'resume'));
}

export async function renewRecoveryCodes(): Promise<CodesOutcome> {
  const answer = await sendThroughDoor('POST', '/api/auth/recovery-codes', {});
  if (answer.kind !== 'answered') return answer;
  return { kind: 'codes', codes: readTexts(answer.fields, 'backup_codes') };
}

/** What the browser needs to make a passkey; good for two minutes. */
export async function creationOptions(): Promise<CreationOutcome> {
  const answer = await sendThroughDoor('POST', '/api/auth/passkeys/options', {});
  return answer.kind === 'answered' ? { kind: 'options', options: answer.fields } : answer;
}

export async function addPasskey(registration: object, name: string): Promise<DoneAtLast> {
  return doneAtLast(await sendThroughDoor('POST', '/api/auth/passkeys', { ...registration, name }));
}

export async function renamePasskey(id: string, name: string): Promise<DoneAtLast> {
  return doneAtLast(await sendThroughDoor('PATCH', `/api/auth/passkeys/${encodeURIComponent(id)}`, { name }));
}

export async function removePasskey(id: string): Promise<DoneAtLast> {
  return doneAtLast(await sendThroughDoor('DELETE', `/api/auth/passkeys/${encodeURIComponent(id)}`, {}));
}

/** For proving oneself with one of one's own passkeys, those included that the browser finds only when they are named. */
export async function ownPasskeyOptions(): Promise<CreationOutcome> {
  const [asked, known] = await Promise.all([
    send('POST', '/api/auth/login/passkey/options', {}),
    send('GET', '/api/auth/passkeys'),
  ]);
  if (asked.kind !== 'answered') return asked;
  if (known.kind !== 'answered') return known;
  const here = readList(known.fields, 'passkeys')
    .map(readPasskey)
    .filter((passkey) => passkey.rpId === readText(asked.fields, 'rpId'));
  const allowCredentials = here.map((passkey) => ({ type: 'public-key', id: passkey.id }));
  return { kind: 'options', options: { ...asked.fields, allowCredentials } };
}

function readPasskey(value: unknown): Passkey {
  const fields = readFields(value);
  return {
    id: readText(fields, 'id'),
    name: readText(fields, 'name'),
    rpId: readText(fields, 'rp_id'),
    createdAt: readTime(fields, 'created_at'),
    usedAt: readTime(fields, 'last_used_at'),
    synced: fields['synced'] === true,
    flagged: fields['flagged'] === true,
  };
}
