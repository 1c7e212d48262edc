/** Signed tickets in tests: asked for as clients of Proxmox products do, in forms and in JSON, and shown again. */
import assert from 'node:assert/strict';
import { type Got, send, type Sent } from './client.ts';
import { admin } from './people.ts';

type House = { readonly console: string };

export const ticketPath = '/api2/json/access/ticket';

export interface HeldTicket {
  readonly ticket: string;
  readonly csrf: string;
}

/** As most of them do. */
export function inForm(fields: Readonly<Record<string, string>>, more: Sent = {}): Sent {
  return {
    method: 'POST',
    ...more,
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...more.headers },
    body: new URLSearchParams(fields).toString(),
  };
}

export function askForTicket(
  house: House,
  fields: Readonly<Record<string, string>> = {},
  more: Sent = {},
): Promise<Got> {
  return send(`${house.console}${ticketPath}`, inForm({ ...admin, ...fields }, more));
}

export function dataOf(got: Got): Readonly<Record<string, unknown>> {
  assert.equal(got.status, 200, got.text);
  assert.equal(got.json['success'], true, got.text);
  return got.json['data'] as Record<string, unknown>;
}

export function held(got: Got): HeldTicket {
  const data = dataOf(got);
  assert.equal(data['NeedTFA'], undefined, got.text);
  return { ticket: String(data['ticket']), csrf: String(data['CSRFPreventionToken']) };
}

export async function ticketOf(house: House, who: Readonly<Record<string, string>> = admin): Promise<HeldTicket> {
  return held(await askForTicket(house, who));
}

/** Another text in one character of its signature. Its end would not do: often enough that is what one would put there. */
export function spoiled(ticket: string): string {
  const at = ticket.length - 20;
  return `${ticket.slice(0, at)}${ticket.charAt(at) === 'A' ? 'B' : 'A'}${ticket.slice(at + 1)}`;
}

/** Refused, in the form that clients of JSON read. */
export function assertRefused(got: Got, status: number, code: string): void {
  assert.equal(got.status, status, got.text);
  assert.equal(got.json['error_code'], code, got.text);
  assert.equal(got.json['data'], null, got.text);
  assert.equal(got.json['success'], false);
  assert.equal(got.json['status'], status);
  assert.equal(got.headers['content-type'], 'application/json;charset=UTF-8');
  assert.equal(got.headers['cache-control'], 'no-store');
}
