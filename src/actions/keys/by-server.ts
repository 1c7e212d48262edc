/** Who does what nobody has asked for, for the audit log. */
import type { By } from '../call.ts';

export const byServer: By = { actor: '', address: '', way: 'none' };
