/** What can be said about a token when it is made and afterwards, as fields; and as the API takes it. */
import type { Refusal } from '../api/answers.ts';
import type { TokenChange } from '../api/tokens.ts';
import { Field } from '../parts/field.tsx';
import type { Typed } from '../parts/form.tsx';
import { TextArea } from '../parts/text-area.tsx';
import { tokenMessages } from '../words/token-messages.ts';

const words = tokenMessages.make;

/** What is wrong, beside the field it is about. */
export interface Beside {
  readonly name?: string;
  readonly scopes?: string;
  readonly addresses?: string;
  readonly perMinute?: string;
  readonly perHour?: string;
}

/** The longest name the server keeps, in characters. */
const longest = 64;

export const usualLimits = { perMinute: 600, perHour: 20_000 } as const;
const mostLimits = { perMinute: 100_000, perHour: 1_000_000 } as const;
const limitRefused = {
  perMinute: words.limitRefused(mostLimits.perMinute),
  perHour: words.limitRefused(mostLimits.perHour),
} as const;

const asErrors = (error: string | undefined): readonly string[] => (error === undefined ? [] : [error]);

interface FieldProps {
  readonly beside: Beside;
}

export function NameField({ beside, name = '' }: FieldProps & { readonly name?: string }) {
  return (
    <Field
      name="token_name"
      label={tokenMessages.tokens.name}
      help={words.nameHelp}
      autocomplete="off"
      value={name}
      errors={asErrors(beside.name)}
    />
  );
}

export function ScopesField({ beside, admin }: FieldProps & { readonly admin: boolean }) {
  return (
    <Field
      name="scopes"
      label={words.scopes}
      help={admin ? words.scopesHelpAdmin : words.scopesHelp}
      autocomplete="off"
      code
      errors={asErrors(beside.scopes)}
    />
  );
}

export function AddressesField({ beside, addresses = [] }: FieldProps & { readonly addresses?: readonly string[] }) {
  return (
    <TextArea
      name="addresses"
      label={words.addresses}
      help={words.addressesHelp}
      rows={Math.max(2, addresses.length)}
      value={addresses.join('\n')}
      errors={asErrors(beside.addresses)}
    />
  );
}

type Limits = { readonly perMinute: number; readonly perHour: number };

export function LimitFields({ beside, perMinute, perHour }: FieldProps & Limits) {
  return (
    <>
      <Field
        name="per_minute"
        label={words.perMinute}
        autocomplete="off"
        keyboard="numeric"
        value={String(perMinute)}
        errors={asErrors(beside.perMinute)}
      />
      <Field
        name="per_hour"
        label={words.perHour}
        autocomplete="off"
        keyboard="numeric"
        value={String(perHour)}
        errors={asErrors(beside.perHour)}
      />
    </>
  );
}

/** All of them but the scopes. */
export function readFields(typed: Typed): Required<Omit<TokenChange, 'active'>> {
  return {
    token_name: typed('token_name').trim(),
    ip_allowlist: listOf(typed('addresses')),
    rate_limit: { per_minute: Number(typed('per_minute')), per_hour: Number(typed('per_hour')) },
  };
}

export function listOf(text: string): readonly string[] {
  return [...new Set(text.split(/[\s,]+/))].filter((each) => each !== '');
}

export function wrongWith(typed: Typed): Beside {
  const name = nameError(typed('token_name').trim());
  const wrongAddress = listOf(typed('addresses')).some(
    (each) => !/^[\d.]+(?:\/\d+)?$|^[\da-f:.]+(?:\/\d+)?$/i.test(each),
  );
  return {
    ...(name === '' ? {} : { name }),
    ...(wrongAddress ? { addresses: words.addressesRefused } : {}),
    ...(isCount(typed('per_minute'), mostLimits.perMinute) ? {} : { perMinute: limitRefused.perMinute }),
    ...(isCount(typed('per_hour'), mostLimits.perHour) ? {} : { perHour: limitRefused.perHour }),
  };
}

function nameError(name: string): string {
  if (name === '') return words.nameMissing;
  return Array.from(name).length > longest ? words.nameLong : '';
}

function isCount(text: string, most: number): boolean {
  return /^\s*[1-9]\d{0,8}\s*$/.test(text) && Number(text) <= most;
}

/** What the server did not take, where it says which field it is about. */
export function besideField(refusal: Extract<Refusal, { kind: 'refused' }>): Beside {
  if (refusal.status !== 400 && refusal.status !== 422) return {};
  const about = (field: string): boolean => new RegExp(`\\b${field}\\b`).test(refusal.detail);
  return {
    ...(about('token_name') ? { name: words.nameRefused } : {}),
    ...(about('scopes?') ? { scopes: words.scopesRefused } : {}),
    ...(about('ip_allowlist') ? { addresses: words.addressesRefused } : {}),
    ...(about('per_minute') ? { perMinute: limitRefused.perMinute } : {}),
    ...(about('per_hour') ? { perHour: limitRefused.perHour } : {}),
  };
}

export function isEmpty(beside: Beside): boolean {
  return Object.keys(beside).length === 0;
}
