/**
 * The mail server as an operator names it, and who mails come from (2-http-api, 1. Starting). A secret, since a password
 * may be in it: what is refused is never repeated. Pure.
 */
import type { Secret } from '../types.ts';
import { reachOf } from './network-place.ts';
import { endpointOf, type Endpoint, partsOf, unknownParameter } from './service-place.ts';
import { accepted, type Parsed, refused, type ValueKind } from './value-kind.ts';

export interface SmtpPlace extends Endpoint {
  /** Empty: none. */
  readonly username: string;
  readonly password: Secret | '';
  /**
   * `implicit`: TLS from the first byte. `starttls`: asked for before anything is said, and no mail without it. Either way the
   * server must be who it is named. `off`: in the clear, on this machine alone.
   */
  readonly tls: 'implicit' | 'starttls' | 'off';
}

/** `smtp://user:password@host:587`. */
export const smtpUrl: ValueKind<SmtpPlace> = {
  writing: 'secret',
  suffix: '',
  form: '`smtp://user:password@host:587` (STARTTLS; in the clear on loopback, unless `?starttls=required`) or `smtps://user:password@host:465`',
  parse: (text) => {
    const parts = partsOf(text);
    if (parts.kind === 'refused') return parts;
    const { scheme, user, password, place, path, query } = parts.value;
    if (scheme !== 'smtp' && scheme !== 'smtps') return refused();
    if (path !== '' && path !== '/') return refused('a mail server has no path');
    const unknown = unknownParameter(query, scheme === 'smtp' ? ['starttls'] : []);
    if (unknown !== undefined) return refused(unknown);
    if ((user === '') !== (password === '')) return refused('a user and a password are given together');
    const endpoint = endpointOf(place, scheme === 'smtp' ? 587 : 465);
    if (endpoint.kind === 'refused') return endpoint;
    const tls = scheme === 'smtps' ? accepted('implicit' as const) : startTlsOf(query.get('starttls'), endpoint.value);
    if (tls.kind === 'refused') return tls;
    return accepted({ ...endpoint.value, username: user, password: password as Secret | '', tls: tls.value });
  },
  format: () => '(set)',
};

function startTlsOf(asked: string | undefined, { host }: Endpoint): Parsed<'starttls' | 'off'> {
  if (asked !== undefined && asked !== 'required') return refused('starttls is `required`, or left out');
  return accepted(asked === 'required' || reachOf(host) === 'network' ? 'starttls' : 'off');
}

const mostAddressBytes = 254;
/** Dots stand between other characters; what would need quotes is no address here. */
const localPart = /^[\p{L}\p{N}\p{M}!#$%&'*+/=?^_`{|}~-]+(?:\.[\p{L}\p{N}\p{M}!#$%&'*+/=?^_`{|}~-]+)*$/u;
const domain =
  /^[\p{L}\p{N}](?:[\p{L}\p{N}\p{M}-]*[\p{L}\p{N}\p{M}])?(?:\.[\p{L}\p{N}](?:[\p{L}\p{N}\p{M}-]*[\p{L}\p{N}\p{M}])?)*$/u;

/**
 * One plain address: no name beside it, no comment, no list, no line break, so that it is one recipient wherever it is
 * written. Whether somebody reads what is sent there, only a mail can tell.
 */
export function readMailAddress(text: string): Parsed<string> {
  const address = text.normalize('NFC');
  const [local = '', host = '', ...more] = address.split('@');
  const fits =
    Buffer.byteLength(address) <= mostAddressBytes &&
    Buffer.byteLength(local) <= 64 &&
    more.length === 0 &&
    localPart.test(local) &&
    domain.test(host);
  return fits ? accepted(address) : refused('it is no address such as alice@example.org');
}

export interface MailSender {
  /** Empty: none. */
  readonly name: string;
  readonly address: string;
}

/** `sallyport@example.org`, or `Sallyport <sallyport@example.org>`. */
export const mailSender: ValueKind<MailSender> = {
  writing: 'text',
  suffix: '',
  form: 'a mail address (`sallyport@example.org`), with a name in front or without (`Sign-in <sallyport@example.org>`)',
  parse: (text) => {
    const [, name = '', inBrackets] = /^([^<>"\\\p{C}]{0,64}?)\s*<([^<>]+)>$/u.exec(text) ?? [];
    const address = readMailAddress(inBrackets ?? text);
    return address.kind === 'refused' ? address : accepted({ name, address: address.value });
  },
  format: ({ name, address }) => (name === '' ? address : `${name} <${address}>`),
};
