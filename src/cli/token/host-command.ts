/** A command about API tokens, as the command line reads it and as it goes through the control socket: values as over HTTP. */
import * as z from 'zod';
import { createTokenBody, rotateTokenBody } from '../../http/schemas.ts';

const { token_name, scopes, ip_allowlist, rate_limit, expires_in_days: expiresInDays, never } = createTokenBody.shape;
const { per_minute: perMinute, per_hour: perHour } = rate_limit.unwrap().shape;
const { overlap_seconds } = rotateTokenBody.shape;

const id = z.string();

export const tokenCommand = z.discriminatedUnion('action', [
  z.object({
    action: z.literal('list'),
    username: z.string().nullable(),
    before: z.string().nullable(),
    limit: z.string().nullable(),
  }),
  z.object({
    action: z.literal('create'),
    username: z.string(),
    token_name: token_name.unwrap(),
    scopes,
    ip_allowlist,
    rate_limit,
    expires_in_days: expiresInDays,
    never,
  }),
  z.object({ action: z.enum(['show', 'enable', 'disable', 'revoke']), id }),
  z.object({ action: z.literal('rotate'), id, overlap_seconds }),
]);

/** Flags that are numbers, and from where to where they go. */
export const numbers = {
  'expires-in-days': expiresInDays.unwrap(),
  'per-minute': perMinute.unwrap(),
  'per-hour': perHour.unwrap(),
  'overlap-seconds': overlap_seconds.unwrap(),
} as const;
