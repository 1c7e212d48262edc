/** A password changed by its owner, by the directory's own rules (RFC 3062). */
import type { Password } from '../../types.ts';
import type { RealmPasswordChange } from '../contract.ts';
import { codeOf, type Connection } from './connection.ts';

const operation = '1.3.6.1.4.1.4203.1.11.1';
const [oldPasswordTag, newPasswordTag] = [0x81, 0x82];

/** Results by which it is the new password that does not please (RFC 4511 appendix A.2): a constraint, a value. */
const notAccepted: ReadonlySet<number> = new Set([19, 21]);
/** The directory knows no such operation, or not for them. */
const notPossible: ReadonlySet<number> = new Set([2, 7, 8, 11, 12, 16, 50, 53, 65]);

/** On a connection that is bound as the owner. */
export async function passwordModify(
  connection: Connection,
  old: Password,
  wanted: Password,
): Promise<Exclude<RealmPasswordChange, { kind: 'unavailable' }>> {
  const { BerWriter } = await import('ldapts');
  const writer = new BerWriter();
  writer.startSequence();
  writer.writeString(old, oldPasswordTag);
  writer.writeString(wanted, newPasswordTag);
  writer.endSequence();
  try {
    await connection.ask((client) => client.exop(operation, writer.buffer));
    return { kind: 'changed' };
  } catch (fault) {
    const code = codeOf(fault) ?? -1;
    if (notAccepted.has(code)) return { kind: 'refused', why: 'not-accepted' };
    if (notPossible.has(code)) return { kind: 'refused', why: 'not-possible' };
    if (code === 49) return { kind: 'rejected' };
    throw fault;
  }
}
